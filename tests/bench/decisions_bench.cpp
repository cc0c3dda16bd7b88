// What the pure decisions of one request cost. Not part of the tests: timings are no assertions.
// Built against the library of a release build:
//   g++ -std=c++20 -O2 -Igateway tests/bench/decisions_bench.cpp build/libkeygate_lib.a -lyaml-cpp
//       -ldate-tz -lssl -lcrypto -o build/decisions_bench
// It prints the median of several rounds, in nanoseconds for one call.

#include "config/limit_names.hpp"
#include "config/settings.hpp"
#include "http/target.hpp"
#include "limit/counters.hpp"
#include "policy/route.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
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

config::Limit limit_of(std::uint64_t number, std::chrono::nanoseconds window,
                       std::optional<std::uint64_t> burst = {}) {
    config::Rate rate;
    rate.limit = number;
    rate.window = window;
    rate.burst = burst;
    config::Limit limit;
    limit.rule = rate;
    config::name_state(limit);
    return limit;
}

config::Limit monthly(std::uint64_t number) {
    config::Quota quota;
    quota.limit = number;
    quota.time_zone = find_time_zone("UTC");
    config::Limit limit;
    limit.rule = quota;
    config::name_state(limit);
    return limit;
}

void charge() {
    static constexpr std::uint64_t plenty = 1'000'000'000;
    static constexpr std::uint32_t subjects = 100'000;
    limit::Counters counters{2};
    limit::Calendar calendar;
    const limit::Instant start{1'700'000'000'000'000'000};
    using Limits = std::vector<config::Limit>;
    const auto charge_to = [&](const Limits& limits, std::uint32_t subject, int microseconds) {
        limit::Bill bill;
        for (const config::Limit& limit : limits)
            bill.add({.limit = &limit, .subject = subject, .cost = 1});
        keep(counters.charge(bill, start + std::chrono::microseconds{microseconds}, calendar));
    };
    const auto run = [&](const char* what, const Limits& limits, std::uint32_t among) {
        for (std::uint32_t i = 0; i < among; ++i)
            charge_to(limits, i, 0);
        report(what, [&](int i) {
            // A large odd step, so that the next subject is not in the next cache line.
            charge_to(limits, static_cast<std::uint32_t>(i) * 40'503U % among, i);
        });
    };
    const Limits window{limit_of(plenty, 60s)};
    const Limits bucket{limit_of(plenty, 60s, plenty)};
    run("charge, one window, one key", window, 1);
    run("charge, one window, 100,000 keys", window, subjects);
    run("charge, one bucket, one key", bucket, 1);
    run("charge, one bucket, 100,000 keys", bucket, subjects);
    run("charge, two windows, 100,000 keys", {limit_of(plenty, 1s), window[0]}, subjects);
    run("charge, window and quota, 100,000 keys", {window[0], monthly(plenty)}, subjects);
    const Limits spent{limit_of(1, 24h)};
    charge_to(spent, 0, 0);
    report("charge, refused", [&](int i) { charge_to(spent, 0, i); });
}

} // namespace

int main() {
    judge_targets();
    find_routes();
    charge();
}
