#pragma once

#include "base/refusal.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

// client_*, overloaded: which connections are let in at all, and what a client's slowness is
// called.
namespace keygate::net {

/// Counts the connections of the whole process. Any thread.
class Admission {
  public:
    explicit Admission(std::uint32_t max_connections)
        : max_(max_connections) {}

    /// `overloaded` when there is no place; otherwise the place is taken until `leave`.
    [[nodiscard]] std::optional<Refusal> enter();

    void leave() { open_.fetch_sub(1, std::memory_order_relaxed); }

    [[nodiscard]] std::uint32_t open() const { return open_.load(std::memory_order_relaxed); }

  private:
    std::uint32_t max_;
    std::atomic<std::uint32_t> open_{0};
};

/// The client took longer for its head, or for a piece of its body, than it may.
[[nodiscard]] Refusal refuse_slow_client();

} // namespace keygate::net
