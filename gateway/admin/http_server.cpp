// One session is one coroutine: head, body, answer, again. Every wait is under the session's one
// timer, whose only act is to close the socket: the operation that was waiting then ends with an
// error. No operation is raced against another (STACK: `||` over coroutines is not safe in
// Boost 1.81).

#include "admin/http_server.hpp"

#include "admin/errors.hpp"
#include "base/ascii.hpp"
#include "base/wiping.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

namespace keygate::admin {

using boost::system::error_code;

// What a request brings may hold a token or a key: Beast's copies of it are overwritten like ours.
using WipedBody = bhttp::basic_string_body<char, std::char_traits<char>, WipingAllocator<char>>;
using Parser = bhttp::request_parser<WipedBody, WipingAllocator<char>>;
using Buffer = beast::basic_flat_buffer<WipingAllocator<char>>;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t drained_bytes = 1 << 20; // of a refused body, so that the answer is read
constexpr std::chrono::milliseconds drain_timeout{1'000};
constexpr std::chrono::milliseconds accept_pause{50}; // after EMFILE and its like

Fault fault(int error, std::string step) {
    return {error_code(error, boost::system::system_category()), std::move(step)};
}

unsigned status_of(const error_code& error) {
    if (error == bhttp::error::body_limit || error == bhttp::error::buffer_overflow) return 413;
    if (error == bhttp::error::header_limit) return 431;
    return 400;
}

std::string_view code_of(unsigned status) {
    switch (status) {
    case 413:
    case 431:
        return "TOO_LARGE";
    case 500:
        return "INTERNAL";
    default:
        return "BAD_REQUEST";
    }
}

/// @param name  a field of Beast's, or any text.
template <class Name>
std::vector<std::string> values_of(const Parser::value_type& message, const Name& name) {
    std::vector<std::string> values;
    const auto [first, last] = message.equal_range(name);
    for (auto field = first; field != last; ++field)
        values.emplace_back(field->value());
    return values;
}

/// The fields that the API and its guard look at.
void read_fields(const Parser::value_type& message, Request& request) {
    request.hosts = values_of(message, bhttp::field::host);
    request.authorizations = values_of(message, bhttp::field::authorization);
    request.if_match = values_of(message, bhttp::field::if_match);
    request.if_none_match = values_of(message, bhttp::field::if_none_match);
    request.content_types = values_of(message, bhttp::field::content_type);
    request.idempotency_keys = values_of(message, "Idempotency-Key");
}

// RFC 9112 6.3: a body whose end can be read in two ways is refused, not repaired.
bool has_clear_framing(const Parser::value_type& message) {
    const auto codings = values_of(message, bhttp::field::transfer_encoding);
    const auto lengths = values_of(message, bhttp::field::content_length);
    if (codings.empty()) return lengths.size() <= 1;
    return codings.size() == 1 && lengths.empty() && message.version() == 11 &&
           ascii::equal_ignoring_case(codings.front(), "chunked");
}

bool is_field_value(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

enum class Part { head, message };

/// Reads until that part is there; at most so many bytes. Beast's own bound of a head counts only
/// what it could not parse yet: small fields without an end would never reach it, nor would
/// trailers.
template <class Socket>
asio::awaitable<error_code> read_on(Socket& socket, Buffer& buffer, Parser& parser, Part part,
                                    std::uint64_t most) {
    std::uint64_t all = 0;
    for (;;) {
        const bool is_there = part == Part::head ? parser.is_header_done() : parser.is_done();
        if (is_there) co_return error_code{};
        const auto [error, bytes] = co_await bhttp::async_read_some(socket, buffer, parser, token);
        if (error) co_return error;
        all += bytes;
        if (all > most)
            co_return part == Part::head ? bhttp::error::header_limit : bhttp::error::body_limit;
    }
}

/// What a body of that size may take on the wire: a chunk of one byte takes six.
std::uint64_t bytes_of(std::uint64_t body) {
    return body * 8;
}

std::string head_of(const Response& response, bool keep_alive) {
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    head += std::string_view{bhttp::obsolete_reason(static_cast<bhttp::status>(response.status))};
    head += "\r\nContent-Type: " + response.content_type;
    head += "\r\nContent-Length: " + std::to_string(response.body.size());
    head += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
    for (const auto& [name, value] : response.headers) {
        if (!is_field_value(value)) throw std::logic_error("control byte in field " + name);
        head += name + ": " + value + "\r\n";
    }
    if (!keep_alive) head += "Connection: close\r\n";
    head += "\r\n";
    return head;
}

} // namespace

/// One connection. Shared by its coroutine and by the timer's handler, which may come after it.
struct HttpServer::Session : std::enable_shared_from_this<HttpServer::Session> {
    using Socket = asio::generic::stream_protocol::socket;

    Session(Socket s, Transport t)
        : socket(std::move(s))
        , timer(socket.get_executor())
        , transport(t) {}

    /// From here on the socket is closed after `limit`, unless armed again or disarmed before.
    void arm(std::chrono::milliseconds limit) {
        timer.expires_after(limit);
        timer.async_wait([self = shared_from_this()](const error_code& error) {
            // An expiry that was under way when the timer was armed anew is not ours to act on.
            if (error || self->timer.expiry() > asio::steady_timer::clock_type::now()) return;
            self->close();
        });
    }

    void close() {
        error_code ignored;
        socket.close(ignored);
    }

    /// Wipes what was read and used; what belongs to the next request goes on.
    void forget_used(std::size_t capacity) {
        Buffer fresh;
        fresh.reserve(capacity);
        const auto next = buffer.data();
        fresh.commit(asio::buffer_copy(fresh.prepare(next.size()), next));
        buffer = std::move(fresh);
    }

    Socket socket;
    asio::steady_timer timer;
    Buffer buffer;
    Transport transport;
    bool is_busy = false; // a request was begun and is not answered yet
    // A request is waited for, or the rest of one.
    bool is_reading = false;
    asio::steady_timer::time_point reading_since{};
};

HttpServer::HttpServer(asio::any_io_executor executor, Handler handler, ServerOptions options)
    : executor_(executor)
    , handler_(std::move(handler))
    , options_(std::move(options))
    , tasks_(std::move(executor)) {}

HttpServer::~HttpServer() {
    for (const auto& close : closers_)
        close();
}

Result<void> HttpServer::listen(const config::Endpoint& address) {
    using asio::ip::tcp;
    const std::string step = "listen on " + address.host + ":" + std::to_string(address.port);
    error_code error;
    const auto host = asio::ip::make_address(address.host, error);
    if (error) return Fault{error, step};
    const tcp::endpoint endpoint(host, address.port);
    const auto acceptor = std::make_shared<tcp::acceptor>(executor_);
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error) return Fault{error, step};

    port_ = acceptor->local_endpoint().port();
    closers_.emplace_back([acceptor] {
        error_code ignored;
        acceptor->close(ignored);
    });
    tasks_.spawn(accept_from(acceptor, Transport::tcp));
    return {};
}

namespace {

/// Makes way for a socket file: removes one that nobody listens on.
Result<void> make_way(const std::string& path, const std::string& step) {
    struct stat found {};

    if (::lstat(path.c_str(), &found) != 0) {
        if (errno == ENOENT) return {};
        return fault(errno, step);
    }
    if (!S_ISSOCK(found.st_mode)) return fault(EEXIST, step);

    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return fault(errno, step);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int outcome =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = outcome == 0 ? 0 : errno;
    ::close(probe);
    // EAGAIN is a full queue, so somebody listens. Whatever is not a clear "nobody" keeps the file.
    if (error == 0 || error == EAGAIN) return fault(EADDRINUSE, step);
    if (error != ECONNREFUSED) return fault(error, step);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fault(errno, step);
    return {};
}

} // namespace

Result<void> HttpServer::listen_local(const std::string& path) {
    using asio::local::stream_protocol;
    const std::string step = "listen on unix socket " + path;
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return fault(ENAMETOOLONG, step + " (a socket's path has at most 107 bytes; move the "
                                          "store's file to a shorter path)");
    const auto way = make_way(path, step);
    if (!way) return way.error();

    error_code error;
    const auto acceptor = std::make_shared<stream_protocol::acceptor>(executor_);
    acceptor->open(stream_protocol(), error);
    if (error) return Fault{error, step};
    // On Linux the mode of the unbound socket becomes the mode of the file: there is no instant at
    // which others could connect.
    if (::fchmod(acceptor->native_handle(), S_IRUSR | S_IWUSR) != 0) return fault(errno, step);
    acceptor->bind(stream_protocol::endpoint(path), error);
    if (error) return Fault{error, step};

    struct stat made {};

    if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::lstat(path.c_str(), &made) != 0)
        return fault(errno, step);
    acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error) return Fault{error, step};

    closers_.emplace_back([acceptor, path, made] {
        if (!acceptor->is_open()) return;
        error_code ignored;
        acceptor->close(ignored);
        // Only our own file: another process may have put its socket there.
        struct stat found {};
        if (::lstat(path.c_str(), &found) == 0 && found.st_ino == made.st_ino &&
            found.st_dev == made.st_dev)
            ::unlink(path.c_str());
    });
    tasks_.spawn(accept_from(acceptor, Transport::local));
    return {};
}

