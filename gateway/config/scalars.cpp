#include "config/scalars.hpp"

#include "base/ascii.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace keygate::config {

namespace {

constexpr std::uint64_t highest_limit = 1'000'000'000;
constexpr std::uint64_t longest_window = 366ULL * 24 * 60 * 60; // seconds

template <std::size_t N>
std::optional<std::uint64_t>
unit_named(std::string_view name,
           const std::array<std::pair<std::string_view, std::uint64_t>, N>& units) {
    for (const auto& [known, factor] : units)
        if (known == name) return factor;
    return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> duration_units{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> size_units{
    {{"", 1},
     {"B", 1},
     {"KiB", 1ULL << 10U},
     {"MiB", 1ULL << 20U},
     {"GiB", 1ULL << 30U},
     {"KB", 1'000},
     {"MB", 1'000'000},
     {"GB", 1'000'000'000}}};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 14> window_units{
    {{"s", 1},
     {"sec", 1},
     {"second", 1},
     {"seconds", 1},
     {"m", 60},
     {"min", 60},
     {"minute", 60},
     {"minutes", 60},
     {"h", 3'600},
     {"hour", 3'600},
     {"hours", 3'600},
     {"d", 86'400},
     {"day", 86'400},
     {"days", 86'400}}};

/// Digits and what follows them.
std::pair<std::string_view, std::string_view> split_unit(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && ascii::is_digit(text[digits]))
        ++digits;
    return {text.substr(0, digits), text.substr(digits)};
}

template <std::size_t N>
std::optional<std::uint64_t>
parse_with_unit(std::string_view text,
                const std::array<std::pair<std::string_view, std::uint64_t>, N>& units) {
    const auto [digits, name] = split_unit(text);
    const auto number = parse_number(digits);
    const auto factor = unit_named(name, units);
    if (!number || !factor) return std::nullopt;
    // Signed 64 bits is what std::chrono and file sizes hold.
    if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / *factor)
        return std::nullopt;
    return *number * *factor;
}

} // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    for (const char c : text)
        if (!ascii::is_digit(c)) return std::nullopt;
    std::uint64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc{}) return std::nullopt;
    return value;
}

std::optional<bool> parse_flag(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}

std::optional<std::uint32_t> parse_percentage(std::string_view text) {
    if (!text.ends_with('%')) return std::nullopt;
    const auto value = parse_number(text.substr(0, text.size() - 1));
    if (!value || *value > 100) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

std::optional<milliseconds> parse_duration(std::string_view text) {
    const auto value = parse_with_unit(text, duration_units);
    if (!value) return std::nullopt;
    return milliseconds{static_cast<std::int64_t>(*value)};
}

std::string duration_text(milliseconds value) {
    const auto count = static_cast<std::uint64_t>(value.count());
    for (auto unit = duration_units.rbegin(); unit != duration_units.rend(); ++unit)
        if (count > 0 && count % unit->second == 0)
            return std::to_string(count / unit->second) + std::string{unit->first};
    return "0s";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    return parse_with_unit(text, size_units);
}

std::string size_text(std::uint64_t bytes) {
    for (const std::string_view unit : {"GiB", "MiB", "KiB"})
        if (const auto factor = unit_named(unit, size_units); bytes > 0 && bytes % *factor == 0)
            return std::to_string(bytes / *factor) + std::string{unit};
    return std::to_string(bytes);
}

std::optional<Rate> parse_rate(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto limit = parse_number(text.substr(0, slash));
    const auto [digits, unit] = split_unit(text.substr(slash + 1));
    const auto count = digits.empty() ? std::optional<std::uint64_t>{1} : parse_number(digits);
    const auto length = unit_named(unit, window_units);
    if (!limit || !count || !length) return std::nullopt;
    if (*limit < 1 || *limit > highest_limit) return std::nullopt;
    if (*count < 1 || *count > longest_window / *length) return std::nullopt;
    Rate rate;
    rate.limit = *limit;
    rate.window = seconds{static_cast<std::int64_t>(*count * *length)};
    rate.text = text;
    return rate;
}

std::optional<Quota> parse_quota(std::string_view text) {
    static constexpr std::array<Period, 6> periods{Period::minute, Period::hour,  Period::day,
                                                   Period::week,   Period::month, Period::year};
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto limit = parse_number(text.substr(0, slash));
    if (!limit || *limit < 1 || *limit > highest_quota) return std::nullopt;
    for (const Period period : periods) {
        if (to_string(period) != text.substr(slash + 1)) continue;
        Quota quota;
        quota.limit = *limit;
        quota.period = period;
        return quota;
    }
    return std::nullopt;
}

} // namespace keygate::config
