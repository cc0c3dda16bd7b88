#include "config/limit_names.hpp"
#include "http/limit_fields.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keygate::http {
namespace {

namespace bdata = boost::unit_test::data;

using namespace std::chrono_literals;
using config::LimitFields;
using Families = std::vector<LimitFields>;
using Standings = std::vector<LimitStanding>;

template <class Rule> config::Limit named(std::string name, Rule rule) {
    config::Limit limit;
    limit.name = std::move(name);
    limit.rule = std::move(rule);
    config::name_state(limit);
    return limit;
}

config::Limit rate(std::string name, std::uint64_t limit, std::chrono::seconds window) {
    config::Rate rate;
    rate.limit = limit;
    rate.window = window;
    return named(std::move(name), rate);
}

config::Limit quota(std::string name, std::uint64_t limit, Period period) {
    config::Quota quota;
    quota.limit = limit;
    quota.period = period;
    return named(std::move(name), quota);
}

config::Limit running(std::string name, std::uint64_t limit) {
    config::Concurrency concurrency;
    concurrency.limit = limit;
    return named(std::move(name), concurrency);
}

const config::Limit minute = rate("100/1m", 100, 60s);
const config::Limit hour = rate("1000/1h", 1000, 3600s);
const config::Limit daily = quota("500/day", 500, Period::day);
const config::Limit monthly = quota("tests", 10'000, Period::month);
const config::Limit at_once = running("at-once", 5);

std::string written(const Standings& standings, const Families& families,
                    WallTime now = WallTime{1'700'000'000s}) {
    std::string out = "before";
    write_limit_fields(out, standings, families, now);
    BOOST_TEST(out.starts_with("before"));
    return out.substr(6);
}

// ---- a reader of structured fields (RFC 9651), as much of it as these fields use

struct Parsed {
    std::string item;                              // of a string
    std::map<std::string, std::string> parameters; // as written
};

class Reader {
  public:
    explicit Reader(std::string_view text)
        : text_(text) {}

    /// A list of strings with parameters; nothing if it is none.
    std::optional<std::vector<Parsed>> list() {
        std::vector<Parsed> all;
        while (true) {
            auto item = string_with_parameters();
            if (!item) return std::nullopt;
            all.push_back(std::move(*item));
            if (text_.empty()) return all;
            if (!take(',')) return std::nullopt;
            while (take(' ')) {
            }
        }
    }

  private:
    bool take(char letter) {
        if (!text_.starts_with(letter)) return false;
        text_.remove_prefix(1);
        return true;
    }

    std::optional<std::string> quoted() {
        if (!take('"')) return std::nullopt;
        std::string value;
        while (!text_.empty() && text_.front() != '"') {
            if (text_.front() == '\\') text_.remove_prefix(1);
            if (text_.empty() || text_.front() < 0x20 || text_.front() > 0x7e) return std::nullopt;
            value += text_.front();
            text_.remove_prefix(1);
        }
        if (!take('"')) return std::nullopt;
        return value;
    }

    std::string run(std::string_view letters) {
        const std::size_t size = std::min(text_.find_first_not_of(letters), text_.size());
        std::string value{text_.substr(0, size)};
        text_.remove_prefix(size);
        return value;
    }

    std::optional<Parsed> string_with_parameters() {
        Parsed parsed;
        const auto value = quoted();
        if (!value) return std::nullopt;
        parsed.item = *value;
        while (take(';')) {
            const std::string key = run("abcdefghijklmnopqrstuvwxyz");
            if (key.empty() || !take('=')) return std::nullopt;
            if (text_.starts_with('"')) {
                const auto text = quoted();
                if (!text) return std::nullopt;
                parsed.parameters[key] = *text;
            } else {
                const std::string number = run("0123456789");
                if (number.empty() || number.size() > 15) return std::nullopt;
                parsed.parameters[key] = number;
            }
        }
        return parsed;
    }

    std::string_view text_;
};

std::vector<Parsed> field(const std::string& lines, const std::string& name) {
    const std::string begin = name + ": ";
    const std::size_t from = lines.find("\r\n" + begin) == std::string::npos
                                 ? (lines.starts_with(begin) ? 0 : std::string::npos)
                                 : lines.find("\r\n" + begin) + 2;
    BOOST_TEST_REQUIRE(from != std::string::npos);
    const std::size_t end = lines.find("\r\n", from);
    BOOST_TEST_REQUIRE(end != std::string::npos);
    auto parsed =
        Reader{std::string_view{lines}.substr(from + begin.size(), end - from - begin.size())}
            .list();
    BOOST_TEST_REQUIRE(parsed.has_value());
    return std::move(*parsed);
}

// ---- bytes

struct Written {
    const char* what;
    Standings standings;
    Families families;
    const char* lines;
};

std::ostream& operator<<(std::ostream& out, const Written& written) {
    return out << written.what;
}

const Standings admitted{{&minute, 42, 17s}, {&daily, 7, 3'600s}, {&at_once, 3, 1s}};
const Standings refused{{&minute, 0, 17s, true}, {&daily, 7, 3'600s}, {&hour, 0, 900s, true}};

const std::vector<Written> bytes{
    {"nothing is said where there is no limit", {}, {LimitFields::draft10, LimitFields::epoch}, ""},
    {"nothing is said where no field is wanted", admitted, {}, ""},
    {"draft 10, one window",
     {{&minute, 42, 17s}},
     {LimitFields::draft10},
     "RateLimit-Policy: \"100/1m\";q=100;w=60\r\nRateLimit: \"100/1m\";r=42;t=17\r\n"},
    {"draft 10, of all kinds",
     {{&minute, 42, 17s}, {&daily, 7, 3'600s}, {&monthly, 9'999, 86'400s}, {&at_once, 3, 1s}},
     {LimitFields::draft10},
     "RateLimit-Policy: \"100/1m\";q=100;w=60, \"500/day\";q=500;w=86400, \"tests\";q=10000, "
     "\"at-once\";q=5;qu=\"concurrent-requests\"\r\n"
     "RateLimit: \"100/1m\";r=42;t=17, \"500/day\";r=7;t=3600, \"tests\";r=9999;t=86400, "
     "\"at-once\";r=3;t=1\r\n"},
    {"draft 10, refused: what refuses, alone",
     refused,
     {LimitFields::draft10},
     "RateLimit-Policy: \"100/1m\";q=100;w=60, \"500/day\";q=500;w=86400, "
     "\"1000/1h\";q=1000;w=3600\r\n"
     "RateLimit: \"100/1m\";r=0;t=17, \"1000/1h\";r=0;t=900\r\n"},
    {"drafts up to 6: the one with the least left",
     admitted,
     {LimitFields::ietf},
     "RateLimit-Limit: 5\r\nRateLimit-Remaining: 3\r\nRateLimit-Reset: 1\r\n"},
    {"drafts up to 6, refused: the one that holds longest",
     refused,
     {LimitFields::ietf},
     "RateLimit-Limit: 1000\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 900\r\n"},
    {"seconds from now",
     refused,
     {LimitFields::delta},
     "X-RateLimit-Limit: 1000\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 900\r\n"},
    {"Unix time",
     refused,
     {LimitFields::epoch},
     "X-RateLimit-Limit: 1000\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000900\r\n"},
    {"several families, in the order in which they are written",
     {{&minute, 42, 17s}},
     {LimitFields::epoch, LimitFields::draft10, LimitFields::ietf},
     "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 42\r\nX-RateLimit-Reset: 1700000017\r\n"
     "RateLimit-Policy: \"100/1m\";q=100;w=60\r\nRateLimit: \"100/1m\";r=42;t=17\r\n"
     "RateLimit-Limit: 100\r\nRateLimit-Remaining: 42\r\nRateLimit-Reset: 17\r\n"},
    {"a full bucket has nothing to wait for",
     {{&minute, 100, 0s}},
     {LimitFields::draft10, LimitFields::delta},
     "RateLimit-Policy: \"100/1m\";q=100;w=60\r\nRateLimit: \"100/1m\";r=100;t=0\r\n"
     "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 100\r\nX-RateLimit-Reset: 0\r\n"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(http_limit_fields)

BOOST_DATA_TEST_CASE(fields_are_these_bytes, bdata::make(bytes), one) {
    BOOST_TEST(written(one.standings, one.families) == one.lines);
}

BOOST_AUTO_TEST_CASE(unix_time_is_rounded_up_so_that_nobody_comes_too_early) {
    const Standings standings{{&minute, 0, 17s, true}};
    const auto at = [&](WallTime now) { return written(standings, {LimitFields::epoch}, now); };
    BOOST_TEST(at(WallTime{1'700'000'000s}).ends_with("-Reset: 1700000017\r\n"));
    BOOST_TEST(at(WallTime{1'700'000'000s + 1ns}).ends_with("-Reset: 1700000018\r\n"));
    BOOST_TEST(at(WallTime{1'700'000'000s + 999ms}).ends_with("-Reset: 1700000018\r\n"));
}

BOOST_AUTO_TEST_CASE(a_refusal_tells_only_what_refuses_and_its_retry_after_is_the_latest_of_it) {
    const config::Limit* const limits[]{&minute, &hour, &daily, &monthly, &at_once};
    std::mt19937_64 random{41};
    for (int round = 0; round < 5'000; ++round) {
        Standings standings;
        std::chrono::seconds retry_after{0}; // of the limit that holds longest
        for (const config::Limit* const limit : limits) {
            if (random() % 3 == 0) continue;
            const std::chrono::seconds wait{random() % 100'000};
            const bool is_exceeded = random() % 3 == 0;
            standings.push_back({limit, is_exceeded ? 0 : random() % 5'000, wait, is_exceeded});
            if (is_exceeded) retry_after = std::max(retry_after, wait);
        }
        if (standings.empty()) continue;
        const std::string lines = written(standings, {LimitFields::draft10, LimitFields::delta});
        const auto policies = field(lines, "RateLimit-Policy");
        const auto told = field(lines, "RateLimit");
        BOOST_TEST_REQUIRE(policies.size() == standings.size());
        const bool is_refused =
            std::any_of(standings.begin(), standings.end(),
                        [](const LimitStanding& one) { return one.is_exceeded; });
        std::size_t next = 0;
        std::chrono::seconds latest{0};
        for (std::size_t i = 0; i < standings.size(); ++i) {
            const LimitStanding& one = standings[i];
            BOOST_TEST_REQUIRE(policies[i].item == one.limit->name);
            BOOST_TEST_REQUIRE(policies[i].parameters.contains("q"));
            if (is_refused && !one.is_exceeded) continue;
            BOOST_TEST_REQUIRE(next < told.size());
            BOOST_TEST_REQUIRE(told[next].item == one.limit->name);
            BOOST_TEST_REQUIRE(told[next].parameters.at("r") == std::to_string(one.left));
            BOOST_TEST_REQUIRE(told[next].parameters.at("t") ==
                               std::to_string(one.more_in.count()));
            latest = std::max(latest, one.more_in);
            ++next;
        }
        BOOST_TEST_REQUIRE(next == told.size());
        if (!is_refused) continue;
        BOOST_TEST_REQUIRE(latest == retry_after);
        BOOST_TEST_REQUIRE(
            lines.ends_with("X-RateLimit-Reset: " + std::to_string(retry_after.count()) + "\r\n"));
    }
}

BOOST_AUTO_TEST_CASE(the_reader_of_these_tests_refuses_what_is_no_list) {
    for (const char* text :
         {"", "x", "\"a", "\"a\";", "\"a\";q", "\"a\";q=", "\"a\",", "\"a\" \"b\"",
          "\"a\";q=1,,\"b\"", "\"a\";Q=1", "\"a\";q=1234567890123456"})
        BOOST_TEST(!Reader{text}.list().has_value(), text);
    BOOST_TEST(Reader{"\"a\\\"b\";q=1;qu=\"x\", \"c\""}.list()->size() == 2U);
}

BOOST_AUTO_TEST_CASE(the_largest_numbers_are_still_integers_of_structured_fields) {
    const config::Limit large = quota("large", 1'000'000'000'000, Period::year);
    const std::string lines = written({{&large, 1'000'000'000'000, 31'622'400s}},
                                      {LimitFields::draft10, LimitFields::ietf});
    BOOST_TEST(field(lines, "RateLimit-Policy")[0].parameters.at("q") == "1000000000000");
    BOOST_TEST(field(lines, "RateLimit")[0].parameters.at("r") == "1000000000000");
    BOOST_TEST(lines.ends_with("RateLimit-Reset: 31622400\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::http
