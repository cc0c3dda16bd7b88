#pragma once

#include "limit/counters.hpp"
#include "limit/model.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace keygate::limit::testing {

/// Random limits, plans that are edited, bills and times, to ask a model and the real thing the
/// same.
class World {
  public:
    struct Shape {
        Instant tick{1};               // instants are multiples of it
        bool has_running = true;       // requests at once
        bool steps_back = true;        // the clock is set back now and then
        std::uint32_t subjects = 3;    // of a bill
        std::uint64_t most_limit = 20; // mostly
        bool is_for_redis = false;     // numbers that are exact there; one key on each bill
    };

    World(std::uint64_t seed, const Shape& shape)
        : random_(seed)
        , shape_(shape)
        , now_(begin()) {
        for (std::size_t i = 0; i < slots; ++i)
            make_slot(i);
    }

    std::mt19937_64& random() { return random_; }

    [[nodiscard]] Instant now() const { return now_; }

    /// 0..most
    std::uint64_t below(std::uint64_t most) { return random_() % (most + 1); }

    bool one_in(std::uint64_t times) { return random_() % times == 0; }

    /// A plan is edited: the same windows, other numbers. Bills that are out keep the old one.
    void edit() {
        const std::size_t slot = random_() % slots;
        slots_[slot].versions.push_front(slots_[slot].versions.front());
        config::Limit& limit = slots_[slot].versions.front();
        std::visit([&](auto& rule) { rule.limit = number(); }, limit.rule);
        if (auto* const rate = std::get_if<config::Rate>(&limit.rule); rate && rate->burst)
            rate->burst = burst(rate->window);
        limit.dry_run = one_in(6);
    }

    Bill bill() {
        Bill bill;
        std::array<std::size_t, slots> order{};
        for (std::size_t i = 0; i < slots; ++i)
            order[i] = i;
        std::shuffle(order.begin(), order.end(), random_);
        const std::size_t items = 1 + random_() % 6;
        key_ = static_cast<std::uint32_t>(10 + random_() % 2);
        for (std::size_t i = 0; i < items; ++i) {
            const config::Limit& limit = slots_[order[i]].versions.front();
            bill.add({.limit = &limit, .subject = subject(limit.by), .cost = cost(limit)});
        }
        return bill;
    }

    /// Whose the last bill was, by number.
    [[nodiscard]] std::uint32_t key() const { return key_; }

