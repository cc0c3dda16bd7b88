#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

namespace json = boost::json;

namespace keygate::admin {
namespace {

using test::World;

/// Keys of `shop` are `19656ea.` and 27 hexadecimal digits, and found by the first seven.
config::Settings by_lookup() {
    const auto run = [](config::Alphabet alphabet, std::uint32_t count) {
        config::Run made;
        made.alphabet = alphabet;
        made.min = made.max = count;
        return made;
    };
    config::Settings made = test::settings();
    made.apis[0].default_plan = "pro";
    config::KeyFormat& format = made.apis[0].profile.key;
    format = {};
    format.lookup = run(config::Alphabet::base36, 7);
    format.separator = ".";
    format.is_found_by_lookup = true;
    format.body = format.mint = run(config::Alphabet::hex, 27);
    return made;
}

struct ByLookup : World {
    ByLookup()
        : World(by_lookup()) {}

    Response bring(char digit, const std::string& more) {
        return call("POST", "/admin/v1/keys",
                    R"({"api":"shop","owner":"acme","digest":"sha256:)" + std::string(64, digit) +
                        "\"" + more + "}");
    }
};

BOOST_FIXTURE_TEST_SUITE(admin_new_key, ByLookup)

BOOST_AUTO_TEST_CASE(a_key_is_brought_in_under_its_public_part) {
    const auto made = bring('a', R"(,"prefix":"19656ea")");
    BOOST_TEST_REQUIRE(made.status == 201U, made.body);
    const auto record = stored().front();
    // printf %s 19656ea | sha256sum
    BOOST_TEST((record.digest == keys::digest_of("19656ea")));
    BOOST_TEST((record.secret_digest == keys::digest_from_hex(std::string(64, 'a'))));
    BOOST_TEST(record.prefix == "19656ea");
    // Another key with the same public part could not be found.
    BOOST_TEST(bring('b', R"(,"prefix":"19656ea")").status == 409U);
    BOOST_TEST(bring('a', R"(,"prefix":"19656eb")").status == 201U);
}

BOOST_AUTO_TEST_CASE(the_public_part_is_needed_and_must_be_one) {
    BOOST_TEST(bring('a', "").body.find("`prefix`: missing") != std::string::npos);
    for (const char* prefix : {"", "1965", "19656ea.", "19656EA", "19656eaa"}) {
        const auto made = bring('a', std::string{R"(,"prefix":")"} + prefix + "\"");
        BOOST_TEST(made.status == 422U, prefix);
        BOOST_TEST(made.body.find("`prefix`") != std::string::npos, made.body);
    }
    const auto rows = R"({"keys":[{"api":"shop","owner":"acme","digest":"sha256:)" +
                      std::string(64, 'a') + R"("}]})";
    const auto imported = call("POST", "/admin/v1/keys:import", rows);
    BOOST_TEST(imported.body.find("`keys[0].prefix`: missing") != std::string::npos, imported.body);
    BOOST_TEST(stored().empty());
}

BOOST_AUTO_TEST_CASE(two_rows_with_one_public_part_are_told_by_it) {
    const auto row = [](char digit) {
        return R"({"api":"shop","owner":"acme","prefix":"19656ea","digest":"sha256:)" +
               std::string(64, digit) + "\"}";
    };
    const auto both =
        call("POST", "/admin/v1/keys:import", "{\"keys\":[" + row('a') + ',' + row('b') + "]}");
    BOOST_TEST(both.body.find("`keys[1].prefix`: the same as in keys[0]") != std::string::npos,
               both.body);
    BOOST_TEST(bring('c', R"(,"prefix":"19656ea")").status == 201U);
    const auto known = call("POST", "/admin/v1/keys:import", "{\"keys\":[" + row('a') + "]}");
    BOOST_TEST(known.body.find("`keys[0].prefix`: exists already") != std::string::npos,
               known.body);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
