#include "config/read_key_format.hpp"

#include "base/ascii.hpp"
#include "config/scalars.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::uint64_t longest_body = 256;
constexpr std::uint64_t longest_prefix = 32;
// 96 random bits: at a million guesses a second against a million keys, one hit in about 2,500
// years.
constexpr double fewest_bits = 96;
// Letters of a new key that nobody sees again.
constexpr std::uint32_t fewest_hidden = 16;
constexpr std::uint32_t shortest_lookup = 4;
constexpr std::uint32_t longest_lookup = 32;
constexpr std::size_t longest_separator = 4;

constexpr std::array<Word<Alphabet>, 4> alphabets{{{"hex", Alphabet::hex},
                                                   {"base36", Alphabet::base36},
                                                   {"base62", Alphabet::base62},
                                                   {"token", Alphabet::token}}};

bool is_letter_of(Alphabet alphabet, char c) {
    const bool lower = c >= 'a' && c <= 'z';
    switch (alphabet) {
    case Alphabet::hex:
        return ascii::is_digit(c) || (c >= 'a' && c <= 'f');
    case Alphabet::base36:
        return ascii::is_digit(c) || lower;
    case Alphabet::base62:
        return ascii::is_alnum(c);
    case Alphabet::token:
        return ascii::is_alnum(c) || c == '.' || c == '_' || c == '-';
    }
    return false;
}

/// Are all letters of `part` letters of `whole`?
bool contains(Alphabet whole, Alphabet part) {
    return static_cast<int>(part) <= static_cast<int>(whole);
}

double bits_per_letter(Alphabet alphabet) {
    switch (alphabet) {
    case Alphabet::hex:
        return 4;
    case Alphabet::base36:
        return 5.16;
    case Alphabet::base62:
        return 5.95;
    case Alphabet::token:
        return 6.02;
    }
    return 0;
}

void read_prefix_text(const std::optional<View>& view, std::string& out) {
    constexpr std::string_view expected = "1 to 32 letters, digits, `.`, `_` or `-`";
    if (!view) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    const bool is_good = text->size() <= longest_prefix &&
                         std::all_of(text->begin(), text->end(),
                                     [](char c) { return is_letter_of(Alphabet::token, c); });
    if (is_good)
        out = *text;
    else
        view->refuse(expected);
}

/// A prefix for all keys, or one for each mode.
void read_prefix(const std::optional<View>& view, std::string& one, std::string& live,
                 std::string& test) {
    if (!view) return;
    if (!view->is_map()) return read_prefix_text(view, one);
    Fields fields{*view};
    read_prefix_text(fields.need("live"), live);
    read_prefix_text(fields.need("test"), test);
    fields.done();
    if (live.empty() || test.empty()) return;
    if (live.starts_with(test) || test.starts_with(live))
        view->complain("one prefix begins with the other; a key must show its mode");
}

void read_length(const std::optional<View>& view, Run& run) {
    constexpr std::string_view expected =
        "a length such as 64, or a range such as 16-256; at most 256";
    if (!view) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    const std::size_t dash = text->find('-');
    const auto low = parse_number(std::string_view{*text}.substr(0, dash));
    const auto high =
        dash == std::string::npos ? low : parse_number(std::string_view{*text}.substr(dash + 1));
    if (!low || !high || *low < 1 || *low > *high || *high > longest_body)
        return view->refuse(expected);
    run.min = static_cast<std::uint32_t>(*low);
    run.max = static_cast<std::uint32_t>(*high);
}

void read_mint(const std::optional<View>& view, KeyFormat& format) {
    std::string one;
    std::string live;
    std::string test;
    format.mint = format.body;
    if (view) {
        Fields fields{*view};
        read_prefix(fields.take("prefix"), one, live, test);
        read_word(fields.take("alphabet"), format.mint.alphabet, alphabets);
        const auto length = fields.take("length");
        Run written;
        read_length(length, written);
        if (length && written.min > 0) {
            format.mint.min = written.min;
            format.mint.max = written.max;
        }
        fields.done();
    }
    const bool has_modes = !format.live_prefix.empty();
    if (!one.empty()) live = one;
    if (live.empty()) {
        live = has_modes ? format.live_prefix : format.prefix;
        test = format.test_prefix;
    }
    format.mint_live_prefix = live;
    format.mint_test_prefix = test;
}

void read_separator(const std::optional<View>& view, std::string& out) {
    constexpr std::string_view expected = "1 to 4 of `.`, `_` and `-`";
    if (!view) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    if (text->size() <= longest_separator && text->find_first_not_of("._-") == std::string::npos)
        out = *text;
    else
        view->refuse(expected);
}

