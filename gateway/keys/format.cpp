#include "keys/format.hpp"

#include "base/ascii.hpp"
#include "config/read_key_format.hpp"

#include <boost/crc.hpp>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

namespace keygate::keys {
namespace {

using config::Alphabet;
using config::KeyFormat;
using config::Run;

constexpr std::string_view letters_of(Alphabet alphabet) {
    constexpr std::string_view base36 = "0123456789abcdefghijklmnopqrstuvwxyz";
    constexpr std::string_view token =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-";
    switch (alphabet) {
    case Alphabet::hex:
        return base36.substr(0, 16);
    case Alphabet::base36:
        return base36;
    case Alphabet::base62:
        return token.substr(0, 62);
    case Alphabet::token:
        return token;
    }
    return {};
}

/// Whose letters are the digits of checksums: `.`, `_` and `-` are none.
constexpr Alphabet digits_of(Alphabet alphabet) {
    return alphabet == Alphabet::token ? Alphabet::base62 : alphabet;
}

constexpr unsigned char bit_of(Alphabet alphabet) {
    return static_cast<unsigned char>(1U << static_cast<unsigned>(alphabet));
}

/// For each byte the alphabets that have it. All keys of a request's way pass through these four
/// cache lines, one load per letter and no branch.
constexpr auto alphabets_with = [] {
    std::array<unsigned char, 256> table{};
    for (const Alphabet alphabet :
         {Alphabet::hex, Alphabet::base36, Alphabet::base62, Alphabet::token})
        for (const char letter : letters_of(alphabet)) {
            auto& entry = table[static_cast<unsigned char>(letter)];
            entry = static_cast<unsigned char>(entry | bit_of(alphabet));
        }
    return table;
}();

bool is_run(std::string_view text, const Run& run) {
    if (text.size() < run.min || text.size() > run.max) return false;
    unsigned common = bit_of(run.alphabet);
    for (const char c : text)
        common &= alphabets_with[static_cast<unsigned char>(c)];
    return common != 0;
}

/// CRC-32 as in zip, PNG and Ethernet (reflected, polynomial 0x04C11DB7).
std::uint32_t crc32_of(std::string_view text) {
    boost::crc_32_type sum;
    sum.process_bytes(text.data(), text.size());
    return sum.checksum();
}

/// Are the last letters the checksum of all before them? They are a number of fixed length in the
/// alphabet's own digits.
bool has_right_checksum(std::string_view key, Alphabet alphabet) {
    const std::size_t count = config::checksum_letters(alphabet);
    if (key.size() < count) return false;
    const std::string_view digits = letters_of(digits_of(alphabet));
    std::uint32_t sum = crc32_of(key.substr(0, key.size() - count));
    for (std::size_t i = key.size(); i-- > key.size() - count;) {
        if (key[i] != digits[sum % digits.size()]) return false;
        sum /= static_cast<std::uint32_t>(digits.size());
    }
    return sum == 0;
}

bool is_prefixed_run(std::string_view key, std::string_view prefix, const KeyFormat& format) {
    if (!key.starts_with(prefix)) return false;
    std::string_view rest = key.substr(prefix.size());
    if (format.lookup.max > 0) {
        if (!is_run(rest.substr(0, format.lookup.max), format.lookup)) return false;
        rest.remove_prefix(format.lookup.max);
        if (!rest.starts_with(format.separator)) return false;
        rest.remove_prefix(format.separator.size());
    }
    return is_run(rest, format.body) &&
           (!format.has_checksum || has_right_checksum(key, format.body.alphabet));
}

bool has_modes(const KeyFormat& format) {
    return !format.live_prefix.empty() && !format.test_prefix.empty();
}

/// The mode whose prefix the key has; of two that fit (`sk_`, `sk_test_`) the longer one.
std::optional<Mode> mode_by_prefix(std::string_view key, std::string_view live,
                                   std::string_view test) {
    const bool is_live = !live.empty() && key.starts_with(live);
    const bool is_test = !test.empty() && key.starts_with(test);
    if (is_live && is_test) return live.size() > test.size() ? Mode::live : Mode::test;
    if (is_live) return Mode::live;
    if (is_test) return Mode::test;
    return std::nullopt;
}

void append_checksum(std::string& key, Alphabet alphabet) {
    const std::string_view digits = letters_of(digits_of(alphabet));
    std::uint32_t sum = crc32_of(key);
    const std::size_t end = key.size() + config::checksum_letters(alphabet);
    key.resize(end, digits.front());
    for (std::size_t i = end; sum > 0; sum /= static_cast<std::uint32_t>(digits.size()))
        key[--i] = digits[sum % digits.size()];
}

/// Appends letters, each equally likely: bytes beyond the last whole multiple of the alphabet's
/// size are thrown away, since a remainder of them would favour the first letters.
void append_random(std::string& text, std::string_view letters, std::size_t count) {
    const std::size_t bound = 256 - 256 % letters.size();
    std::array<unsigned char, 64> bytes{};
    std::size_t next = bytes.size();
    while (count > 0) {
        if (next == bytes.size()) {
            if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
                throw std::runtime_error("the system has no randomness to make a key of");
            next = 0;
        }
        const unsigned char byte = bytes[next++];
        if (byte >= bound) continue;
        text += letters[byte % letters.size()];
        --count;
    }
    wipe(reinterpret_cast<char*>(bytes.data()), bytes.size());
}

} // namespace

bool has_shape(std::string_view key, const KeyFormat& format) {
    if (!has_modes(format)) return is_prefixed_run(key, format.prefix, format);
    return is_prefixed_run(key, format.live_prefix, format) ||
           is_prefixed_run(key, format.test_prefix, format);
}

std::optional<std::string_view> lookup_part(std::string_view key, const KeyFormat& format) {
    if (format.lookup.max == 0) return std::nullopt;
    const auto with_prefix = [&](std::string_view prefix) -> std::optional<std::string_view> {
        if (!is_prefixed_run(key, prefix, format)) return std::nullopt;
        return key.substr(0, prefix.size() + format.lookup.max);
    };
    if (!has_modes(format)) return with_prefix(format.prefix);
    const auto live = with_prefix(format.live_prefix);
    return live ? live : with_prefix(format.test_prefix);
}

bool is_lookup_part(std::string_view text, const KeyFormat& format) {
    if (format.lookup.max == 0) return false;
    const auto has_prefix = [&](std::string_view prefix) {
        return text.starts_with(prefix) && is_run(text.substr(prefix.size()), format.lookup);
    };
    if (!has_modes(format)) return has_prefix(format.prefix);
    return has_prefix(format.live_prefix) || has_prefix(format.test_prefix);
}

std::optional<Mode> stated_mode(std::string_view key, const KeyFormat& format) {
    if (has_modes(format)) return mode_by_prefix(key, format.live_prefix, format.test_prefix);
    // A format that mints live keys only has one prefix; it names the product, not the mode.
    if (format.mint_test_prefix.empty() || format.mint_live_prefix == format.mint_test_prefix)
        return std::nullopt;
    return mode_by_prefix(key, format.mint_live_prefix, format.mint_test_prefix);
}

Secret mint(const KeyFormat& format, Mode mode) {
    if (mode == Mode::test && format.mint_test_prefix.empty())
        throw std::invalid_argument("this key format has no test keys");
    const std::string& prefix =
        mode == Mode::live ? format.mint_live_prefix : format.mint_test_prefix;
    std::string key;
    // One allocation from the start: growing, or living inside the object and being moved, would
    // leave copies of a secret behind.
    key.reserve(std::max<std::size_t>(prefix.size() + format.lookup.max + format.separator.size() +
                                          format.mint.max,
                                      2 * sizeof key));
    key += prefix;
    if (format.lookup.max > 0) {
        append_random(key, letters_of(format.lookup.alphabet), format.lookup.max);
        key += format.separator;
    }
    const std::size_t sum =
        format.has_checksum ? config::checksum_letters(format.body.alphabet) : 0;
    append_random(key, letters_of(format.mint.alphabet), format.mint.max - sum);
    if (format.has_checksum) append_checksum(key, format.body.alphabet);
    return Secret{std::move(key)};
}

std::string mint_id() {
    std::string id = "key_";
    append_random(id, letters_of(Alphabet::base62), 20);
    return id;
}

Shown shown_parts(std::string_view key, const KeyFormat& format) {
    // Never the whole of a key, however short it is.
    if (std::size_t{format.shown_first} + format.shown_last >= key.size()) return {};
    return {std::string{key.substr(0, format.shown_first)},
            std::string{key.substr(key.size() - format.shown_last)}};
}

} // namespace keygate::keys
