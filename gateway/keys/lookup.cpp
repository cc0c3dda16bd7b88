#include "keys/lookup.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>

namespace keygate::keys {
namespace {

using config::Alphabet;
using config::KeyFormat;

bool is_letter_of(Alphabet alphabet, char c) {
    const bool is_lower = c >= 'a' && c <= 'z';
    switch (alphabet) {
    case Alphabet::hex:
        return ascii::is_digit(c) || (c >= 'a' && c <= 'f');
    case Alphabet::base36:
        return ascii::is_digit(c) || is_lower;
    case Alphabet::base62:
        return ascii::is_alnum(c);
    case Alphabet::token:
        return ascii::is_alnum(c) || c == '.' || c == '_' || c == '-';
    }
    return false;
}

/// The prefixes that keys may have: one, or one for each mode; the longer first.
std::array<std::string_view, 2> prefixes_of(const KeyFormat& format) {
    if (format.live_prefix.empty() || format.test_prefix.empty())
        return {format.prefix, format.prefix};
    if (format.live_prefix.size() < format.test_prefix.size())
        return {format.test_prefix, format.live_prefix};
    return {format.live_prefix, format.test_prefix};
}

} // namespace

std::string_view public_part(std::string_view key, const KeyFormat& format) {
    if (!format.is_found_by_lookup) return key;
    for (const std::string_view prefix : prefixes_of(format))
        if (key.starts_with(prefix)) return key.substr(0, prefix.size() + format.lookup.min);
    return key.substr(0, 0);
}

bool is_public_part(std::string_view text, const KeyFormat& format) {
    const auto is_letter = [&](char c) { return is_letter_of(format.lookup.alphabet, c); };
    for (const std::string_view prefix : prefixes_of(format)) {
        if (!text.starts_with(prefix)) continue;
        const std::string_view letters = text.substr(prefix.size());
        if (letters.size() == format.lookup.min &&
            std::all_of(letters.begin(), letters.end(), is_letter))
            return true;
    }
    return false;
}

} // namespace keygate::keys
