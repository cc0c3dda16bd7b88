#include "keys/format.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using config::Alphabet;
using config::KeyFormat;

KeyFormat by_default() {
    KeyFormat format;
    format.body = {Alphabet::token, 16, 256};
    format.mint_live_prefix = "kg_live_";
    format.mint_test_prefix = "kg_test_";
    format.mint = {Alphabet::base62, 40, 40};
    format.shown_first = 12;
    format.shown_last = 4;
    return format;
}

KeyFormat with_prefix() {
    KeyFormat format;
    format.prefix = "rp_";
    format.body = {Alphabet::hex, 64, 64};
    format.mint_live_prefix = "rp_";
    format.mint = {Alphabet::hex, 64, 64};
    format.shown_first = 10;
    return format;
}

KeyFormat with_modes() {
    KeyFormat format;
    format.live_prefix = format.mint_live_prefix = "sk_live_";
    format.test_prefix = format.mint_test_prefix = "sk_test_";
    format.body = {Alphabet::base62, 12, 128};
    format.mint = {Alphabet::base62, 32, 32};
    format.shown_last = 4;
    return format;
}

KeyFormat bare() {
    KeyFormat format;
    format.body = format.mint = {Alphabet::hex, 32, 32};
    return format;
}

KeyFormat with_lookup() {
    KeyFormat format;
    format.lookup = {Alphabet::base36, 7, 7};
    format.separator = ".";
    format.body = format.mint = {Alphabet::hex, 27, 27};
    format.shown_first = 7;
    return format;
}

KeyFormat with_checksum(Alphabet alphabet) {
    KeyFormat format;
    format.prefix = format.mint_live_prefix = "ab_";
    format.body = {alphabet, 12, 64};
    format.mint = {alphabet == Alphabet::token ? Alphabet::base62 : alphabet, 40, 40};
    format.has_checksum = true;
    return format;
}

BOOST_AUTO_TEST_SUITE(keys_format)

BOOST_AUTO_TEST_CASE(a_key_with_a_public_part) {
    const KeyFormat format = with_lookup();
    const std::string secret = "4329f04826e125f1ee999b53f78";
    BOOST_TEST(has_shape("19656ea." + secret, format));
    BOOST_TEST(has_shape("zzzzzzz." + secret, format));
    for (const std::string& text : std::vector<std::string>{
             "", "19656ea", "19656ea.", "." + secret, secret, "19656e." + secret,
             "19656eab." + secret, "19656eA." + secret, "19656ea" + secret, "19656ea-" + secret,
             "19656ea.." + secret, "19656ea.." + secret.substr(1), "19656ea." + secret + "0",
             "19656ea." + secret.substr(1), "19656ea." + secret.substr(1) + "g",
             "19656.a." + secret})
        BOOST_TEST(!has_shape(text, format), text);

    BOOST_TEST((lookup_part("19656ea." + secret, format) == "19656ea"));
    BOOST_TEST(!lookup_part("19656ea." + secret + "0", format));
    BOOST_TEST(!lookup_part("rp_" + std::string(64, 'f'), with_prefix()));

    KeyFormat modes = format;
    modes.live_prefix = "rf_live_";
    modes.test_prefix = "rf_test_";
    BOOST_TEST((lookup_part("rf_test_19656ea." + secret, modes) == "rf_test_19656ea"));
    BOOST_TEST((lookup_part("rf_live_19656ea." + secret, modes) == "rf_live_19656ea"));
    BOOST_TEST(!lookup_part("19656ea." + secret, modes));
    BOOST_TEST((stated_mode("rf_test_19656ea." + secret, modes) == Mode::test));

    BOOST_TEST(shown_parts("19656ea." + secret, format).prefix == "19656ea");
}

BOOST_AUTO_TEST_CASE(a_new_key_with_a_public_part_has_one_of_its_own) {
    std::set<std::string> parts;
    std::map<char, int> letters;
    for (int i = 0; i < 500; ++i) {
        const Secret key = mint(with_lookup(), Mode::live);
        BOOST_TEST_REQUIRE(has_shape(key.reveal(), with_lookup()));
        parts.emplace(*lookup_part(key.reveal(), with_lookup()));
        for (const char c : key.reveal().substr(0, 7))
            ++letters[c];
    }
    BOOST_TEST(parts.size() == 500U);
    BOOST_TEST(letters.size() == 36U);
}

// CRC-32 of the text before it, as zip and Ethernet have it: python3 -c
// 'import zlib; print("%08x" % zlib.crc32(b"ab_0123456789"))'
BOOST_AUTO_TEST_CASE(a_checksum_is_the_number_of_all_letters_before_it) {
    BOOST_TEST(has_shape("ab_0123456789b630319c", with_checksum(Alphabet::hex)));
    BOOST_TEST(has_shape("ab_01234567891ejtspo", with_checksum(Alphabet::base36)));
    BOOST_TEST(has_shape("ab_01234567893KrELM", with_checksum(Alphabet::base62)));
    BOOST_TEST(has_shape("ab_01234567893KrELM", with_checksum(Alphabet::token)));
    // A small number begins with zeros.
    BOOST_TEST(has_shape("ab_0000006c350000e6d5", with_checksum(Alphabet::hex)));
    BOOST_TEST(has_shape("ab_0000006c3500019lh", with_checksum(Alphabet::base36)));
    BOOST_TEST(has_shape("ab_0000006c35000FN7", with_checksum(Alphabet::base62)));
}

