#pragma once

#include "base/clock.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace keygate::http {

/// The name of one request in logs, answers and at the upstream.
class RequestId {
  public:
    static constexpr std::size_t size = 36;

    [[nodiscard]] std::string_view text() const { return {text_.data(), text_.size()}; }

  private:
    friend class RequestIds;
    std::array<char, size> text_{};
};

/// Makes UUIDs of version 7 (RFC 9562 5.7): they sort by time. One per thread. Unique, not secret.
class RequestIds {
  public:
    /// Seeds itself from the system's randomness; throws where there is none.
    RequestIds();

    void next(WallTime now, RequestId& id);

  private:
    std::uint64_t random();

    std::array<std::uint64_t, 4> state_{};
};

} // namespace keygate::http
