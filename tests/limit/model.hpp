#pragma once

#include "limit/limits.hpp"

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

// What limits mean, written down as plainly as possible, to compare the gateway's arithmetic with:
// charges are remembered one by one, with their time and cost, and counted again for each question.
//
//     window, quota     the sum of what was charged in the window of now, at most the limit
//     bucket            a level that each charge raises by its cost, and that leaks limit/window;
//                       at most the burst
//     requests at once  a number
//
// and what README promises of clocks that are set back and of plans that change.
namespace keygate::limit::testing {

__extension__ typedef __int128 Wide;

class Model {
  public:
    enum class Buckets : std::uint8_t {
        keep_time,  // empty when they are empty, whatever the clock does
        keep_level, // as full as they were when the clock was set back
    };

    /// @param tick  of the clock: instants are multiples of it.
    explicit Model(Instant tick = Instant{1}, Buckets buckets = Buckets::keep_time)
        : tick_(tick)
        , buckets_(buckets) {}

    /// How long a bucket's charge may be used later than it was made: `leased` in Redis.
    void set_lease(Instant lease) { lease_ = lease; }

    /// How long after a charge requests at once are forgotten: of a gateway that says nothing.
    void set_holder_life(Instant life) { holder_life_ = life; }

    struct Answer {
        bool is_admitted = false;
        std::size_t refused_by = 0;
        Instant retry_at{};
        std::uint32_t exceeded = 0;
        std::vector<Standing> standing;
        std::vector<std::int64_t> taken_in;
        std::uint32_t units = 1;
    };

    /// @param units  wanted: an eighth of what is left, at least one.
    Answer charge(const Bill& bill, Instant now, std::uint32_t units = 1) {
        Answer answer;
        answer.is_admitted = true;
        answer.retry_at = Instant::min();
        for (std::size_t i = 0; i < bill.items().size(); ++i) {
            const Item& item = bill.items()[i];
            meet(item, now);
            const std::uint64_t left = left_of(item, now);
            answer.taken_in.push_back(window_of(item, now).begin.count());
            if (item.cost <= left) {
                const std::uint64_t eighth = left / item.cost / 8;
                units = static_cast<std::uint32_t>(
                    std::min<std::uint64_t>(units, std::max<std::uint64_t>(eighth, 1)));
                continue;
            }
            answer.exceeded |= 1U << i;
            if (item.limit->dry_run) continue;
            const Instant retry = passes_at(item, now, item.cost);
            if (retry <= answer.retry_at) continue;
            answer.is_admitted = false;
            answer.refused_by = i;
            answer.retry_at = retry;
        }
        answer.units = units;
        for (std::size_t i = 0; i < bill.items().size(); ++i) {
            const Item& item = bill.items()[i];
            if (answer.is_admitted && (answer.exceeded >> i & 1) == 0) take(item, now, units);
        }
        for (const Item& item : bill.items()) {
            const std::uint64_t left = left_of(item, now);
            answer.standing.push_back({left, more_at(item, now, left)});
        }
        return answer;
    }

    /// A request that was admitted is over.
    void settle(const Bill& bill, const Answer& answer, bool is_counted) {
        for (std::size_t i = 0; i < bill.items().size(); ++i) {
            if ((answer.exceeded >> i & 1) != 0) continue;
            const Item& item = bill.items()[i];
            Count& count = of(item);
            const auto* const quota = std::get_if<config::Quota>(&item.limit->rule);
            if (std::holds_alternative<config::Concurrency>(item.limit->rule))
                count.running -= count.running > 0 ? 1 : 0;
            else if (quota != nullptr && quota->meter != "requests" && !is_counted)
                give_back(item, answer.taken_in[i], item.cost);
        }
    }

    void give_back(const Item& item, std::int64_t taken_in, std::uint64_t cost) {
        Count& count = of(item);
        if (!count.latest || *count.latest != taken_in) return;
        const std::uint64_t used = used_in(count, taken_in);
        count.charges = {{taken_in, used - std::min(used, cost)}};
    }

  private:
    struct Charge {
        std::int64_t window; // in which it counts
        std::uint64_t cost;
    };

    struct Count {
        std::vector<Charge> charges;
        std::optional<std::int64_t> latest; // window
        std::uint64_t running = 0;
        Instant running_until{};
        // Bucket: what was in it when it was last charged, in 1/window requests.
        Wide level = 0;
        std::optional<Instant> charged_at;
        std::uint64_t limit = 0;
    };

    Count& of(const Item& item) { return counts_[{item.subject, item.limit->tag}]; }

    static const config::Rate* bucket_of(const Item& item) {
        const auto* const rate = std::get_if<config::Rate>(&item.limit->rule);
        return rate != nullptr && rate->burst ? rate : nullptr;
    }

    static std::uint64_t limit_of(const Item& item) {
        return std::visit([](const auto& rule) { return rule.limit; }, item.limit->rule);
    }

    static std::uint64_t used_in(const Count& count, std::int64_t window) {
        std::uint64_t used = 0;
        for (const Charge& charge : count.charges)
            if (charge.window == window) used += charge.cost;
        return used;
    }

    static TimeSpan aligned(const Item& item, Instant now) {
        if (const auto* const quota = std::get_if<config::Quota>(&item.limit->rule))
            return period_at(quota->period, *quota->time_zone, now);
        const std::int64_t length = std::get<config::Rate>(item.limit->rule).window.count();
        std::int64_t number = now.count() / length;
        if (now.count() % length < 0) --number;
        return {Instant{number * length}, Instant{(number + 1) * length}};
    }