void HttpServer::stop() {
    is_stopping_ = true;
    for (const auto& close : closers_)
        close();
    for (Session* session : sessions_)
        if (!session->is_busy) session->close();
}

void HttpServer::cancel() {
    stop();
    tasks_.cancel();
}

asio::awaitable<void> HttpServer::drained() {
    return tasks_.drained();
}

template <class Acceptor>
asio::awaitable<void> HttpServer::accept_from(std::shared_ptr<Acceptor> acceptor,
                                              Transport transport) {
    asio::steady_timer pause(executor_);
    while (acceptor->is_open()) {
        auto [error, socket] = co_await acceptor->async_accept(token);
        if (!acceptor->is_open()) co_return;
        if (error == asio::error::operation_aborted) co_return;
        if (error) {
            // Out of descriptors: accepting again at once would spin.
            pause.expires_after(accept_pause);
            const auto [cut] = co_await pause.async_wait(token);
            if (cut) co_return;
            continue;
        }
        if (sessions_.size() >= options_.max_connections && !make_room()) continue; // closes it
        if constexpr (std::is_same_v<typename Acceptor::protocol_type, asio::ip::tcp>) {
            error_code ignored;
            socket.set_option(asio::ip::tcp::no_delay(true), ignored);
        }
        Session::Socket any(std::move(socket));
        tasks_.spawn(serve(std::make_shared<Session>(std::move(any), transport)));
    }
}