BOOST_AUTO_TEST_CASE(a_slip_of_one_letter_is_seen_before_anything_is_looked_up) {
    for (const Alphabet alphabet :
         {Alphabet::hex, Alphabet::base36, Alphabet::base62, Alphabet::token}) {
        const KeyFormat format = with_checksum(alphabet);
        for (int i = 0; i < 20; ++i) {
            const Secret key = mint(format, Mode::live);
            BOOST_TEST_REQUIRE(has_shape(key.reveal(), format));
            BOOST_TEST(key.reveal().size() == 43U);
            for (std::size_t at = 3; at < key.reveal().size(); ++at) {
                std::string slip{key.reveal()};
                slip[at] = slip[at] == '7' ? '8' : '7';
                BOOST_TEST_REQUIRE(!has_shape(slip, format));
            }
            std::string swapped{key.reveal()};
            std::swap(swapped[10], swapped[11]);
            BOOST_TEST((swapped == key.reveal() || !has_shape(swapped, format)));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_checksum_counts_the_prefix_too) {
    KeyFormat format = with_checksum(Alphabet::hex);
    const Secret key = mint(format, Mode::live);
    const std::string rest{key.reveal().substr(3)};
    format.prefix = "cd_";
    BOOST_TEST(!has_shape("cd_" + rest, format));
}

BOOST_AUTO_TEST_CASE(a_key_of_the_default_format) {
    const KeyFormat format = by_default();
    BOOST_TEST(has_shape(std::string(16, 'x'), format));
    BOOST_TEST(has_shape("AZaz09._-AZaz09._-", format));
    BOOST_TEST(has_shape(std::string(256, '-'), format));
    BOOST_TEST(!has_shape("", format));
    BOOST_TEST(!has_shape(std::string(15, 'x'), format));
    BOOST_TEST(!has_shape(std::string(257, 'x'), format));
}

BOOST_AUTO_TEST_CASE(a_key_with_a_prefix) {
    const KeyFormat format = with_prefix();
    const std::string hex(64, 'f');
    BOOST_TEST(has_shape("rp_" + hex, format));
    BOOST_TEST(!has_shape(hex, format));
    BOOST_TEST(!has_shape("rp_", format));
    BOOST_TEST(!has_shape("RP_" + hex, format));
    BOOST_TEST(!has_shape("rp-" + hex, format));
    BOOST_TEST(!has_shape("rp_" + hex + "f", format));
    BOOST_TEST(!has_shape("rp_" + hex.substr(1), format));
    BOOST_TEST(!has_shape("rp_" + hex.substr(1) + "F", format));
    BOOST_TEST(!has_shape(" rp_" + hex, format));
}

BOOST_AUTO_TEST_CASE(a_key_with_modes) {
    const KeyFormat format = with_modes();
    BOOST_TEST(has_shape("sk_live_0123456789AZ", format));
    BOOST_TEST(has_shape("sk_test_0123456789az", format));
    BOOST_TEST(!has_shape("sk_prod_0123456789az", format));
    BOOST_TEST(!has_shape("0123456789az", format));
    BOOST_TEST(!has_shape("sk_live_0123456789a", format));
    BOOST_TEST(!has_shape("sk_live_0123456789a_", format));
}

BOOST_AUTO_TEST_CASE(each_alphabet_has_its_letters_and_no_other_byte) {
    const std::map<Alphabet, std::string> alphabets{
        {Alphabet::hex, "0123456789abcdef"},
        {Alphabet::base36, "0123456789abcdefghijklmnopqrstuvwxyz"},
        {Alphabet::base62, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {Alphabet::token, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-"}};
    for (const auto& [alphabet, letters] : alphabets) {
        KeyFormat format;
        format.body = {alphabet, 4, 4};
        for (int byte = 0; byte < 256; ++byte)
            // Anywhere in the run: nothing may depend on the place.
            for (std::size_t place = 0; place < 4; ++place) {
                std::string key = "0000";
                key[place] = static_cast<char>(byte);
                const bool is_letter = letters.find(static_cast<char>(byte)) != std::string::npos;
                BOOST_TEST_REQUIRE(has_shape(key, format) == is_letter, "byte " << byte);
            }
    }
}

BOOST_AUTO_TEST_CASE(a_mode_is_stated_by_the_prefix) {
    const KeyFormat modes = with_modes();
    BOOST_TEST((stated_mode("sk_live_0123456789AZ", modes) == Mode::live));
    BOOST_TEST((stated_mode("sk_test_0123456789AZ", modes) == Mode::test));
    BOOST_TEST(!stated_mode("sk_0123456789AZ", modes));

    const KeyFormat normal = by_default();
    BOOST_TEST((stated_mode("kg_live_0123456789", normal) == Mode::live));
    BOOST_TEST((stated_mode("kg_test_0123456789", normal) == Mode::test));
    BOOST_TEST(!stated_mode("imported-0123456789", normal));

    // One prefix for all keys names the product and no mode.
    BOOST_TEST(!stated_mode("rp_" + std::string(64, 'a'), with_prefix()));
    BOOST_TEST(!stated_mode(std::string(32, 'a'), bare()));
}

BOOST_AUTO_TEST_CASE(of_two_prefixes_that_fit_the_longer_one_states_the_mode) {
    KeyFormat format = with_modes();
    format.live_prefix = "sk_";
    format.test_prefix = "sk_test_";
    format.body.alphabet = Alphabet::token;
    BOOST_TEST((stated_mode("sk_test_0123456789AZ", format) == Mode::test));
    BOOST_TEST((stated_mode("sk_0123456789AZ", format) == Mode::live));
    std::swap(format.live_prefix, format.test_prefix);
    BOOST_TEST((stated_mode("sk_test_0123456789AZ", format) == Mode::live));
}

BOOST_AUTO_TEST_CASE(a_new_key_has_its_format_s_shape_and_states_its_mode) {
    for (const KeyFormat& format : {by_default(), with_prefix(), with_modes(), bare()})
        for (const Mode mode : {Mode::live, Mode::test}) {
            if (mode == Mode::test && format.mint_test_prefix.empty()) continue;
            for (int i = 0; i < 200; ++i) {
                const Secret key = mint(format, mode);
                BOOST_TEST_REQUIRE(has_shape(key.reveal(), format));
                const auto stated = stated_mode(key.reveal(), format);
                BOOST_TEST_REQUIRE((!stated || stated == mode));
                BOOST_TEST_REQUIRE(stated.has_value() == !format.mint_test_prefix.empty());
            }
        }
}

BOOST_AUTO_TEST_CASE(a_format_without_test_keys_mints_none) {
    BOOST_CHECK_THROW((void)mint(with_prefix(), Mode::test), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(new_keys_are_all_different_and_use_every_letter) {
    std::set<std::string> keys;
    std::map<char, int> letters;
    for (int i = 0; i < 2'000; ++i) {
        const Secret key = mint(by_default(), Mode::live);
        keys.emplace(key.reveal());
        for (const char c : key.reveal().substr(8))
            ++letters[c];
    }
    BOOST_TEST(keys.size() == 2'000U);
    BOOST_TEST(letters.size() == 62U);
    // 80,000 letters, 1290 of each on average with a standard deviation of 36. The bias of a plain
    // remainder would lift the first eight letters to 1560; eight deviations are never seen by
    // chance.
    for (const auto& [letter, count] : letters)
        BOOST_TEST_CONTEXT(letter) BOOST_TEST((count > 1'000 && count < 1'580), count);
    int first_eight = 0;
    for (const char c : std::string{"01234567"})
        first_eight += letters[c];
    BOOST_TEST((first_eight > 9'500 && first_eight < 11'140), first_eight);
}

BOOST_AUTO_TEST_CASE(an_id_is_key_and_twenty_letters) {
    std::set<std::string> ids;
    KeyFormat shape;
    shape.prefix = "key_";
    shape.body = {Alphabet::base62, 20, 20};
    for (int i = 0; i < 1'000; ++i) {
        const std::string id = mint_id();
        BOOST_TEST_REQUIRE(has_shape(id, shape), id);
        ids.insert(id);
    }
    BOOST_TEST(ids.size() == 1'000U);
}

BOOST_AUTO_TEST_CASE(some_letters_stay_visible_and_never_all) {
    const std::string key = "kg_live_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn";
    const Shown shown = shown_parts(key, by_default());
    BOOST_TEST(shown.prefix == "kg_live_ABCD");
    BOOST_TEST(shown.hint == "klmn");
    BOOST_TEST(shown_parts("rp_" + std::string(64, 'a'), with_prefix()).prefix == "rp_aaaaaaa");
    BOOST_TEST(shown_parts("rp_" + std::string(64, 'a'), with_prefix()).hint == "");
    BOOST_TEST(shown_parts(std::string(32, 'a'), bare()).prefix == "");
    for (const std::size_t size : {0U, 1U, 15U, 16U}) {
        BOOST_TEST(shown_parts(std::string(size, 'x'), by_default()).prefix == "");
        BOOST_TEST(shown_parts(std::string(size, 'x'), by_default()).hint == "");
    }
    BOOST_TEST(shown_parts(std::string(17, 'x'), by_default()).prefix.size() == 12U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
