#pragma once

#include <chrono>
#include <cstdint>

namespace keygate::redis {

/// How long to wait before the next try: 0 first, then 25 ms doubled up to 2 s, of which a random
/// half is taken off, so that many gateways do not come back at one instant. No clock.
class Backoff {
  public:
    explicit Backoff(std::uint64_t seed)
        : state_(seed | 1) {}

    [[nodiscard]] std::chrono::milliseconds next();

    /// It worked.
    void reset() { tries_ = 0; }

  private:
    std::uint64_t state_;
    unsigned tries_ = 0;
};

} // namespace keygate::redis
