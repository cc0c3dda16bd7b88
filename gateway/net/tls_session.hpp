#pragma once

#include "net/transfer.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <sys/uio.h>

struct ssl_st;
struct bio_st;

namespace keygate::net {

/// One TLS connection over a socket that does not block. It reads and writes the socket itself, and
/// knows when that would be in vain: with edge triggering nothing has come until an event says so.
/// Belongs to a Channel, which tells it of events; used by the channel's thread alone.
class TlsSession {
  public:
    /// Takes the SSL, which is ready to accept or to connect. @param context  what it was made of
    /// (net/tls_context.hpp), which lives at least as long.
    TlsSession(ssl_st* ssl, std::shared_ptr<const void> context);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// @param has_arrived  there may be bytes on it that no event will announce again.
    void attach(int descriptor, bool has_arrived);

    /// Something has arrived, at least an end. @param is_last  the peer sent its end: no short read
    /// means "empty" any more.
    void on_arrival(bool is_last) {
        has_arrived_ = true;
        is_hung_up_ = is_hung_up_ || is_last;
    }

    /// Goes on with the handshake: `moved` when it is done. Reads and writes do so as well.
    Transfer handshake();
    /// Fills the space with as many records as there are. `ended` only where the peer said so: an
    /// end without close_notify is `failed`, stream_truncated.
    Transfer read(std::span<char> space);
    /// In as few records as possible. What was not taken must be offered again: the next write
    /// begins with the same bytes, and is not shorter.
    Transfer write(std::span<const iovec> pieces);
    /// No data, no end and no error has arrived. Messages of TLS that are none of it, as tickets
    /// are, are taken.
    [[nodiscard]] bool is_silent();
    /// Says that nothing more comes from us (close_notify). False when the kernel does not take it
    /// now: again when there is room.
    [[nodiscard]] bool send_end();

    /// What the last read, and the last write, stopped at.
    enum class Wait : std::uint8_t { nothing, arrival, room };

    [[nodiscard]] Wait read_waits() const { return read_waits_; }

    [[nodiscard]] Wait write_waits() const { return write_waits_; }

    /// The last read or handshake stopped only because others want to read, too: it goes on without
    /// an event.
    [[nodiscard]] bool is_paused() const { return read_waits_ == Wait::arrival && has_arrived_; }

    /// A read may find something without an event.
    [[nodiscard]] bool may_have_more() const;

    /// The peer has said that nothing more comes.
    [[nodiscard]] bool has_ended() const;
    /// The peer has sent something.
    [[nodiscard]] bool has_heard() const;
    /// The handshake is done.
    [[nodiscard]] bool is_established() const;
    /// It went on with an earlier session: no certificate was sent.
    [[nodiscard]] bool is_resumed() const;
    /// The peer's certificate as DER, verified; empty where it sent none.
    [[nodiscard]] std::string peer_certificate() const;
    /// The name that the client has asked for (SNI), or that we ask for; empty: none.
    [[nodiscard]] std::string server_name() const;

    /// What went wrong, in short and without secrets, for logs: `certificate verify failed:
    /// self-signed certificate`. Empty while nothing did.
    [[nodiscard]] const std::string& problem() const { return problem_; }

    /// One side objects to what the other one has sent: it was not the wire that failed.
    [[nodiscard]] bool has_objection() const;

  private:
    struct Wire;

    void begin();
    [[nodiscard]] Transfer stop(int result, Wait& waits);
    [[nodiscard]] Transfer fail();
    [[nodiscard]] Transfer on_wire_failed();

    std::shared_ptr<const void> context_;
    ssl_st* ssl_;
    int descriptor_ = -1;
    bool has_arrived_ = false;
    bool is_hung_up_ = false;
    bool is_end_said_ = false;
    int wire_error_ = 0;        // errno of the socket, where the call under way met one
    std::size_t allowance_ = 0; // bytes that the call under way may still take from the socket
    Wait read_waits_ = Wait::nothing;
    Wait write_waits_ = Wait::nothing;
    std::optional<Transfer> failure_; // of the protocol, or of reading: final
    std::string problem_;
};

} // namespace keygate::net
