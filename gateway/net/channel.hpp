#pragma once

#include "net/poller.hpp"

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <span>

#include <sys/uio.h>

namespace keygate::net {

/// What one attempt to read or write came to.
struct Transfer {
    enum class State : std::uint8_t { moved, would_block, ended, failed };
    State state = State::would_block;
    std::size_t bytes = 0;           // with `moved`: at least 1
    boost::system::error_code error; // with `failed`
};

/// One socket of one thread, non-blocking, edge-triggered: the small interface above which nobody
/// knows what carries the bytes. Closed when it dies; events already fetched for it are forgotten.
class Channel {
  public:
    /// Takes the descriptor. Where the kernel cannot watch one more, the channel is closed from the
    /// start.
    Channel(Poller& poller, int descriptor, ReadyHandler& handler);

    ~Channel() { close(); }

    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Changes who is told, when a connection goes to or leaves a pool.
    void set_handler(ReadyHandler& handler) { handler_ = &handler; }

    /// Reads once. After `would_block`, and after a read that did not fill the space, `is_readable`
    /// is false until the next event.
    Transfer read(std::span<char> space);
    /// Writes once, as much as the kernel takes.
    Transfer write(std::span<const iovec> pieces);

    /// Ends our direction; the peer can still send (RFC 9112 9.6).
    void shutdown_write();
    /// Closes; `reset` tells the peer that something went wrong.
    void close();
    void reset();

    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

    /// There may be something to read that no event will announce again.
    [[nodiscard]] bool is_readable() const { return readable_; }

    /// Nothing at all has arrived, as the kernel sees it now. Asks it, so not for free.
    [[nodiscard]] bool is_silent() const;
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

    [[nodiscard]] Transfer write_failed();

    Poller& poller_;
    ReadyHandler* handler_;
    int descriptor_;
    bool readable_ = false;
    bool hung_up_ = false; // no short read means "empty" any more: the end is still to be read
    bool called_again_ = false;
    bool was_reset_ = false; // as a write was told: the end that a read finds is none
};

} // namespace keygate::net