void read_lookup(const std::optional<View>& view, KeyFormat& format) {
    static constexpr std::array<Word<bool>, 2> words{{{"key", false}, {"lookup", true}}};
    if (!view) return;
    Fields fields{*view};
    Run run;
    std::uint32_t length = 0;
    read_word(fields.need("alphabet"), run.alphabet, alphabets);
    read_number(fields.need("length"), length, shortest_lookup, longest_lookup);
    read_separator(fields.need("separator"), format.separator);
    read_word(fields.take("find_by"), format.is_found_by_lookup, words);
    fields.done();
    run.min = run.max = length;
    format.lookup = run;
}

void read_checksum(const std::optional<View>& view, KeyFormat& format) {
    static constexpr std::array<Word<bool>, 1> words{{{"crc32", true}}};
    read_word(view, format.has_checksum, words);
    if (view && format.body.min > 0 && format.body.min <= checksum_letters(format.body.alphabet))
        view->complain("the checksum is the last " +
                       std::to_string(checksum_letters(format.body.alphabet)) +
                       " of the `length` letters, and must leave some before it");
}

/// Random letters of a new key, behind its prefix and public part.
std::uint32_t random_letters(const KeyFormat& format) {
    const std::uint32_t sum = format.has_checksum ? checksum_letters(format.body.alphabet) : 0;
    return format.mint.min > sum ? format.mint.min - sum : 0;
}

/// Would a key of this mint prefix be accepted?
bool is_acceptable(const std::string& mint_prefix, const std::string& prefix,
                   const KeyFormat& format) {
    if (!mint_prefix.starts_with(prefix)) return false;
    // What is longer would lie in the public part.
    if (format.lookup.max > 0 && mint_prefix != prefix) return false;
    const std::string_view rest = std::string_view{mint_prefix}.substr(prefix.size());
    const std::size_t length = rest.size() + format.mint.min;
    return contains(format.body.alphabet, format.mint.alphabet) && length >= format.body.min &&
           length <= format.body.max && std::all_of(rest.begin(), rest.end(), [&](char c) {
               return is_letter_of(format.body.alphabet, c);
           });
}

void check_mint(const View& view, const KeyFormat& format) {
    if (format.body.min == 0) return; // reported already
    if (format.mint.min != format.mint.max)
        return view.complain("new keys need one length; write `mint: {length: 40}`");
    const bool has_modes = !format.live_prefix.empty();
    if (has_modes && format.mint_test_prefix.empty())
        return view.complain("the format has modes, so `mint.prefix` needs `live` and `test`");
    const std::string& test_prefix = has_modes ? format.test_prefix : format.prefix;
    const std::string& live_prefix = has_modes ? format.live_prefix : format.prefix;
    if (!is_acceptable(format.mint_live_prefix, live_prefix, format) ||
        (!format.mint_test_prefix.empty() &&
         !is_acceptable(format.mint_test_prefix, test_prefix, format)))
        view.complain(
            "new keys as described by `mint` would not be accepted: their prefix, alphabet or "
            "length does not fit");
    const double bits = bits_per_letter(format.mint.alphabet) * random_letters(format);
    if (bits < fewest_bits)
        view.complain("new keys would have about " + std::to_string(static_cast<int>(bits)) +
                      " random bits and could be guessed; at least " +
                      std::to_string(static_cast<int>(fewest_bits)) + " are needed");
}

void read_shown(const std::optional<View>& view, KeyFormat& format) {
    if (!view) return;
    Fields fields{*view};
    read_number(fields.take("first"), format.shown_first, 0, longest_body);
    read_number(fields.take("last"), format.shown_last, 0, longest_body);
    fields.done();
    // The public part is for everybody to see.
    const std::size_t prefix =
        std::max(format.mint_live_prefix.size(), format.mint_test_prefix.size()) +
        format.lookup.max + format.separator.size();
    const std::size_t first = format.shown_first > prefix ? format.shown_first - prefix : 0;
    if (format.mint.min > 0 && first + format.shown_last + fewest_hidden > random_letters(format))
        view->complain("at least " + std::to_string(fewest_hidden) +
                       " letters behind the prefix of a new key must stay hidden");
}

} // namespace

KeyFormat read_key_format(const View& view) {
    KeyFormat format;
    Fields fields{view};
    read_prefix(fields.take("prefix"), format.prefix, format.live_prefix, format.test_prefix);
    read_word(fields.need("alphabet"), format.body.alphabet, alphabets);
    read_length(fields.need("length"), format.body);
    read_lookup(fields.take("lookup"), format);
    read_checksum(fields.take("checksum"), format);
    const auto mint = fields.take("mint");
    read_mint(mint, format);
    read_shown(fields.take("shown"), format);
    fields.done();
    check_mint(mint ? *mint : view, format);
    return format;
}

} // namespace keygate::config
