// Callbacks, not coroutines: a link may be destroyed at any moment, also by whom it calls, and a
// destructor cannot wait for a coroutine to end. Every operation holds the Impl, and with it the
// socket and the buffers; when the Link dies or the connection ends, the Impl closes the socket,
// forgets its handler, and is gone with its last operation. After that moment neither the settings
// nor the handler are looked at.

#include "redis/link.hpp"

#include "base/release.hpp"
#include "base/wiping.hpp"
#include "config/secret_file.hpp"
#include "redis/codec.hpp"
#include "redis/error.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <charconv>
#include <deque>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

namespace keygate::redis {

using boost::system::error_code;

namespace {

using Socket = asio::generic::stream_protocol::socket;
using Endpoint = asio::generic::stream_protocol::endpoint;
using Tls = ssl::stream<Socket&>;

constexpr std::size_t most_waiting = std::size_t{64} * 1024 * 1024; // bytes on their way out
constexpr std::size_t kept_buffer = std::size_t{256} * 1024;        // of what went out
constexpr std::size_t read_size = std::size_t{32} * 1024;
// A peer that is gone without a word is noticed after about a minute also where nobody asks.
constexpr int keepalive_idle_s = 30;
constexpr int keepalive_interval_s = 10;
constexpr int keepalive_probes = 3;

/// The commands that begin a connection, in their order.
enum class Greeting : std::uint8_t { auth, select, set_name, hello };

std::string_view name_of(Greeting greeting) {
    switch (greeting) {
    case Greeting::auth:
        return "AUTH";
    case Greeting::select:
        return "SELECT";
    case Greeting::set_name:
        return "CLIENT SETNAME";
    case Greeting::hello:
        return "HELLO";
    }
    return {};
}

/// An old server does not know HELLO, and a user may have no permission for it or for SETNAME; all
/// else is a server that does not work for us.
bool is_tolerated(Greeting greeting, const error_code& error) {
    if (greeting != Greeting::set_name && greeting != Greeting::hello) return false;
    return error == Error::unknown_command || error == Error::no_permission ||
           error == Error::other;
}

/// A command into memory that is wiped (redis/codec.hpp appends to plain strings).
void append_wiping(WipingString& out, std::initializer_list<std::string_view> words) {
    out.append("*").append(std::to_string(words.size())).append("\r\n");
    for (const std::string_view word : words) {
        out.append("$").append(std::to_string(word.size())).append("\r\n");
        out.append(word).append("\r\n");
    }
}

void read_member(const Reply& name, const Reply& value, Hello& hello) {
    if (name.text == "version" && value.is(Reply::Kind::text)) {
        hello.version = value.text;
        const char* const begin = value.text.data();
        std::from_chars(begin, begin + value.text.size(), hello.major);
    } else if (name.text == "id" && value.is(Reply::Kind::number)) {
        hello.client = value.number;
    } else if (name.text == "role" && value.is(Reply::Kind::text)) {
        hello.role = value.text;
    } else if (name.text == "mode" && value.is(Reply::Kind::text)) {
        hello.mode = value.text;
    }
}

/// HELLO in RESP2: names and values in turn.
Result<Hello> read_hello(const Reply& reply) {
    const auto wrong = [](Error error) { return Fault{error, std::string{"HELLO"}}; };
    if (!reply.is(Reply::Kind::list) || reply.list.size() % 2 != 0) return wrong(Error::unexpected);
    Hello hello;
    for (std::size_t i = 0; i < reply.list.size(); i += 2)
        read_member(reply.list[i], reply.list[i + 1], hello);
    if (hello.mode == "cluster") return wrong(Error::is_cluster);
    if (hello.mode == "sentinel") return wrong(Error::unexpected);
    if (hello.role == "replica" || hello.role == "slave") return wrong(Error::not_master);
    return hello;
}

/// What a server's certificate is judged by, and our own where there is one. Read at each dial, so
/// that the files may change.
Result<void> load(ssl::context& context, const config::RedisTls& tls) {
    error_code error;
    ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    ::SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION);
    context.set_verify_mode(ssl::verify_peer, error);
    if (error) return Fault{error, "TLS"};
    if (tls.ca.empty())
        context.set_default_verify_paths(error);
    else
        context.load_verify_file(tls.ca, error);
    if (error) return Fault{error, "read CA file " + tls.ca};
    if (tls.certificate.empty()) return {};
    context.use_certificate_chain_file(tls.certificate, error);
    if (error) return Fault{error, "read certificate file " + tls.certificate};
    // Without it OpenSSL would ask at the terminal for the password of an encrypted key.
    context.set_password_callback(
        [](std::size_t, ssl::context::password_purpose) { return std::string{}; }, error);
    if (!error) context.use_private_key_file(tls.private_key, ssl::context::pem, error);
    if (error) return Fault{error, "read private key file " + tls.private_key};
    return {};
}

/// The name (RFC 6125) or address that the certificate must be for. @returns whether it is set.
bool expect_name(SSL* connection, const std::string& name) {
    error_code no_address;
    asio::ip::make_address(name, no_address);
    if (!no_address)
        return ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(connection), name.c_str()) == 1;
    ::SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return ::SSL_set1_host(connection, name.c_str()) == 1 &&
           SSL_set_tlsext_host_name(connection, name.c_str()) == 1;
}

