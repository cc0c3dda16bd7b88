#include "auth/notice.hpp"
#include "keys/compile.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>

using namespace keygate;
using namespace std::chrono_literals;

namespace {

const keys::Time made = *keys::time_from("2026-01-01T10:00:00Z");
constexpr auto day = 24h;

struct Facts {
    std::optional<keys::Time> created_at = made;
    std::optional<keys::Time> expires_at{};
    std::optional<std::string> rotated_to{};
    config::MaxAge max_age{};
};

/// The line, without its end; empty if there is none.
std::string notice(const Facts& facts, keys::Time now) {
    keys::KeyRecord record;
    record.id = "key_1";
    record.api = "shop";
    record.owner = "acme";
    if (facts.created_at) record.created_at = *facts.created_at;
    record.expires_at = facts.expires_at;
    record.rotated_to = facts.rotated_to;
    config::Settings settings;
    settings.apis.emplace_back().name = "shop";
    keys::KeySaid said;
    const auto entry = keys::read(record, keys::Catalog{settings}, said);

    std::string line;
    const auto kind = auth::write_notice(line, *entry, facts.max_age, "X-Key-", WallTime{now});
    BOOST_TEST((kind == auth::Notice::none) == line.empty());
    if (line.empty()) return {};
    BOOST_TEST((kind == auth::Notice::rotated) == facts.rotated_to.has_value());
    BOOST_TEST_REQUIRE(line.ends_with("\r\n"));
    BOOST_TEST(line.find_first_of("\r\n") == line.size() - 2);
    return line.substr(0, line.size() - 2);
}

} // namespace

BOOST_AUTO_TEST_SUITE(auth_notice)

BOOST_AUTO_TEST_CASE(nobody_is_told_of_a_key_that_is_good) {
    BOOST_TEST(notice({}, made + 1000 * day) == "");
    BOOST_TEST(notice({.max_age = {.warn = 90 * day, .refuse = {}}}, made + 90 * day - 1s) == "");
    BOOST_TEST(notice({.max_age = {.warn = {}, .refuse = 90 * day}}, made + 89 * day) == "");
    BOOST_TEST(notice({.expires_at = made + 90 * day}, made + 89 * day) == "");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_old_says_how_old_and_when_it_ends) {
    const config::MaxAge warn{.warn = 90 * day, .refuse = {}};
    const config::MaxAge both{.warn = 90 * day, .refuse = 120 * day};
    BOOST_TEST(notice({.max_age = warn}, made + 90 * day) == "X-Key-Notice: old;age=90");
    BOOST_TEST(notice({.max_age = warn}, made + 92 * day - 1s) == "X-Key-Notice: old;age=91");
    BOOST_TEST(notice({.max_age = both}, made + 91 * day) ==
               "X-Key-Notice: old;age=91;ends=\"2026-05-01T10:00:00Z\"");
    // Whichever comes first.
    BOOST_TEST(notice({.expires_at = made + 100 * day, .max_age = both}, made + 91 * day) ==
               "X-Key-Notice: old;age=91;ends=\"2026-04-11T10:00:00Z\"");
    BOOST_TEST(notice({.expires_at = made + 200 * day, .max_age = both}, made + 91 * day) ==
               "X-Key-Notice: old;age=91;ends=\"2026-05-01T10:00:00Z\"");
    BOOST_TEST(notice({.expires_at = made + 200 * day, .max_age = warn}, made + 91 * day) ==
               "X-Key-Notice: old;age=91;ends=\"2026-07-20T10:00:00Z\"");
}

BOOST_AUTO_TEST_CASE(a_key_that_nobody_knows_the_age_of_is_old) {
    BOOST_TEST(notice({.created_at = {}, .max_age = {.warn = 90 * day, .refuse = {}}}, made) ==
               "X-Key-Notice: old");
}

BOOST_AUTO_TEST_CASE(a_key_that_was_rotated_names_its_successor) {
    BOOST_TEST(notice({.expires_at = made + day, .rotated_to = "key_abc"}, made) ==
               "X-Key-Notice: rotated;successor=\"key_abc\";ends=\"2026-01-02T10:00:00Z\"");
    BOOST_TEST(notice({.rotated_to = "key_abc"}, made) ==
               "X-Key-Notice: rotated;successor=\"key_abc\"");
    // It is told first.
    BOOST_TEST(notice({.rotated_to = "key_abc", .max_age = {.warn = 1 * day, .refuse = {}}},
                      made + 2 * day) == "X-Key-Notice: rotated;successor=\"key_abc\"");
    // Whatever somebody has written into a record, it stays one quoted text.
    BOOST_TEST(notice({.rotated_to = "a\"b\\c\r\nX: y"}, made) ==
               "X-Key-Notice: rotated;successor=\"a%22b%5Cc%0D%0AX:%20y\"");
}

BOOST_AUTO_TEST_SUITE_END()
