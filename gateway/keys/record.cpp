#include "keys/record.hpp"

#include "base/ascii.hpp"

#include <array>
#include <charconv>

namespace keygate::keys {
namespace {

constexpr std::array modes{Mode::live, Mode::test};
constexpr std::array key_statuses{KeyStatus::active, KeyStatus::disabled, KeyStatus::revoked};
constexpr std::array owner_statuses{OwnerStatus::active, OwnerStatus::suspended};

template <class Words>
std::optional<typename Words::value_type> one_of(const Words& words, std::string_view text) {
    for (const auto word : words)
        if (to_string(word) == text) return word;
    return std::nullopt;
}

constexpr Time first_time{std::chrono::seconds{0}};              // 1970-01-01T00:00:00Z
constexpr Time last_time{std::chrono::seconds{253'402'300'799}}; // 9999-12-31T23:59:59Z

/// Takes a time apart from the left; every step says whether the text went on as it must.
class Reader {
  public:
    explicit Reader(std::string_view text)
        : rest_(text) {}

    /// Exactly `digits` decimal digits.
    [[nodiscard]] bool number(std::size_t digits, int& value) {
        if (rest_.size() < digits) return false;
        value = 0;
        for (const char c : rest_.substr(0, digits)) {
            if (!ascii::is_digit(c)) return false;
            value = 10 * value + (c - '0');
        }
        rest_.remove_prefix(digits);
        return true;
    }

    [[nodiscard]] bool letter(char wanted) {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }

    /// Steps over a fraction of a second, if there is one.
    [[nodiscard]] bool fraction() {
        if (!letter('.')) return true;
        std::size_t digits = 0;
        while (digits < rest_.size() && ascii::is_digit(rest_[digits]))
            ++digits;
        rest_.remove_prefix(digits);
        return digits > 0;
    }

    /// `Z` or `±hh:mm`, as minutes east of UTC.
    [[nodiscard]] bool offset(int& minutes) {
        minutes = 0;
        if (letter('Z') || letter('z')) return true;
        const int sign = letter('-') ? -1 : 1;
        if (sign > 0 && !letter('+')) return false;
        int hour = 0;
        int minute = 0;
        if (!number(2, hour) || !letter(':') || !number(2, minute)) return false;
        minutes = sign * (60 * hour + minute);
        return hour <= 23 && minute <= 59;
    }

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
};

void append(std::string& text, unsigned value, std::size_t digits) {
    std::array<char, 10> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    const auto length = static_cast<std::size_t>(end - buffer.data());
    if (length < digits) text.append(digits - length, '0');
    text.append(buffer.data(), length);
}

} // namespace

std::string_view to_string(Mode mode) {
    switch (mode) {
    case Mode::live:
        return "live";
    case Mode::test:
        return "test";
    }
    return {};
}

std::string_view to_string(KeyStatus status) {
    switch (status) {
    case KeyStatus::active:
        return "active";
    case KeyStatus::disabled:
        return "disabled";
    case KeyStatus::revoked:
        return "revoked";
    }
    return {};
}

std::string_view to_string(OwnerStatus status) {
    switch (status) {
    case OwnerStatus::active:
        return "active";
    case OwnerStatus::suspended:
        return "suspended";
    }
    return {};
}

std::optional<Mode> mode_from(std::string_view text) {
    return one_of(modes, text);
}

std::optional<KeyStatus> key_status_from(std::string_view text) {
    return one_of(key_statuses, text);
}

std::optional<OwnerStatus> owner_status_from(std::string_view text) {
    return one_of(owner_statuses, text);
}

std::string to_text(Time time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    const auto part = [](auto count) { return static_cast<unsigned>(count); };

    std::string text;
    text.reserve(20);
    append(text, part(static_cast<int>(date.year())), 4);
    append(text += '-', part(date.month()), 2);
    append(text += '-', part(date.day()), 2);
    append(text += 'T', part(clock.hours().count()), 2);
    append(text += ':', part(clock.minutes().count()), 2);
    append(text += ':', part(clock.seconds().count()), 2);
    return text += 'Z';
}

std::optional<Time> time_from(std::string_view text) {
    Reader reader{text};
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int offset = 0;
    if (!reader.number(4, year) || !reader.letter('-') || !reader.number(2, month) ||
        !reader.letter('-') || !reader.number(2, day))
        return std::nullopt;
    // RFC 3339 5.6: both letters may be in lower case.
    if (!reader.letter('T') && !reader.letter('t')) return std::nullopt;
    if (!reader.number(2, hour) || !reader.letter(':') || !reader.number(2, minute) ||
        !reader.letter(':') || !reader.number(2, second) || !reader.fraction() ||
        !reader.offset(offset) || !reader.at_end())
        return std::nullopt;

    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    // A leap second (`:60`) has no Unix time of its own; it is refused rather than moved.
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const Time time = std::chrono::sys_days{date} + std::chrono::hours{hour} +
                      std::chrono::minutes{minute - offset} + std::chrono::seconds{second};
    if (time < first_time || time > last_time) return std::nullopt;
    return time;
}

} // namespace keygate::keys