    /// The window that counts at `now`: the one of the clock, or the one after it if something was
    /// charged there already.
    TimeSpan window_of(const Item& item, Instant now) {
        if (std::holds_alternative<config::Concurrency>(item.limit->rule) || bucket_of(item))
            return {};
        const TimeSpan window = aligned(item, now);
        const Count& count = of(item);
        if (count.latest == window.end.count()) return aligned(item, window.end);
        return window;
    }

    /// What a clock that was set back, and a plan that has changed, mean for what was charged.
    void meet(const Item& item, Instant now) {
        Count& count = of(item);
        if (const config::Rate* const rate = bucket_of(item)) {
            if (!count.charged_at) return;
            if (buckets_ == Buckets::keep_level)
                count.charged_at = std::min(*count.charged_at, now);
            return;
        }
        if (std::holds_alternative<config::Concurrency>(item.limit->rule)) {
            if (holder_life_ != Instant{} && count.running_until <= now) count.running = 0;
            return;
        }
        if (!count.latest) return;
        const TimeSpan window = window_of(item, now);
        if (*count.latest <= window.begin.count()) return;
        // Further ahead than the next window: it is what was used in this one.
        count.charges = {{window.begin.count(), used_in(count, *count.latest)}};
        count.latest = window.begin.count();
    }

    /// The level of a bucket at `now`, not below zero by more than `floor`; in 1/window requests.
    Wide level_of(const Item& item, Instant now) {
        const config::Rate& rate = *bucket_of(item);
        Count& count = of(item);
        const Wide lowest = -held_in(item);
        if (!count.charged_at) return lowest;
        Wide level = count.level;
        if (count.limit != rate.limit) {
            // It is empty at the same instant as under the old plan, or at the tick after it.
            const Wide old = static_cast<Wide>(count.limit) * tick_.count();
            const Wide ticks = (level + old - 1) / old;
            level = ticks * tick_.count() * static_cast<Wide>(rate.limit);
        }
        const Wide leaked =
            static_cast<Wide>((now - *count.charged_at).count()) * static_cast<Wide>(rate.limit);
        return std::max(level - leaked, lowest);
    }

    /// What leaks while what was taken in advance is not used; none where nothing can be.
    Wide held_in(const Item& item) const {
        const config::Rate& rate = *bucket_of(item);
        const Wide held = static_cast<Wide>(rate.limit) * lease_.count();
        const Wide all = static_cast<Wide>(*rate.burst) * rate.window.count();
        return item.limit->by == config::LimitBy::address || all - held < rate.window.count()
                   ? 0
                   : held;
    }

    Wide room_of(const Item& item) const {
        const config::Rate& rate = *bucket_of(item);
        return static_cast<Wide>(*rate.burst) * rate.window.count() - held_in(item);
    }

    std::uint64_t left_of(const Item& item, Instant now) {
        if (const config::Rate* const rate = bucket_of(item)) {
            const Wide room = room_of(item) - level_of(item, now);
            return room < 0 ? 0 : static_cast<std::uint64_t>(room / rate->window.count());
        }
        const Count& count = of(item);
        const std::uint64_t used = std::holds_alternative<config::Concurrency>(item.limit->rule)
                                       ? count.running
                                       : used_in(count, window_of(item, now).begin.count());
        return limit_of(item) - std::min(used, limit_of(item));
    }

    /// The first tick at which `cost` passes if nobody else charges.
    Instant passes_at(const Item& item, Instant now, std::uint64_t cost) {
        if (std::holds_alternative<config::Concurrency>(item.limit->rule))
            return now + std::chrono::seconds{1};
        const config::Rate* const rate = bucket_of(item);
        if (cost > (rate != nullptr ? *rate->burst : limit_of(item))) return Instant::max();
        if (rate == nullptr) return window_of(item, now).end;
        const Wide over =
            level_of(item, now) + static_cast<Wide>(cost) * rate->window.count() - room_of(item);
        if (over <= 0) return now;
        const Wide leak = static_cast<Wide>(rate->limit) * tick_.count(); // in one tick
        return now + static_cast<std::int64_t>((over + leak - 1) / leak) * tick_;
    }

    Instant more_at(const Item& item, Instant now, std::uint64_t left) {
        const config::Rate* const rate = bucket_of(item);
        if (rate == nullptr) {
            if (std::holds_alternative<config::Concurrency>(item.limit->rule))
                return now + std::chrono::seconds{1};
            return window_of(item, now).end;
        }
        return left == *rate->burst ? now : passes_at(item, now, left + 1);
    }

    void take(const Item& item, Instant now, std::uint32_t units) {
        Count& count = of(item);
        if (const config::Rate* const rate = bucket_of(item)) {
            count.level = std::max<Wide>(level_of(item, now), 0) +
                          static_cast<Wide>(units) * item.cost * rate->window.count();
            count.charged_at = now;
            count.limit = rate->limit;
        } else if (std::holds_alternative<config::Concurrency>(item.limit->rule)) {
            ++count.running;
            count.running_until = now + holder_life_;
        } else {
            const std::int64_t window = window_of(item, now).begin.count();
            count.charges.push_back({window, std::uint64_t{units} * item.cost});
            count.latest = window;
        }
    }

    Instant tick_;
    Buckets buckets_;
    Instant lease_{};
    Instant holder_life_{};
    std::map<std::pair<std::uint32_t, std::uint64_t>, Count> counts_;
};

} // namespace keygate::limit::testing
