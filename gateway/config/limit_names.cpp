#include "config/limit_names.hpp"

namespace keygate::config {
namespace {

std::string seconds_text(nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<seconds>(time).count());
}

struct StateOf {
    std::string operator()(const Rate& rate) const {
        return (rate.burst ? "b" : "w") + seconds_text(rate.window);
    }

    std::string operator()(const Quota& quota) const {
        return "q:" + quota.meter + ':' + std::string{to_string(quota.period)} + ':' + quota.zone;
    }

    std::string operator()(const Concurrency&) const { return "c"; }
};

/// FNV-1a, then the finish of SplitMix64, so that names that differ little differ in all bits.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    hash ^= hash >> 31;
    return hash == 0 ? 1 : hash; // 0: nothing is counted
}

/// Seconds of a period that is always as long; 0 where it is not.
unsigned length_of(Period period) {
    switch (period) {
    case Period::minute:
        return 60;
    case Period::hour:
        return 3'600;
    case Period::day:
        return 86'400;
    case Period::week:
        return 7 * 86'400;
    default:
        return 0;
    }
}

// draft-ietf-httpapi-ratelimit-headers-10, section 3.
struct PolicyOf {
    std::string operator()(const Rate& rate) const {
        return ";q=" + std::to_string(rate.limit) + ";w=" + seconds_text(rate.window);
    }

    std::string operator()(const Quota& quota) const {
        std::string item = ";q=" + std::to_string(quota.limit);
        if (const unsigned length = length_of(quota.period); length > 0)
            item += ";w=" + std::to_string(length);
        return item;
    }

    std::string operator()(const Concurrency& concurrency) const {
        return ";q=" + std::to_string(concurrency.limit) + ";qu=\"concurrent-requests\"";
    }
};

} // namespace

void name_state(Limit& limit, std::string_view route, bool is_test) {
    limit.state = std::visit(StateOf{}, limit.rule);
    // A route's own count is nobody's but the route's: its name says so already.
    if (!route.empty() && limit.by != LimitBy::route)
        limit.state = "r:" + std::string{route} + ':' + limit.state;
    if (is_test) limit.state = "t:" + limit.state;
    limit.tag = hash_of(limit.state);
    limit.policy = '"' + limit.name + '"' + std::visit(PolicyOf{}, limit.rule);
}

} // namespace keygate::config
