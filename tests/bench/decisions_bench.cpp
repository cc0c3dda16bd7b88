// What the pure decisions of one request cost. Not part of the tests: timings are no assertions.
// Built against the library of a release build:
//   g++ -std=c++20 -O2 -Igateway tests/bench/decisions_bench.cpp build/libkeygate_lib.a -lyaml-cpp
//       -lcrypto -o build/decisions_bench
// It prints the median of several rounds, in nanoseconds for one call.

#include "config/settings.hpp"
#include "http/target.hpp"
#include "limit/counters.hpp"
#include "policy/route.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

using namespace keygate;
using namespace std::chrono_literals;

namespace {

/// The compiler must believe that a value is used.
template <class T> void keep(const T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

template <class Call> double median_ns(Call call) {
    static constexpr int calls = 200'000;
    std::array<double, 9> rounds{};
    for (double& round : rounds) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < calls; ++i)
            call(i);
        const std::chrono::duration<double, std::nano> spent =
            std::chrono::steady_clock::now() - begin;
        round = spent.count() / calls;
    }
    std::nth_element(rounds.begin(), rounds.begin() + rounds.size() / 2, rounds.end());
    return rounds[rounds.size() / 2];
}

template <class Call> void report(const char* what, Call call) {
    std::printf("%-52s %8.1f ns\n", what, median_ns(call));
}

void judge_targets() {
    http::RequestHead head;
    head.method = "GET";
    head.host = "api.example";
    std::string scratch;
    for (const char* target :
         {"/v1/tests/42", "/v1/monitors/7f3a9c2e/checks?limit=50&cursor=abcdef",
          "/v1/files/caf%C3%A9%20menu.pdf", "/public/../admin", "http://api.example/v1/tests/42"}) {
        head.target = target;
        report(target, [&](int) { keep(http::judge_target(head, 8192, scratch)); });
    }
}

config::Route route_of(std::string method, std::string pattern) {
    config::Route route;
    route.text = method + ' ' + pattern;
    route.methods = {std::move(method)};
    route.pattern = std::move(pattern);
    return route;
}

void find_routes() {
    config::Settings settings;
    config::Api& api = settings.apis.emplace_back();
    for (int i = 0; i < 500; ++i) {
        const std::string resource = "/v1/resource" + std::to_string(i);
        for (const char* method : {"GET", "POST"})
            api.routes.push_back(route_of(method, resource));
        for (const char* method : {"GET", "PUT", "DELETE"})
            api.routes.push_back(route_of(method, resource + "/{id}"));
        api.routes.push_back(route_of("GET", resource + "/{id}/checks/**"));
    }
    api.hosts = {"api.example"};
    const policy::Routes routes{settings, keys::Catalog{settings}};
    std::printf("a map of %zu routes\n", routes.all().size());

    struct {
        const char* what;
        const char* method;
        const char* path;
    } const cases[]{{"literal", "GET", "/v1/resource250"},
                    {"one name", "PUT", "/v1/resource250/7f3a9c2e"},
                    {"everything below", "GET", "/v1/resource499/7f3a9c2e/checks/1/2/3"},
                    {"route_unknown", "GET", "/v2/resource250"},
                    {"route_method", "PATCH", "/v1/resource250/7f3a9c2e"},
                    {"parameters", "GET", "/v1/resource250/7f3a;v=1"},
                    {"parameters among 500 literals", "GET", "/v1/resource;v=1"}};

    for (const auto& one : cases)
        report(one.what, [&](int) { keep(routes.find("api.example:8080", one.method, one.path)); });
}

void charge() {
    const auto rate = [](std::uint64_t limit, std::chrono::nanoseconds window) {
        limit::Rate made;
        made.limit = limit;
        made.window = window;
        return made;
    };
    const std::vector<limit::Rate> window{rate(1'000'000'000, 60s)};
    std::vector<limit::Rate> bucket = window;
    bucket[0].burst = 1'000'000'000;
    const std::vector<limit::Rate> both{rate(1'000'000'000, 1s), rate(1'000'000'000, 60s)};
    static constexpr std::uint32_t subjects = 100'000;
    limit::Counters counters{2};
    const limit::Instant start{1'700'000'000'000'000'000};
    const auto run = [&](const char* what, const std::vector<limit::Rate>& rates,
                         std::uint32_t among) {
        for (std::uint32_t i = 0; i < among; ++i)
            keep(counters.charge(i, rates, start));
        report(what, [&](int i) {
            // A large odd step, so that the next subject is not in the next cache line.
            const auto subject = static_cast<std::uint32_t>(i) * 40'503U % among;
            keep(counters.charge(subject, rates, start + std::chrono::microseconds{i}));
        });
    };
    run("charge, one window, one key", window, 1);
    run("charge, one window, 100,000 keys", window, subjects);
    run("charge, one bucket, one key", bucket, 1);
    run("charge, one bucket, 100,000 keys", bucket, subjects);
    run("charge, two windows, 100,000 keys", both, subjects);
    const std::vector<limit::Rate> spent{rate(1, 24h)};
    keep(counters.charge(0, spent, start));
    report("charge, refused",
           [&](int i) { keep(counters.charge(0, spent, start + std::chrono::microseconds{i})); });
}

} // namespace

int main() {
    judge_targets();
    find_routes();
    charge();
}
