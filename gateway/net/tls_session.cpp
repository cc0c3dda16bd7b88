// OpenSSL reads and writes the socket through a BIO of our own: its own socket BIO knows neither
// MSG_NOSIGNAL nor what edge-triggered events have told, and two memory BIOs would copy everything
// once more.
//
// Plaintext may hold keys. OpenSSL decrypts in the buffer that it has read into; with
// SSL_OP_CLEANSE_PLAINTEXT (net/tls_context.cpp) it overwrites what was taken out of it, and the
// whole buffer before it is freed. What is to be encrypted is copied once more here where it comes
// in small pieces, and overwritten after that.

#include "net/tls_session.hpp"

#include "base/secret.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include <sys/socket.h>

namespace keygate::net {

namespace {

/// The most that one record holds (RFC 8446 5.1).
constexpr std::size_t record_size = 16 * 1024;
/// What one call may take from the socket. More than the largest read of a thread: who sends
/// nothing but messages of TLS itself has no thread for himself.
constexpr std::size_t most_per_call = 256 * 1024;

boost::system::error_code tls_error(unsigned long code) {
    return {static_cast<int>(code), boost::asio::error::get_ssl_category()};
}

/// Pieces as a sequence of records' contents.
class Pieces {
  public:
    explicit Pieces(std::span<const iovec> pieces)
        : pieces_(pieces) {
        drop_empty();
    }

    ~Pieces() { wipe(scratch().data(), used_); }

    Pieces(const Pieces&) = delete;
    Pieces& operator=(const Pieces&) = delete;

    /// What the next record is made of, at most `record_size`; empty when nothing is left. Where
    /// one piece does not fill it and others follow, they are put together.
    [[nodiscard]] std::span<const char> next() {
        if (pieces_.empty()) return {};
        const std::span<const char> first = rest_of(pieces_.front(), done_);
        if (first.size() >= record_size || pieces_.size() == 1)
            return first.first(std::min(first.size(), record_size));
        std::size_t filled = 0;
        std::size_t from = done_;
        for (const iovec& piece : pieces_) {
            const std::span<const char> rest = rest_of(piece, from);
            const std::size_t taken = std::min(rest.size(), record_size - filled);
            std::copy_n(rest.data(), taken, scratch().data() + filled);
            filled += taken;
            from = 0;
            if (filled == record_size) break;
        }
        used_ = std::max(used_, filled);
        return std::span{scratch()}.first(filled);
    }

    void skip(std::size_t bytes) {
        while (bytes > 0) {
            const std::size_t step = std::min(bytes, pieces_.front().iov_len - done_);
            done_ += step;
            bytes -= step;
            drop_empty();
        }
    }

  private:
    static std::array<char, record_size>& scratch() {
        thread_local std::array<char, record_size> memory;
        return memory;
    }

    static std::span<const char> rest_of(const iovec& piece, std::size_t from) {
        return std::span{static_cast<const char*>(piece.iov_base), piece.iov_len}.subspan(from);
    }

    void drop_empty() {
        while (!pieces_.empty() && done_ == pieces_.front().iov_len) {
            pieces_ = pieces_.subspan(1);
            done_ = 0;
        }
    }

    std::span<const iovec> pieces_;
    std::size_t done_ = 0; // of the first one
    std::size_t used_ = 0; // of the scratch
};

} // namespace

/// The socket, as OpenSSL sees it.
struct TlsSession::Wire {
    static TlsSession& session_of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* space, int size) {
        TlsSession& session = session_of(bio);
        BIO_clear_retry_flags(bio);
        if (!session.has_arrived_ || session.allowance_ == 0) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const auto wanted = std::min(static_cast<std::size_t>(size), session.allowance_);
        const ssize_t count = ::recv(session.descriptor_, space, wanted, MSG_DONTWAIT);
        if (count > 0) {
            // As in Channel::read: a short read says that the socket is empty.
            if (static_cast<std::size_t>(count) < wanted && !session.is_hung_up_)
                session.has_arrived_ = false;
            session.allowance_ -= static_cast<std::size_t>(count);
            return static_cast<int>(count);
        }
        if (count == 0) return 0;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            if (errno != EINTR) session.has_arrived_ = false;
            BIO_set_retry_read(bio);
            return -1;
        }
        session.wire_error_ = errno;
        return -1;
    }

    static int write(BIO* bio, const char* bytes, int size) {
        TlsSession& session = session_of(bio);
        BIO_clear_retry_flags(bio);
        const ssize_t count = ::send(session.descriptor_, bytes, static_cast<std::size_t>(size),
                                     MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) return static_cast<int>(count);
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            BIO_set_retry_write(bio);
        else
            session.wire_error_ = errno;
        return -1;
    }

    /// All that OpenSSL needs to hear: what was written needs no flush.
    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static BIO* make(TlsSession& session) {
        static const BIO_METHOD* const method = [] {
            BIO_METHOD* const made =
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");
            if (made == nullptr) throw std::bad_alloc{};
            BIO_meth_set_read(made, &Wire::read);
            BIO_meth_set_write(made, &Wire::write);
            BIO_meth_set_ctrl(made, &Wire::control);
            return made;
        }();
        BIO* const bio = BIO_new(method);
        if (bio == nullptr) throw std::bad_alloc{};
        BIO_set_data(bio, &session);
        BIO_set_init(bio, 1);
        return bio;
    }
};

TlsSession::TlsSession(ssl_st* ssl, std::shared_ptr<const void> context)
    : context_(std::move(context))
    , ssl_(ssl) {
    BIO* const bio = Wire::make(*this);
    SSL_set_bio(ssl_, bio, bio);
}

