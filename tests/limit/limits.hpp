#pragma once

#include "base/calendar.hpp"
#include "config/limit_names.hpp"
#include "config/settings.hpp"
#include "limit/bill.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Limits and bills as tests write them.
namespace keygate::limit::testing {

inline constexpr Instant start{1'700'000'040'000'000'000}; // a whole minute, not a whole hour

inline config::Rate rate_of(std::uint64_t limit, std::chrono::nanoseconds window,
                            std::optional<std::uint64_t> burst = {}) {
    config::Rate rate;
    rate.limit = limit;
    rate.window = window;
    rate.burst = burst;
    return rate;
}

inline config::Quota quota_of(std::uint64_t limit, Period period, std::string zone = "UTC",
                              std::string meter = "requests") {
    config::Quota quota;
    quota.limit = limit;
    quota.period = period;
    quota.zone = std::move(zone);
    quota.meter = std::move(meter);
    quota.time_zone = find_time_zone(quota.zone);
    if (quota.time_zone == nullptr) throw std::invalid_argument(quota.zone);
    return quota;
}

inline config::Concurrency running_of(std::uint64_t limit) {
    config::Concurrency concurrency;
    concurrency.limit = limit;
    return concurrency;
}

/// @param route  `METHOD path` where it is a limit of a route.
template <class Rule>
config::Limit limit_of(Rule rule, config::LimitBy by = config::LimitBy::key, bool dry_run = false,
                       std::string_view route = {}) {
    config::Limit limit;
    limit.name = "limit";
    limit.by = by;
    limit.rule = std::move(rule);
    limit.dry_run = dry_run;
    config::name_state(limit, route);
    return limit;
}

/// @param limits  outlive the bill. All of one subject.
inline Bill bill_of(const std::vector<config::Limit>& limits, std::uint32_t subject = 0,
                    std::uint32_t cost = 1) {
    Bill bill;
    for (const config::Limit& limit : limits) {
        const bool is_running = std::holds_alternative<config::Concurrency>(limit.rule);
        bill.add({.limit = &limit, .subject = subject, .cost = is_running ? 1 : cost});
    }
    return bill;
}

inline bool is_long() {
    return std::getenv("KEYGATE_LONG") != nullptr;
}

/// How much a property is tried: less where assertions are on, as in builds with sanitizers, which
/// are slow and look for something else.
inline std::uint64_t tries(std::uint64_t usual, std::uint64_t in_long_runs) {
#ifdef NDEBUG
    return is_long() ? in_long_runs : usual;
#else
    return is_long() ? in_long_runs / 40 : usual / 8;
#endif
}

/// KEYGATE_SEED, to replay what was printed; else another one each time.
inline std::uint64_t new_seed() {
    const char* const wanted = std::getenv("KEYGATE_SEED");
    if (wanted != nullptr) return std::strtoull(wanted, nullptr, 10);
    return std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
}

} // namespace keygate::limit::testing
