#pragma once

#include <cstdint>

namespace keygate::support {

/// A port of the loopback on which nobody listens, and nobody else can meanwhile: connections to it
/// are refused.
class ClosedPort {
  public:
    ClosedPort();
    ~ClosedPort();
    ClosedPort(const ClosedPort&) = delete;
    ClosedPort& operator=(const ClosedPort&) = delete;

    [[nodiscard]] std::uint16_t number() const { return number_; }

  private:
    int descriptor_ = -1;
    std::uint16_t number_ = 0;
};

} // namespace keygate::support