TlsSession::~TlsSession() {
    SSL_free(ssl_);
}

void TlsSession::attach(int descriptor, bool has_arrived) {
    descriptor_ = descriptor;
    has_arrived_ = has_arrived;
}

void TlsSession::begin() {
    // What others have left there would be taken for ours.
    ERR_clear_error();
    allowance_ = most_per_call;
    wire_error_ = 0;
}

Transfer TlsSession::handshake() {
    if (failure_) return *failure_;
    begin();
    read_waits_ = Wait::nothing;
    const int result = SSL_do_handshake(ssl_);
    if (result > 0) return Transfer::moved(0);
    const Transfer transfer = stop(result, read_waits_);
    // A polite end is none to what has not begun.
    return transfer.state == Transfer::State::ended ? on_wire_failed() : transfer;
}

Transfer TlsSession::read(std::span<char> space) {
    if (failure_) return *failure_;
    begin();
    read_waits_ = Wait::nothing;
    std::size_t filled = 0;
    while (filled < space.size()) {
        std::size_t count = 0;
        const int result = SSL_read_ex(ssl_, space.data() + filled, space.size() - filled, &count);
        if (result <= 0) {
            const Transfer transfer = stop(result, read_waits_);
            if (filled == 0) return transfer;
            break; // how it ended is found again by the next read
        }
        filled += count;
    }
    return Transfer::moved(filled);
}

Transfer TlsSession::write(std::span<const iovec> pieces) {
    if (failure_) return *failure_;
    begin();
    write_waits_ = Wait::nothing;
    Pieces left{pieces};
    std::size_t total = 0;
    for (auto next = left.next(); !next.empty(); next = left.next()) {
        std::size_t count = 0;
        const int result = SSL_write_ex(ssl_, next.data(), next.size(), &count);
        if (result <= 0) {
            // No failure for good: what the peer sent before it went away can still be read.
            if (wire_error_ != 0) return on_wire_failed();
            const Transfer transfer = stop(result, write_waits_);
            if (transfer.state == Transfer::State::would_block && total > 0) break;
            return transfer;
        }
        total += count;
        left.skip(count);
    }
    return Transfer::moved(total);
}

bool TlsSession::is_silent() {
    if (failure_) return false;
    char byte = 0;
    if (!is_established())
        return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
               (errno == EAGAIN || errno == EWOULDBLOCK);
    has_arrived_ = true; // as far as we know: an event may be on its way
    begin();
    std::size_t count = 0;
    const int result = SSL_peek_ex(ssl_, &byte, 1, &count);
    wipe(&byte, 1);
    read_waits_ = Wait::nothing;
    if (result > 0) return false;
    if (stop(result, read_waits_).state != Transfer::State::would_block) return false;
    // A record that is not whole yet may become anything.
    return !has_arrived_ && SSL_has_pending(ssl_) == 0 && SSL_rstate_string(ssl_)[1] == 'H';
}

bool TlsSession::send_end() {
    if (failure_ || is_end_said_ || !is_established()) return true;
    begin();
    const int result = SSL_shutdown(ssl_);
    if (result < 0 && SSL_get_error(ssl_, result) == SSL_ERROR_WANT_WRITE) return false;
    is_end_said_ = true;
    return true;
}

/// What a call came to that has moved nothing.
Transfer TlsSession::stop(int result, Wait& waits) {
    switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
        waits = Wait::arrival;
        return {};
    case SSL_ERROR_WANT_WRITE:
        waits = Wait::room;
        return {};
    case SSL_ERROR_ZERO_RETURN:
        return Transfer::ended();
    default:
        failure_ = fail();
        return *failure_;
    }
}

Transfer TlsSession::fail() {
    const unsigned long code = ERR_peek_error();
    if (code == 0) return on_wire_failed();
    const char* const reason = ERR_reason_error_string(code);
    problem_ = reason == nullptr ? "TLS failed" : reason;
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        problem_.append(": ").append(X509_verify_cert_error_string(SSL_get_verify_result(ssl_)));
    ERR_clear_error();
    return Transfer::failed(tls_error(code));
}

Transfer TlsSession::on_wire_failed() {
    if (wire_error_ != 0) {
        Transfer transfer = Transfer::failed_errno(wire_error_);
        problem_ = transfer.error.message();
        return transfer;
    }
    problem_ = is_established() ? "ended without close_notify" : "ended during the handshake";
    return Transfer::failed(boost::asio::ssl::error::stream_truncated);
}

bool TlsSession::has_objection() const {
    return failure_ && failure_->error.category() == boost::asio::error::get_ssl_category();
}

bool TlsSession::may_have_more() const {
    return has_arrived_ || SSL_has_pending(ssl_) != 0;
}

bool TlsSession::has_ended() const {
    return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
}

bool TlsSession::has_heard() const {
    return BIO_number_read(SSL_get_rbio(ssl_)) != 0;
}

bool TlsSession::is_established() const {
    return SSL_is_init_finished(ssl_) != 0;
}

bool TlsSession::is_resumed() const {
    return SSL_session_reused(ssl_) != 0;
}

std::string TlsSession::peer_certificate() const {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_);
    if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate, &bytes);
    if (size <= 0) return {};
    std::string der{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
    OPENSSL_free(bytes);
    return der;
}

std::string TlsSession::server_name() const {
    const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? std::string{} : std::string{name};
}

} // namespace keygate::net