void set_options(Socket& socket) {
    error_code ignored; // they make a connection better, not possible
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    const auto set = [&](int name, int value) {
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof value);
    };
    set(TCP_KEEPIDLE, keepalive_idle_s);
    set(TCP_KEEPINTVL, keepalive_interval_s);
    set(TCP_KEEPCNT, keepalive_probes);
}

} // namespace

class Link::Impl : public std::enable_shared_from_this<Link::Impl> {
  public:
    Impl(asio::io_context& loop, const config::Redis& settings, Handler& handler)
        : loop_(loop)
        , settings_(settings)
        , url_(settings.url)
        , handler_(&handler) {}

    /// A turn later: nobody is told anything inside the constructor of the Link.
    void start() {
        asio::post(loop_, [self = shared_from_this()] { self->dial(); });
    }

    void abandon() {
        handler_ = nullptr;
        shut();
    }

    [[nodiscard]] bool is_open() const { return stage_ == Stage::open && !is_full_; }

    void send(std::string_view commands) {
        if (!is_open()) return;
        if (commands.size() > most_waiting - out_.size() - in_flight_.size()) {
            is_full_ = true;
            asio::post(loop_, [self = shared_from_this()] {
                self->fail({asio::error::no_buffer_space, "send to " + self->url_});
            });
            return;
        }
        out_.append(commands);
        if (is_writing_ || is_flush_posted_) return;
        is_flush_posted_ = true;
        asio::post(loop_, [self = shared_from_this()] {
            self->is_flush_posted_ = false;
            self->flush();
        });
    }

  private:
    enum class Stage : std::uint8_t { dialling, greeting, open, ended };

    [[nodiscard]] bool is_ended() const { return stage_ == Stage::ended; }

    void shut() {
        stage_ = Stage::ended;
        resolver_.cancel();
        deadline_.cancel();
        attempt_.cancel();
        error_code ignored;
        socket_.close(ignored);
    }

    /// The last act, unless there was one already.
    void fail(Fault fault) {
        if (is_ended()) return;
        shut();
        if (auto* const handler = std::exchange(handler_, nullptr)) handler->on_closed(fault);
    }

    // --- the dial ---

