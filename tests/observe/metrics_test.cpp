#include "observe/metrics.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>
#include <tuple>

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

} // namespace

BOOST_AUTO_TEST_SUITE(observe_metrics)

BOOST_AUTO_TEST_CASE(every_family_is_introduced_once_and_before_its_samples) {
    Metrics metrics{2};
    const auto routes =
        metrics.routes(0, {{.api = "a", .route = "GET /x"}, {.api = "b", .route = "GET /y"}});
    metrics.add("keygate_things", "Things.", [] { return 3.0; });
    metrics.add("keygate_things_total", "Things so far.", [] { return 4.0; });
    for (observe::RouteCounters* const route : routes)
        for (const Reason reason : all_reasons())
            metrics.thread(0).count(*route, reason, 403, {});

    const std::regex sample{
        R"re([a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*",?)*\})? [-+.\w]+)re"};
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
        BOOST_TEST(std::regex_match(line, sample), line);
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
    Metrics metrics{1};
    const auto routes = metrics.routes(0, {{.api = "a\"b", .route = "GET /\\x\n{id}"}});
    metrics.thread(0).count(*routes[0], Outcome::allowed(), 200, {});
    BOOST_TEST(has_line(
        metrics,
        R"(keygate_requests_total{api="a\"b",route="GET /\\x\n{id}",outcome="allowed"} 1)"));
}

BOOST_AUTO_TEST_CASE(threads_are_summed_up) {
    Metrics metrics{3};
    const std::vector<Metrics::RouteLabel> labels{{.api = "a", .route = "GET /x"}};
    for (std::size_t thread = 0; thread < 3; ++thread) {
        const auto routes = metrics.routes(thread, labels);
        for (std::size_t i = 0; i <= thread; ++i)
            metrics.thread(thread).count(*routes[0], Outcome::allowed(), 200, {});
        metrics.thread(thread).count(metrics.thread(thread).no_route, Reason::route_unknown, 404,
                                     {});
        metrics.thread(thread).sent_bytes.add(1'000'000'000'000);
        metrics.thread(thread).connections_opened.add(5);
        metrics.thread(thread).connections_closed.add(3);
    }
    metrics.thread(1).count(*metrics.routes(1, labels)[0], Outcome::canceled(), 0, {});
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

BOOST_AUTO_TEST_CASE(routes_keep_what_they_counted_through_every_configuration) {
    Metrics metrics{2};
    const auto count = [&](std::size_t thread, const Metrics::RouteLabel& label) {
        for (observe::RouteCounters* const route : metrics.routes(thread, {label}))
            metrics.thread(thread).count(*route, Outcome::allowed(), 200, {});
    };
    const auto line = [](const std::string& api, const std::string& route, int times) {
        return "keygate_requests_total{api=\"" + api + "\",route=\"" + route +
               "\",outcome=\"allowed\"} " + std::to_string(times);
    };
    count(0, {.api = "a", .route = "GET /x"});
    count(0, {.api = "a", .route = "GET /y"});
    // Another configuration: other numbers, one route less, others more.
    const auto routes = metrics.routes(1, {{.api = "b", .route = "GET /x"},
                                           {.api = "a", .route = "GET /x"},
                                           {.api = "c", .route = "GET /x"}});
    BOOST_TEST_REQUIRE(routes.size() == 3U);
    metrics.thread(1).count(*routes[1], Outcome::allowed(), 200, {});
    count(0, {.api = "c", .route = "GET /x"});
    count(1, {.api = "a", .route = "GET /x"});
    for (const auto& [api, route, times] : std::vector<std::tuple<std::string, std::string, int>>{
             {"a", "GET /x", 3}, {"a", "GET /y", 1}, {"c", "GET /x", 1}})
        BOOST_TEST(has_line(metrics, line(api, route, times)), api << " " << route);
    BOOST_TEST(metrics.text().find("api=\"b\"") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(routes_may_come_while_others_count_and_somebody_reads) {
    Metrics metrics{1};
    observe::RouteCounters& first = *metrics.routes(0, {{.api = "a", .route = "GET /0"}})[0];
    constexpr int requests = 20'000;
    std::thread worker{[&] {
        for (int i = 0; i < requests; ++i)
            metrics.thread(0).count(first, Outcome::allowed(), 200, {});
    }};
    std::thread reader{[&] {
        for (int i = 0; i < 20; ++i)
            BOOST_CHECK(!metrics.text().empty());
    }};
    for (int i = 0; i < 500; ++i)
        BOOST_TEST_REQUIRE(
            metrics.routes(0, {{.api = "a", .route = "GET /" + std::to_string(i)}}).size() == 1U);
    worker.join();
    reader.join();
    BOOST_TEST(has_line(
        metrics, R"(keygate_requests_total{api="a",route="GET /0",outcome="allowed"} 20000)"));
}

BOOST_AUTO_TEST_CASE(durations_fall_into_their_buckets) {
    using std::chrono::microseconds;
    Metrics metrics{1};
    for (const int us : {500, 501, 1000, 40'000'000})
        metrics.thread(0).count(metrics.thread(0).no_route, Outcome::allowed(), 200,
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
    const Metrics metrics{1};
    const std::string text = metrics.text();
    for (const char* const name :
         {"\nprocess_cpu_seconds_total ", "\nprocess_resident_memory_bytes ", "\nprocess_open_fds ",
          "\nprocess_max_fds ", "\nprocess_start_time_seconds ", "\nkeygate_build_info{version=\""})
        BOOST_TEST(text.find(name) != std::string::npos, name);
}

BOOST_AUTO_TEST_SUITE_END()
