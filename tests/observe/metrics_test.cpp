#include "base/ascii.hpp"
#include "observe/metrics.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

using namespace keygate;

namespace {

using observe::Metrics;
using observe::Outcome;

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

bool has_line(const Metrics& metrics, const std::string& line) {
    for (const std::string& one : lines_of(metrics.text()))
        if (one == line) return true;
    return false;
}

/// A sample's name without what histograms add to it.
std::string family_of(const std::string& line, const std::set<std::string>& families) {
    const std::string name = line.substr(0, line.find_first_of("{ "));
    if (families.contains(name)) return name;
    for (const char* const suffix : {"_bucket", "_sum", "_count"})
        if (name.ends_with(suffix))
            return name.substr(0, name.size() - std::string_view{suffix}.size());
    return name;
}

/// `name{label="value",…} number`, where a value has no bare quote, backslash or line end.
bool is_sample(const std::string& line) {
    const std::size_t space = line.rfind(' ');
    const std::size_t brace = line.find('{');
    if (space == std::string::npos || space + 1 == line.size()) return false;
    const std::string name = line.substr(0, std::min(brace, space));
    if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) {
            return ascii::is_alnum(c) || c == '_' || c == ':';
        }))
        return false;
    if (brace == std::string::npos) return name.size() == space;
    if (line[space - 1] != '}') return false;
    bool is_inside = false; // a value's quotes
    for (std::size_t i = brace + 1; i < space - 1; ++i) {
        if (line[i] == '"') is_inside = !is_inside;
        if (line[i] != '\\') continue;
        if (!is_inside || std::string_view{"\"\\n"}.find(line[++i]) == std::string_view::npos)
            return false;
    }
    return !is_inside;
}

} // namespace

BOOST_AUTO_TEST_SUITE(observe_metrics)

BOOST_AUTO_TEST_CASE(every_family_is_introduced_once_and_before_its_samples) {
    Metrics metrics{{{.api = "a", .route = "GET /x"}, {.api = "b", .route = "GET /y"}}, 2};
    metrics.add("keygate_things", "Things.", [] { return 3.0; });
    metrics.add("keygate_things_total", "Things so far.", [] { return 4.0; });
    for (std::size_t route = 0; route < 2; ++route)
        for (const Reason reason : all_reasons())
            metrics.thread(0).count(route, reason, 403, {});

    std::set<std::string> helped;
    std::map<std::string, std::string> types;
    std::string current;
    std::set<std::string> samples;
    for (const std::string& line : lines_of(metrics.text())) {
        std::istringstream words{line};
        std::string hash;
        std::string keyword;
        std::string name;
        if (line.starts_with("# ")) {
            words >> hash >> keyword >> name;
            if (keyword == "HELP") {
                BOOST_TEST(helped.insert(name).second, line);
            } else {
                BOOST_TEST(keyword == "TYPE");
                std::string type;
                words >> type;
                BOOST_TEST(types.emplace(name, type).second, line);
                current = name;
            }
            continue;
        }
        BOOST_TEST(is_sample(line), line);
        BOOST_TEST(samples.insert(line.substr(0, line.rfind(' '))).second, "twice: " << line);
        BOOST_TEST(family_of(line, helped) == current, line);
    }
    BOOST_TEST(helped.size() == types.size());
    for (const auto& [name, type] : types) {
        BOOST_TEST(helped.contains(name), name);
        const bool only_grows = type == "counter";
        BOOST_TEST(only_grows == name.ends_with("_total"), name << " is a " << type);
    }
    BOOST_TEST(types.at("keygate_things") == "gauge");
    BOOST_TEST(types.at("keygate_things_total") == "counter");
    BOOST_TEST(types.at("keygate_request_duration_seconds") == "histogram");
    BOOST_TEST(has_line(metrics, "keygate_things 3"));
    BOOST_TEST(has_line(metrics, "keygate_things_total 4"));
}

BOOST_AUTO_TEST_CASE(labels_are_escaped) {
    Metrics metrics{{{.api = "a\"b", .route = "GET /\\x\n{id}"}}, 1};
    metrics.thread(0).count(0, Outcome::allowed(), 200, {});
    BOOST_TEST(has_line(
        metrics,
        R"(keygate_requests_total{api="a\"b",route="GET /\\x\n{id}",outcome="allowed"} 1)"));
}

BOOST_AUTO_TEST_CASE(threads_are_summed_up) {
    Metrics metrics{{{.api = "a", .route = "GET /x"}}, 3};
    for (std::size_t thread = 0; thread < 3; ++thread) {
        for (std::size_t i = 0; i <= thread; ++i)
            metrics.thread(thread).count(0, Outcome::allowed(), 200, {});
        metrics.thread(thread).count(observe::ThreadMetrics::no_route, Reason::route_unknown, 404,
                                     {});
        metrics.thread(thread).sent_bytes.add(1'000'000'000'000);
        metrics.thread(thread).connections_opened.add(5);
        metrics.thread(thread).connections_closed.add(3);
    }
    metrics.thread(1).count(0, Outcome::canceled(), 0, {});
    for (const char* const line :
         {R"(keygate_requests_total{api="a",route="GET /x",outcome="allowed"} 6)",
          R"(keygate_requests_total{api="a",route="GET /x",outcome="canceled"} 1)",
          R"(keygate_requests_total{api="",route="",outcome="route_unknown"} 3)",
          R"(keygate_responses_total{code="2xx"} 6)", R"(keygate_responses_total{code="4xx"} 3)",
          R"(keygate_responses_total{code="5xx"} 0)", "keygate_response_bytes_total 3000000000000",
          "keygate_client_connections_total 15", "keygate_client_connections 6",
          "keygate_request_duration_seconds_count 10"})
        BOOST_TEST(has_line(metrics, line), line);
}

BOOST_AUTO_TEST_CASE(durations_fall_into_their_buckets) {
    using std::chrono::microseconds;
    Metrics metrics{{}, 1};
    for (const int us : {500, 501, 1000, 40'000'000})
        metrics.thread(0).count(observe::ThreadMetrics::no_route, Outcome::allowed(), 200,
                                microseconds{us});
    for (const char* const line : {R"(keygate_request_duration_seconds_bucket{le="0.0005"} 1)",
                                   R"(keygate_request_duration_seconds_bucket{le="0.001"} 3)",
                                   R"(keygate_request_duration_seconds_bucket{le="30"} 3)",
                                   R"(keygate_request_duration_seconds_bucket{le="+Inf"} 4)",
                                   "keygate_request_duration_seconds_count 4",
                                   "keygate_request_duration_seconds_sum 40.002001"})
        BOOST_TEST(has_line(metrics, line), line);
}

BOOST_AUTO_TEST_CASE(every_outcome_has_a_name_of_its_own) {
    std::set<std::string_view> names{Outcome::allowed().name(), Outcome::canceled().name()};
    for (const Reason reason : all_reasons()) {
        BOOST_TEST(Outcome{reason}.name() == name(reason));
        names.insert(Outcome{reason}.name());
    }
    BOOST_TEST(names.size() == Outcome::count);
}

BOOST_AUTO_TEST_CASE(the_process_is_told) {
    const Metrics metrics{{}, 1};
    const std::string text = metrics.text();
    for (const char* const name :
         {"\nprocess_cpu_seconds_total ", "\nprocess_resident_memory_bytes ", "\nprocess_open_fds ",
          "\nprocess_max_fds ", "\nprocess_start_time_seconds ", "\nkeygate_build_info{version=\""})
        BOOST_TEST(text.find(name) != std::string::npos, name);
}

BOOST_AUTO_TEST_SUITE_END()
