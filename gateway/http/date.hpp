#pragma once

#include "base/clock.hpp"

#include <string>
#include <string_view>

namespace keygate::http {

/// `Fri, 20 Nov 2026 17:00:00 GMT` (RFC 9110 5.6.7), made once per second. One per thread.
class DateText {
  public:
    static constexpr std::size_t size = 29;

    [[nodiscard]] std::string_view at(WallTime now);

  private:
    std::int64_t second_ = -1;
    std::string text_;
};

} // namespace keygate::http
