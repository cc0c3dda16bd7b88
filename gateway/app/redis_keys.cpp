#include "app/redis_keys.hpp"

#include <spdlog/spdlog.h>

namespace keygate::app {

namespace {

using std::chrono::milliseconds;

std::string seconds_text(std::chrono::nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

std::string milliseconds_text(std::chrono::nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(time).count()) + " ms";
}

/// What keys that were looked up before are judged by while Redis cannot be asked.
std::string while_away(const keys::Keeper& keeper) {
    const keys::Freshness& fresh = keeper.freshness();
    const auto left = fresh.bound + fresh.stale_while_down - keeper.lease_age();
    if (fresh.stale_while_down.count() == 0 || left.count() <= 0)
        return "keys cannot be judged (store_unavailable)";
    return "known keys go on for " + seconds_text(left) + " more (stale_while_down)";
}

} // namespace

keys::Keeper::Log log_of_keeper() {
    return [](keys::Keeper::Severity severity, const std::string& text) {
        switch (severity) {
        case keys::Keeper::Severity::info:
            return spdlog::info("{}", text);
        case keys::Keeper::Severity::warning:
            return spdlog::warn("{}", text);
        case keys::Keeper::Severity::error:
            return spdlog::error("{}", text);
        }
    };
}

admin::ReadyCheck store_check(const keys::Keeper* keeper) {
    admin::ReadyCheck check{.name = "store", .is_passing = true, .detail = {}};
    if (keeper == nullptr) return check;
    const keys::Keeper::Condition now = keeper->condition();
    const keys::Freshness& fresh = keeper->freshness();
    if (!now.is_allowed) {
        check.is_passing = false;
        check.detail = now.is_up ? "the store's keys were made with peppers that are not ours"
                                 : "Redis was not there yet: " + now.problem;
        return check;
    }
    if (!now.is_up) {
        const bool goes_on = fresh.stale_while_down.count() > 0 &&
                             keeper->lease_age() < fresh.bound + fresh.stale_while_down;
        check.is_passing = goes_on;
        check.detail = "Redis is away for " + seconds_text(BootClock::now() - now.since) + " (" +
                       now.problem + "); " + while_away(*keeper);
        return check;
    }
    check.detail = "changes count within " + milliseconds_text(fresh.bound);
    if (!now.is_tracking || !now.is_one_server || keeper->lease_age() > fresh.bound) {
        check.detail += "; keys are read from Redis again and again: ";
        if (!now.tracking_problem.empty())
            check.detail += now.tracking_problem;
        else if (!now.is_one_server)
            check.detail += "it cannot be told that one server answers and tells of changes";
        else
            check.detail += "it does not answer pings in time";
    }
    return check;
}

admin::ReadyCheck limits_check(const std::vector<std::unique_ptr<Worker>>& workers) {
    admin::ReadyCheck check{.name = "limits", .is_passing = true, .detail = {}};
    for (const auto& worker : workers) {
        const limit::RedisCounters* const counters = worker->redis_counters();
        if (counters == nullptr) continue;
        if (!counters->has_begun()) {
            check.is_passing = false;
            check.detail = "it is not known yet whether Redis can count them";
        } else if (counters->is_away() && check.is_passing) {
            check.detail = "Redis cannot count them: when_away decides";
        }
    }
    return check;
}

void add_redis_metrics(observe::Metrics& metrics, const keys::Keeper& keeper) {
    const auto count = [&](std::uint64_t keys::Keeper::Counts::*member) {
        return [&keeper, member] { return static_cast<double>(keeper.counts().*member); };
    };
    using Counts = keys::Keeper::Counts;
    metrics.add("keygate_redis_up", "1 while Redis answers what it is asked.",
                [&] { return keeper.condition().is_up ? 1.0 : 0.0; });
    metrics.add("keygate_redis_tracking", "1 while Redis tells of changes.",
                [&] { return keeper.condition().is_tracking ? 1.0 : 0.0; });
    metrics.add("keygate_redis_dials_total", "Connections on which records are read.",
                count(&Counts::dials));
    metrics.add("keygate_key_questions_total",
                "Requests whose key was not in memory, or not known to be so any more.",
                count(&Counts::asked));
    metrics.add("keygate_key_reads_total", "Records that were read from Redis.",
                count(&Counts::reads));
    metrics.add("keygate_key_questions_unavailable_total",
                "Requests that could not be judged: store_unavailable.",
                count(&Counts::unavailable));
    metrics.add("keygate_key_changes_total", "Changes that Redis has told of.",
                count(&Counts::changes));
    metrics.add("keygate_key_records_unreadable_total",
                "Records read that cannot be understood: store_invalid.",
                count(&Counts::unreadable));
    metrics.add("keygate_stale_decisions_total",
                "Requests judged by what was known before Redis went away (stale_while_down).",
                [&] { return static_cast<double>(keeper.freshness().stale_decisions.load()); });
    metrics.add("keygate_revocation_lease_age_seconds",
                "Age of the newest ping that Redis has answered; below revocation_bound keys in "
                "memory decide.",
                [&] { return std::chrono::duration<double>(keeper.lease_age()).count(); });
}

} // namespace keygate::app