/// Closes the connection whose request has been waited for longest. False if there is none.
bool HttpServer::make_room() {
    // Those that were closed are still here until the loop's next turn.
    if (sessions_.size() >= 2 * options_.max_connections) return false;
    Session* oldest = nullptr;
    for (Session* session : sessions_) {
        if (!session->is_reading || !session->socket.is_open()) continue;
        if (oldest == nullptr || session->reading_since < oldest->reading_since) oldest = session;
    }
    if (oldest == nullptr) return false;
    oldest->close();
    return true;
}

asio::awaitable<void> HttpServer::serve(std::shared_ptr<Session> session) {
    struct Listed {
        Listed(std::vector<Session*>& all, Session* one)
            : sessions(all)
            , self(one) {
            sessions.push_back(self);
        }

        ~Listed() {
            sessions.erase(std::find(sessions.begin(), sessions.end(), self));
            self->timer.cancel();
            self->close();
        }

        Listed(const Listed&) = delete;
        Listed& operator=(const Listed&) = delete;
        std::vector<Session*>& sessions;
        Session* self;
    };

    const Listed listed(sessions_, session.get());
    session->buffer.reserve(options_.max_head);
    bool go_on = !is_stopping_;
    while (go_on) {
        const bool more = co_await serve_one(*session);
        wipe_stack(); // where Beast joins folded lines
        session->forget_used(options_.max_head);
        go_on = more && !is_stopping_;
    }
}

