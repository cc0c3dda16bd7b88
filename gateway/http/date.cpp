#include "http/date.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace keygate::http {

std::string_view DateText::at(WallTime now) {
    const std::time_t second = std::chrono::system_clock::to_time_t(now);
    if (second == second_) return text_;
    second_ = second;
    static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    gmtime_r(&second, &parts);
    std::array<char, 40> text{};
    // Names by hand: strftime would use the locale's.
    const int count =
        std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                      days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                      months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                      parts.tm_hour, parts.tm_min, parts.tm_sec);
    text_.assign(text.data(), static_cast<std::size_t>(count));
    return text_;
}

} // namespace keygate::http