    /// The next instant: often exactly where something changes, or a tick beside it.
    void step(Instant retry_at) {
        if (shape_.steps_back && one_in(40)) return step_back();
        const std::int64_t tick = shape_.tick.count();
        Instant next = now_;
        switch (random_() % 10) {
        case 0:
        case 1:
            return;
        case 2:
            next += shape_.tick;
            break;
        case 3:
        case 4:
            next = edge();
            break;
        case 5:
            if (retry_at < latest) next = retry_at;
            break;
        case 6:
            next += Instant{static_cast<std::int64_t>(below(200'000'000'000'000))}; // two days
            break;
        case 7:
            next += Instant{static_cast<std::int64_t>(below(40'000'000'000))};
            break;
        default:
            next += Instant{static_cast<std::int64_t>(below(2'000'000'000))};
        }
        if (one_in(3)) next -= shape_.tick;
        if (one_in(6)) next += shape_.tick;
        next -= Instant{next.count() % tick};
        now_ = std::clamp(next, now_, latest);
    }

  private:
    static constexpr std::size_t slots = 10;
    static constexpr Instant latest{6'000'000'000'000'000'000}; // 2160

    struct Slot {
        std::list<config::Limit> versions; // the one in force is first
    };

    Instant begin() {
        // Any time from 2020 to 2030, and often near the end of a year.
        const bool is_new_year = one_in(3);
        const std::int64_t from = is_new_year ? 1'735'689'590 : 1'577'836'800;
        const std::uint64_t span = is_new_year ? 12'000'000'000 : 315'360'000'000'000'000;
        Instant time{from * 1'000'000'000 + static_cast<std::int64_t>(below(span))};
        return time - Instant{time.count() % shape_.tick.count()};
    }

    std::uint64_t number() {
        if (one_in(10)) return 1 + below(999'999'999);
        if (one_in(4)) return 1;
        return 1 + below(shape_.most_limit);
    }

    std::uint64_t burst(std::chrono::nanoseconds window) {
        return shape_.is_for_redis
                   ? std::min<std::uint64_t>(number(), (1ULL << 52U) / in_microseconds(window))
                   : number();
    }

    static std::uint64_t in_microseconds(std::chrono::nanoseconds time) {
        return static_cast<std::uint64_t>(time.count() / 1000);
    }

    void make_slot(std::size_t slot) {
        static constexpr std::array<std::int64_t, 7> windows{1,     2,      7,         60,
                                                             3'600, 86'400, 31'622'400};
        static constexpr std::array<const char*, 4> zones{"UTC", "Europe/Berlin", "America/Havana",
                                                          "Australia/Lord_Howe"};
        const auto window = std::chrono::seconds{windows[random_() % windows.size()]};
        const auto short_window = std::min(window, std::chrono::seconds{86'400});
        const auto by = static_cast<config::LimitBy>(random_() % shape_.subjects);
        // So that no two of them mean the same.
        const std::string route = "GET /" + std::to_string(slot);
        const bool is_dry = one_in(8);
        switch (random_() % (shape_.has_running ? 7 : 6)) {
        case 0:
        case 1:
            return add(slot, limit_of(rate_of(number(), window), by, is_dry, route));
        case 2:
        case 3:
            return add(slot, limit_of(rate_of(number(), short_window, burst(short_window)), by,
                                      is_dry, route));
        case 6:
            return add(slot, limit_of(running_of(number()), by, is_dry, route));
        default:
            const char* const meter = one_in(2) ? "requests" : "tests";
            return add(slot, limit_of(quota_of(number(), static_cast<Period>(random_() % 6),
                                               zones[random_() % zones.size()], meter),
                                      by, is_dry, route));
        }
    }

    void add(std::size_t slot, config::Limit limit) {
        if (limit.by == config::LimitBy::route) {
            // Named by its subject alone (config/limit_names.hpp): make it this slot's own.
            limit.state = "s" + std::to_string(slot) + ':' + limit.state;
            limit.tag = slot + 1;
        }
        slots_[slot].versions.push_front(std::move(limit));
    }

    std::uint32_t subject(config::LimitBy by) {
        // Two keys of one owner, one route.
        if (by == config::LimitBy::key)
            return shape_.is_for_redis ? key_ : static_cast<std::uint32_t>(10 + random_() % 2);
        return by == config::LimitBy::owner ? 20 : Counters::first_route;
    }

    std::uint32_t cost(const config::Limit& limit) {
        if (std::holds_alternative<config::Concurrency>(limit.rule) || !one_in(3)) return 1;
        std::uint64_t most = std::visit([](const auto& rule) { return rule.limit; }, limit.rule);
        if (const auto* const rate = std::get_if<config::Rate>(&limit.rule); rate && rate->burst) {
            // No bucket is filled for longer than clocks can tell (limit/rate.cpp).
            const std::uint64_t a_year =
                31'536'000 * most /
                static_cast<std::uint64_t>(rate->window.count() / 1'000'000'000);
            most = std::min(*rate->burst, std::max<std::uint64_t>(a_year, 1));
        }
        if (one_in(8)) return static_cast<std::uint32_t>(most + below(1)); // all of it, or too much
        return static_cast<std::uint32_t>(1 + below(most / 2));
    }

    /// The end of a window or a period that is going on.
    Instant edge() {
        const config::Limit& limit = slots_[random_() % slots].versions.front();
        if (const auto* const quota = std::get_if<config::Quota>(&limit.rule)) {
            const TimeSpan period = period_at(quota->period, *quota->time_zone, now_);
            return period.end < latest ? period.end : now_;
        }
        const auto* const rate = std::get_if<config::Rate>(&limit.rule);
        const Instant length = rate != nullptr ? Instant{rate->window} : Instant{1'000'000'000};
        return Instant{(now_.count() / length.count() + 1) * length.count()};
    }

    void step_back() {
        static constexpr std::array<std::int64_t, 4> far{1'000'000, 5'000'000'000, 120'000'000'000,
                                                         90'000'000'000'000};
        const std::int64_t by = far[random_() % far.size()];
        const Instant back{static_cast<std::int64_t>(below(static_cast<std::uint64_t>(by)))};
        now_ -= back;
        now_ -= Instant{now_.count() % shape_.tick.count()};
    }

    std::mt19937_64 random_;
    Shape shape_;
    Instant now_;
    std::uint32_t key_ = 10;
    std::array<Slot, slots> slots_;
};

} // namespace keygate::limit::testing