// Reads one request and answers it; true if another may follow.
asio::awaitable<bool> HttpServer::serve_one(Session& session) {
    Parser parser;
    parser.header_limit(options_.max_head);
    parser.body_limit(options_.max_body);
    session.is_busy = session.buffer.size() > 0;
    session.is_reading = true;
    session.reading_since = asio::steady_timer::clock_type::now();
    session.arm(options_.head_timeout);
    parser.eager(false);
    const error_code head_error =
        co_await read_on(session.socket, session.buffer, parser, Part::head, options_.max_head);
    if (head_error == bhttp::error::end_of_stream || !session.socket.is_open()) co_return false;
    session.is_busy = true;
    // A closed or reset connection is not HTTP's business; what the parser says is.
    if (head_error && head_error.category() != make_error_code(bhttp::error::bad_method).category())
        co_return false;
    if (head_error) {
        const auto status = status_of(head_error);
        co_return co_await refuse(session, status, "the request is not valid HTTP/1.1");
    }

    Request request;
    request.transport = session.transport;
    request.method = std::string{parser.get().method_string()};
    read_fields(parser.get(), request);
    const std::string target{parser.get().target()};
    const bool is_clear = read_target(target, request) && has_clear_framing(parser.get()) &&
                          request.hosts.size() <= 1 &&
                          (request.hosts.size() == 1 || parser.get().version() == 10);
    if (!is_clear) co_return co_await refuse(session, 400, "target, Host or framing is not valid");

    const auto expectations = values_of(parser.get(), bhttp::field::expect);
    if (!expectations.empty() && !parser.is_done()) {
        static constexpr std::string_view go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";
        session.arm(options_.write_timeout);
        const auto piece = asio::buffer(go_ahead);
        const auto [error, written] = co_await asio::async_write(session.socket, piece, token);
        if (error) co_return false;
    }
    session.arm(options_.body_timeout);
    parser.eager(true);
    const error_code body_error = co_await read_on(session.socket, session.buffer, parser,
                                                   Part::message, bytes_of(options_.max_body));
    if (body_error && !session.socket.is_open()) co_return false;
    if (body_error) {
        const auto status = status_of(body_error);
        co_return co_await refuse(session, status, "the body is cut, or larger than is taken here");
    }
    session.timer.cancel();
    session.is_reading = false;

    request.body.assign(parser.get().body());
    const bool keep_alive = parser.get().keep_alive() && !is_stopping_;
    const bool with_body = request.method != "HEAD";
    auto response = co_await answer(std::move(request));
    const std::string head = head_of(response, keep_alive);
    const std::array<asio::const_buffer, 2> pieces{
        asio::buffer(head), with_body ? asio::buffer(response.body) : asio::const_buffer{}};
    session.arm(options_.write_timeout);
    const auto [write_error, written] = co_await asio::async_write(session.socket, pieces, token);
    // It may have held a new key.
    wipe(response.body.data(), response.body.size());
    session.is_busy = false;
    if (write_error) co_return false;
    co_return keep_alive;
}

asio::awaitable<Response> HttpServer::answer(Request request) {
    std::string bug;
    try {
        auto waiting = handler_(std::move(request));
        co_return co_await std::move(waiting);
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted) throw; // we are being cancelled
        bug = e.what();
    } catch (const std::exception& e) {
        bug = e.what();
    }
    if (options_.on_bug) options_.on_bug(bug);
    const Problem problem{500, "INTERNAL", "internal", "the request could not be carried out"};
    co_return to_response(problem, new_request_id());
}

// Answers what was not even a request, and lets the client read the answer: closing with unread
// bytes would reset the connection. Always false: nothing may follow.
asio::awaitable<bool> HttpServer::refuse(Session& session, unsigned status,
                                         std::string_view message) {
    const Problem problem{status, std::string{code_of(status)}, "http_invalid",
                          std::string{message}};
    const auto response = to_response(problem, new_request_id());
    const std::string head = head_of(response, false);
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(head), asio::buffer(response.body)};
    session.arm(options_.write_timeout);
    const auto [write_error, written] = co_await asio::async_write(session.socket, pieces, token);
    if (write_error) co_return false;
    error_code ignored;
    session.socket.shutdown(asio::socket_base::shutdown_send, ignored);

    session.arm(std::min(drain_timeout, options_.head_timeout));
    std::array<char, 4096> waste{};
    const auto bin = asio::buffer(waste);
    for (std::size_t left = drained_bytes; left > 0;) {
        const auto [error, bytes] = co_await session.socket.async_read_some(bin, token);
        if (error) break;
        left -= std::min(left, bytes);
    }
    wipe(waste); // it lies where the coroutine's frame does
    co_return false;
}

} // namespace keygate::admin
