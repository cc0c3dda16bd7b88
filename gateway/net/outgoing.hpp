#pragma once

#include "base/release.hpp"
#include "base/wiping.hpp"
#include "net/channel.hpp"

#include <initializer_list>
#include <string_view>

namespace keygate::net {

/// The bytes on their way out of one channel. What the kernel does not take at once waits here;
/// whoever feeds it stops as long as something waits, so it never holds more than one piece
/// (back-pressure).
class Outgoing {
  public:
    explicit Outgoing(Channel& channel)
        : channel_(channel) {}

    /// Sends up to `max_pieces` in their order, or keeps the rest. False when the connection is
    /// broken.
    [[nodiscard]] bool send(std::initializer_list<std::string_view> pieces);
    /// Goes on with what waits, when the channel is writable. False when the connection is broken.
    [[nodiscard]] bool flush();

    static constexpr std::size_t max_pieces = 7;

    [[nodiscard]] bool is_empty() const { return waiting_.empty(); }

    /// Bytes handed to the kernel so far.
    [[nodiscard]] std::uint64_t sent() const { return sent_; }

    void drop() {
        release(waiting_);
        done_ = 0;
    }

  private:
    Channel& channel_;
    WipingString waiting_; // a head may carry what a public route passes on
    std::size_t done_ = 0; // of waiting_
    std::uint64_t sent_ = 0;
};

} // namespace keygate::net
