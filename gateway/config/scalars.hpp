#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Numbers with and without units, as people write them in a configuration, and back. Strict:
// decimal digits without leading zeros or separators, so that `010` and `1e3` are mistakes and not
// surprises.
namespace keygate::config {

[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

/// Only `true` and `false`.
[[nodiscard]] std::optional<bool> parse_flag(std::string_view text);

/// `250ms`, `30s`, `5m`, `12h`, `1d`.
[[nodiscard]] std::optional<milliseconds> parse_duration(std::string_view text);
/// In the largest unit that loses nothing.
[[nodiscard]] std::string duration_text(milliseconds value);

/// `4096`, `4096B`, `32KiB`, `10MiB`, `1GiB`, and the decimal `KB`, `MB`, `GB`.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// `20%`: whole hundredths, 0..100.
[[nodiscard]] std::optional<std::uint32_t> parse_percentage(std::string_view text);

/// `100/1m`, `10/s`, `1000/day`: requests, then a window of whole seconds. Burst is left empty.
[[nodiscard]] std::optional<Rate> parse_rate(std::string_view text);

/// `1000/month`: what counts, then the calendar period, one word. Zone and meter are left as they
/// are by default.
[[nodiscard]] std::optional<Quota> parse_quota(std::string_view text);

} // namespace keygate::config
