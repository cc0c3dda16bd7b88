#pragma once

#include "base/refusal.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

// client_*, overloaded: which connections are let in at all, and what a client's slowness is
// called.
namespace keygate::net {

/// Counts the connections of the whole process and of each address. Any thread.
class Admission {
  public:
    explicit Admission(std::uint32_t max_connections,
                       std::optional<std::uint32_t> max_per_address = {})
        : max_(max_connections)
        , max_per_address_(max_per_address) {}

    /// Other bounds, for those who come from now on; who is here stays. Any thread.
    void set_bounds(std::uint32_t max_connections, std::optional<std::uint32_t> max_per_address);

    /// `overloaded` when there is no place; otherwise the place is taken until `leave` with the
    /// same address.
    [[nodiscard]] std::optional<Refusal> enter(std::string_view address);
    void leave(std::string_view address);

    /// The same for one of whom nobody knows yet who it is: it is one of all, but of no address,
    /// until `enter_address` or `leave` without one.
    [[nodiscard]] std::optional<Refusal> enter();
    /// Who has entered so is known now. Refused, it still has to leave, without an address.
    [[nodiscard]] std::optional<Refusal> enter_address(std::string_view address);
    void leave();

    [[nodiscard]] std::uint32_t open() const { return open_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint32_t> max_;
    std::atomic<std::uint32_t> open_{0};
    // Guards the two below; taken once for a connection's begin and once for its end, also without
    // a bound: it may come later, and counts those who are here by then.
    std::mutex mutex_;
    std::optional<std::uint32_t> max_per_address_;
    std::unordered_map<std::string, std::uint32_t> by_address_; // only those that are here
};

/// Who counts as one: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber
/// has (RFC 6177).
[[nodiscard]] std::string address_group(std::string_view address);

/// The client took longer for its head, or for a piece of its body, than it may.
[[nodiscard]] Refusal refuse_slow_client();

} // namespace keygate::net