    void dial() {
        if (is_ended()) return;
        step_ = "connect to " + url_;
        deadline_.expires_after(settings_.command_timeout);
        deadline_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error && self->stage_ != Stage::open)
                self->fail({asio::error::timed_out, self->step_});
        });
        if (auto made = make_greeting(); !made) return fail(made.error());
        if (settings_.transport == config::RedisTransport::unix_socket) return dial_path();
        if (settings_.transport == config::RedisTransport::tls)
            if (auto made = make_tls(); !made) return fail(made.error());
        error_code no_address;
        const auto address = asio::ip::make_address(settings_.host, no_address);
        if (no_address) return resolve();
        endpoints_.emplace_back(asio::ip::tcp::endpoint(address, settings_.port));
        connect_next(asio::error::host_not_found);
    }

    void dial_path() {
        if (settings_.path.size() >= sizeof(sockaddr_un::sun_path))
            return fail(
                {boost::system::errc::make_error_code(boost::system::errc::filename_too_long),
                 step_ + " (a socket's path has at most 107 bytes)"});
        endpoints_.emplace_back(asio::local::stream_protocol::endpoint(settings_.path));
        connect_next(asio::error::host_not_found);
    }

    void resolve() {
        resolver_.async_resolve(
            settings_.host, std::to_string(settings_.port),
            asio::ip::tcp::resolver::numeric_service,
            [self = shared_from_this()](const error_code& error, const auto& found) {
                if (self->is_ended()) return;
                for (const auto& entry : found)
                    self->endpoints_.emplace_back(entry.endpoint());
                self->connect_next(error ? error : asio::error::host_not_found);
            });
    }

    /// @param error  of the address before.
    void connect_next(const error_code& error) {
        attempt_.cancel();
        if (tried_ == endpoints_.size()) return fail({error, step_});
        const Endpoint endpoint = endpoints_[tried_++];
        error_code ignored;
        socket_.close(ignored);
        if (tried_ < endpoints_.size()) bound_attempt();
        socket_.async_connect(
            endpoint, [self = shared_from_this(), attempt = tried_](const error_code& failed) {
                if (self->is_ended() || self->tried_ != attempt) return;
                if (failed) return self->connect_next(failed);
                self->attempt_.cancel();
                self->connected();
            });
    }

    /// An address that does not answer at all must leave time for those after it.
    void bound_attempt() {
        const auto left = deadline_.expiry() - asio::steady_timer::clock_type::now();
        const auto addresses = static_cast<std::int64_t>(endpoints_.size() - tried_ + 1);
        attempt_.expires_after(left / addresses);
        attempt_.async_wait([self = shared_from_this(), attempt = tried_](const error_code& error) {
            if (error || self->stage_ != Stage::dialling || self->tried_ != attempt) return;
            if (!self->is_connected_) self->connect_next(asio::error::timed_out);
        });
    }

    void connected() {
        is_connected_ = true;
        if (settings_.transport != config::RedisTransport::unix_socket) set_options(socket_);
        if (!tls_) return greet();
        step_ = "TLS handshake with " + url_;
        tls_->async_handshake(
            ssl::stream_base::client, [self = shared_from_this()](const error_code& error) {
                if (self->is_ended()) return;
                if (!error) return self->greet();
                const long verdict = ::SSL_get_verify_result(self->tls_->native_handle());
                std::string step = self->step_;
                if (verdict != X509_V_OK)
                    step.append(" (").append(::X509_verify_cert_error_string(verdict)).append(")");
                self->fail({error, std::move(step)});
            });
    }

    Result<void> make_tls() {
        context_.emplace(ssl::context::tls_client);
        if (auto loaded = load(*context_, settings_.tls); !loaded) return loaded;
        tls_.emplace(socket_, *context_);
        const std::string& name =
            settings_.tls.server_name.empty() ? settings_.host : settings_.tls.server_name;
        if (!expect_name(tls_->native_handle(), name))
            return Fault{asio::error::invalid_argument, "expect a certificate of " + name};
        return {};
    }

    // --- the greeting ---

    Result<void> make_greeting() {
        if (!settings_.password_file.empty()) {
            const auto read = config::read_secret_file(settings_.password_file, "password", 1);
            if (!read) return read.error();
            add_auth(read->reveal());
        } else if (settings_.password) {
            add_auth(settings_.password->reveal());
        }
        if (settings_.database != 0)
            add(Greeting::select, {"SELECT", std::to_string(settings_.database)});
        add(Greeting::set_name, {"CLIENT", "SETNAME", settings_.client_name});
        // Without arguments it changes nothing, and says what the server is.
        add(Greeting::hello, {"HELLO"});
        return {};
    }

    void add_auth(std::string_view password) {
        // Room for all of it at once; the allocator would wipe what it outgrows, too.
        greeting_.reserve(512 + settings_.user.size() + password.size());
        if (settings_.user.empty())
            add(Greeting::auth, {"AUTH", password});
        else
            add(Greeting::auth, {"AUTH", settings_.user, password});
    }

    void add(Greeting greeting, std::initializer_list<std::string_view> words) {
        append_wiping(greeting_, words);
        awaited_.push_back(greeting);
    }

    void greet() {
        stage_ = Stage::greeting;
        step_ = name_of(awaited_.front());
        is_writing_ = true;
        write(asio::buffer(greeting_), [](Impl& impl) { release(impl.greeting_); });
        read();
    }

    void greeted(const Reply& reply) {
        const Greeting greeting = awaited_.front();
        awaited_.pop_front();
        if (reply.is(Reply::Kind::error)) {
            Fault fault = fault_of(reply, name_of(greeting));
            if (!is_tolerated(greeting, fault.error)) return fail(std::move(fault));
        } else if (greeting == Greeting::hello) {
            auto hello = read_hello(reply);
            if (!hello) return fail(hello.error());
            hello_ = std::move(*hello);
        } else if (!reply.is_status("OK")) {
            return fail({Error::unexpected, std::string{name_of(greeting)}});
        }
        if (!awaited_.empty()) {
            step_ = name_of(awaited_.front());
            return;
        }
        // From here on the server is taken.
        stage_ = Stage::open;
        deadline_.cancel();
        handler_->on_open(hello_);
    }

    // --- in and out ---

    void read() {
        auto read = [self = shared_from_this()](const error_code& error, std::size_t size) {
            self->on_read(error, size);
        };
        if (tls_)
            tls_->async_read_some(asio::buffer(space_), std::move(read));
        else
            socket_.async_read_some(asio::buffer(space_), std::move(read));
    }

    void on_read(const error_code& error, std::size_t size) {
        if (is_ended()) return;
        if (error) return fail({error, stage_ == Stage::open ? "read from " + url_ : step_});
        decoder_.feed({space_.data(), size});
        take_replies();
        if (!is_ended()) read();
    }

    void take_replies() {
        while (!is_ended()) {
            auto reply = decoder_.next();
            if (!reply) return fail(reply.error());
            if (!*reply) return;
            if (stage_ == Stage::open)
                handler_->on_reply(std::move(**reply));
            else
                greeted(**reply);
        }
    }

    /// `done` is called when all of it has been written.
    template <class Done> void write(asio::const_buffer bytes, Done done) {
        auto written = [self = shared_from_this(), done](const error_code& error, std::size_t) {
            done(*self);
            self->is_writing_ = false;
            if (self->is_ended()) return;
            if (!error) return self->flush();
            // A server that refuses us at once may have said why: the read tells, or the deadline.
            if (self->stage_ == Stage::open) self->fail({error, "send to " + self->url_});
        };
        if (tls_)
            asio::async_write(*tls_, bytes, std::move(written));
        else
            asio::async_write(socket_, bytes, std::move(written));
    }

    void flush() {
        if (is_ended() || is_writing_ || out_.empty()) return;
        is_writing_ = true;
        in_flight_.swap(out_);
        write(asio::buffer(in_flight_),
              [](Impl& impl) { release_beyond(impl.in_flight_, kept_buffer); });
    }

    asio::io_context& loop_;
    const config::Redis& settings_;
    const std::string url_; // also for what is found out after the settings are gone
    Handler* handler_;
    Stage stage_ = Stage::dialling;
    std::string step_; // what is under way, for a Fault
    Hello hello_;

    asio::ip::tcp::resolver resolver_{loop_};
    asio::steady_timer deadline_{loop_}; // of the dial and the greeting
    asio::steady_timer attempt_{loop_};  // of one address
    std::vector<Endpoint> endpoints_;
    std::size_t tried_ = 0; // of endpoints_
    bool is_connected_ = false;

    Socket socket_{loop_};
    std::optional<ssl::context> context_;
    std::optional<Tls> tls_;

    WipingString greeting_; // holds the password until it was sent
    std::deque<Greeting> awaited_;

    Decoder decoder_;
    std::array<char, read_size> space_{};
    std::string out_;
    std::string in_flight_;
    bool is_writing_ = false;
    bool is_flush_posted_ = false;
    bool is_full_ = false;
};

Link::Link(asio::io_context& loop, const config::Redis& settings, Handler& handler)
    : impl_(std::make_shared<Impl>(loop, settings, handler)) {
    impl_->start();
}

Link::~Link() {
    impl_->abandon();
}

bool Link::is_open() const {
    return impl_->is_open();
}

void Link::send(std::string_view commands) {
    impl_->send(commands);
}

} // namespace keygate::redis
