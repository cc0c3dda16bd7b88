#include "config/limit_names.hpp"
#include "config/read_limits.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace {

using namespace keygate;
using config::read_key_limits;

std::string wrong(const std::string& rate, const std::string& quota = {}) {
    const auto judged = read_key_limits(rate, quota);
    BOOST_TEST(judged.value.has_value() == judged.wrong.empty());
    return judged.wrong;
}

std::string states(const std::vector<config::Limit>& limits) {
    std::string out;
    for (const config::Limit& limit : limits)
        out += limit.name + " by " + std::string{word_of(limit.by, config::by_words)} + " = " +
               limit.state + "\n";
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(config_read_key_limits)

BOOST_AUTO_TEST_CASE(a_key_without_limits_has_those_of_its_plan) {
    const auto judged = read_key_limits({}, {});
    BOOST_TEST_REQUIRE(judged.value.has_value());
    BOOST_TEST(!judged.value->rates.has_value());
    BOOST_TEST(judged.value->quotas.empty());
    // No rates at all is something else.
    BOOST_TEST(read_key_limits("[]", {}).value->rates->empty());
}

BOOST_AUTO_TEST_CASE(limits_of_a_key_are_written_as_in_a_plan_and_count_by_key) {
    const auto judged =
        read_key_limits("[10/s, {rate: 100/1m, burst: 5, name: own, dry_run: true}]",
                        "tests: [5/day, 100/month]\nrequests: {limit: 9/year, time_zone: UTC, by: "
                        "owner}\n",
                        "Europe/Berlin");
    BOOST_TEST_REQUIRE(judged.value.has_value(), judged.wrong);
    BOOST_TEST(states(*judged.value->rates) == "10/s by key = w1\nown by key = b60\n");
    BOOST_TEST(judged.value->rates->back().dry_run);
    BOOST_TEST(states(judged.value->quotas) == "tests by key = q:tests:day:Europe/Berlin\n"
                                               "tests-month by key = q:tests:month:Europe/Berlin\n"
                                               "requests by owner = q:requests:year:UTC\n");
    BOOST_TEST(std::get<config::Quota>(judged.value->quotas[0].rule).time_zone ==
               find_time_zone("Europe/Berlin"));
    BOOST_TEST(judged.value->quotas[2].tag != 0U);
}

BOOST_AUTO_TEST_CASE(json_is_yaml) {
    const auto of = [](const std::string& rate, const std::string& quota) {
        const auto judged = read_key_limits(rate, quota);
        BOOST_TEST_REQUIRE(judged.value.has_value(), judged.wrong);
        return *judged.value;
    };
    const config::KeyLimits yaml =
        of("{rate: 100/1m, burst: 20}", "{tests: {limit: 5/day, dry_run: true}}");
    BOOST_TEST((yaml == of(R"({"rate":"100/1m","burst":20})",
                           R"({"tests":{"limit":"5/day","dry_run":true}})")));
    BOOST_TEST((of("10/s", "") == of(R"("10/s")", "")));
    BOOST_TEST((of("[10/s, 9/1m]", "") == of(R"(["10/s","9/1m"])", "")));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_names_the_field_and_what_is_allowed) {
    const std::string a_rate = "expected a rate such as 100/1m, 10/s or 1000/day: at most "
                               "1000000000 requests in a window of 1s to 366d";
    BOOST_TEST(wrong("many") == "rate: found `many`; " + a_rate);
    BOOST_TEST(wrong("~") == "rate: found nothing; " + a_rate);
    BOOST_TEST(wrong(" # nothing") == "rate: found nothing; " + a_rate);
    BOOST_TEST(wrong("[10/s, 1/month]") == "rate[1]: found `1/month`; " + a_rate);
    BOOST_TEST(wrong("${RATE}") == "rate: found `${RATE}`; " + a_rate);
    BOOST_TEST(wrong("{rate: 10/s, bust: 2}") ==
               "rate.bust: unknown name `bust`; allowed: rate, burst, by, name, dry_run; did you "
               "mean `burst`?");
    BOOST_TEST(wrong("{rate: 10/s, rate: 9/s}") ==
               "rate.rate: `rate` is written twice; the first is in line 1");
    BOOST_TEST(wrong("[10/s, {rate: 1/m, by: route}]") ==
               "rate[1].by: found `route`; expected one of: key, owner, address; what counts all "
               "requests of one route stands at the route");
    BOOST_TEST(wrong("[10/s, !x 1/m]") ==
               "rate[1]: tags (`!…`) have no meaning here; quote a text that begins with `!`");
    BOOST_TEST(wrong("[&a 10/s, *a]") == "rate: aliases are not available here");
    BOOST_TEST(wrong("[10/s").starts_with("rate: not YAML ("));
    BOOST_TEST(wrong("10/s\n---\n9/s") ==
               "rate: a second document begins here; a file holds one configuration");
    BOOST_TEST(wrong(std::string(4097, ' ')) == "rate: expected at most 4096 bytes");
    BOOST_TEST(wrong("", "10/day") ==
               "quota: found `10/day`; expected a mapping from meters to quotas such as {requests: "
               "1000/month}");
    BOOST_TEST(wrong("", "{tests: 10/1m}") ==
               "quota.tests: found `10/1m`; expected a quota such as 1000/month: 1 to "
               "1000000000000 in each minute, hour, day, week, month or year");
    BOOST_TEST(wrong("", "{tests: {limit: 10/day, time_zone: Mars}}") ==
               "quota.tests.time_zone: found `Mars`; expected a time zone of the IANA database "
               "that this machine knows, such as Europe/Berlin");
    BOOST_TEST(wrong("{rate: 10/s, name: tests}", "{tests: 1/day}") ==
               "quota.tests: is called like the limit in line 1, column 1; give one of them "
               "another `name`");
}

BOOST_AUTO_TEST_CASE(whatever_stands_in_a_record_there_are_limits_or_a_mistake) {
    std::mt19937 random{20260712};
    const std::string letters = "\n :-[]{}*&!|>'\"%@#,?$\\/019ams~<.\x80\xff\x04\x7f";
    const std::string seeds[] = {"[10/s, {rate: 100/1m, burst: 5, by: owner, name: own}]",
                                 "{tests: [5/day, {limit: 9/month, time_zone: Europe/Berlin}]}"};
    for (int round = 0; round < 4'000; ++round) {
        std::string text = seeds[round % 2];
        for (std::size_t edits = 1 + random() % 4; edits > 0; --edits) {
            const std::size_t at = random() % text.size();
            if (random() % 2 == 0)
                text[at] = letters[random() % letters.size()];
            else
                text.insert(at, 1, letters[random() % letters.size()]);
        }
        for (const auto& judged : {read_key_limits(text, {}), read_key_limits({}, text)}) {
            BOOST_CHECK(judged.value.has_value() == judged.wrong.empty());
            for (const char c : judged.wrong)
                BOOST_CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        }
    }
    for (const char c : {'[', '{', '-', '?', ':', '&', '*'})
        BOOST_TEST(!wrong(std::string(4'096, c)).empty());
}

BOOST_AUTO_TEST_SUITE_END()
