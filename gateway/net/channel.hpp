#pragma once

#include "net/poller.hpp"
#include "net/transfer.hpp"

#include <cstddef>
#include <memory>
#include <span>

#include <sys/uio.h>

namespace keygate::net {

class TlsSession;

/// One socket of one thread, non-blocking, edge-triggered: the small interface above which nobody
/// knows what carries the bytes, as they are or encrypted. Closed when it dies; events already
/// fetched for it are forgotten.
class Channel {
  public:
    /// Takes the descriptor. Where the kernel cannot watch one more, the channel is closed from the
    /// start.
    Channel(Poller& poller, int descriptor, ReadyHandler& handler);

    ~Channel();

    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Changes who is told, when a connection goes to or leaves a pool.
    void set_handler(ReadyHandler& handler) { handler_ = &handler; }

    /// From here on everything is encrypted. Before the first byte of it, on a channel that is
    /// open. A server's handshake goes on in reads, until there is something to read; a client
    /// begins it with `handshake`.
    void start_tls(std::unique_ptr<TlsSession> session);
    /// Goes on with the handshake: `moved` when it is done, or where there is none. After
    /// `would_block` again at the next event, whichever it is.
    Transfer handshake();
    /// The handshake has failed, and the peer was told why: what it still sends can be read, and
    /// thrown away, as it comes.
    void drop_tls();

    /// Null where bytes go as they are.
    [[nodiscard]] TlsSession* tls() const { return tls_.get(); }

    /// Reads once. After `would_block`, and after a read that did not fill the space, `is_readable`
    /// is false until the next event.
    Transfer read(std::span<char> space);
    /// Looks at what the next read finds, of a channel without TLS.
    Transfer peek(std::span<char> space);
    /// Writes once, as much as the kernel takes.
    Transfer write(std::span<const iovec> pieces);

    /// Ends our direction; the peer can still send (RFC 9112 9.6).
    void shutdown_write();

    /// Our direction was to end, but the kernel has not taken the last message yet.
    [[nodiscard]] bool is_ending() const { return is_ending_; }

    /// Closes; `reset` tells the peer that something went wrong.
    void close();
    void reset();

    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

    /// There may be something to read that no event will announce again.
    [[nodiscard]] bool is_readable() const { return readable_; }

    /// Nothing has arrived for us, as the kernel sees it now. Asks it, so not for free. What TLS
    /// has to say to itself is taken, and nothing.
    [[nodiscard]] bool is_silent();
    /// A write has failed: what the peer sent before, and the error, are still to be read. The
    /// handler is called again for it.
    void expect_end();

    /// The peer sent its end, or the connection broke.
    [[nodiscard]] bool is_hung_up() const { return hung_up_; }

    /// Calls the handler again in the next turn, for a handler that stops before everything is
    /// read.
    void call_again() { poller_.call_again(*this); }

    [[nodiscard]] int descriptor() const { return descriptor_; }

  private:
    friend class Poller;

    /// What events mean for the handler. @param bits  of epoll.
    [[nodiscard]] ReadyHandler::Events take(std::uint32_t bits);
    void take_tls(bool has_arrived, ReadyHandler::Events& events);
    [[nodiscard]] Transfer read_tls(std::span<char> space);
    void note_pause();
    [[nodiscard]] Transfer write_failed();

    Poller& poller_;
    ReadyHandler* handler_;
    int descriptor_;
    std::unique_ptr<TlsSession> tls_;
    bool readable_ = false;
    bool hung_up_ = false; // no short read means "empty" any more: the end is still to be read
    bool called_again_ = false;
    bool is_ending_ = false;
    bool was_reset_ = false; // as a write was told: the end that a read finds is none
};

} // namespace keygate::net
