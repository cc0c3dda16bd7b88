#pragma once

#include "app/standstill.hpp"
#include "app/usage_keeper.hpp"
#include "base/clock.hpp"
#include "gate/lane.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace keygate::net {
class Listener;
}

namespace keygate::app {

/// What all workers share. Outlives them.
struct Shared {
    const Clock& clock;
    limit::Counters& counters;
    limit::AddressBook& addresses;
    net::Admission& admission;
    observe::Metrics& metrics;
    UsageKeeper& usage;
    answer::Service& answers;
    observe::AccessLog& access_log;
    keys::Keeper* keeper;                    // null with the embedded store
    const config::Redis* redis;              // the same
    std::string process;                     // a name that no other gateway has
    std::chrono::nanoseconds limiter_offset; // see gate::Lane
};

/// What a worker needs of a configuration to serve it.
struct Duty {
    std::shared_ptr<const gate::Snapshot> snapshot;
    keys::ServedKeys keys;
    std::vector<observe::RouteCounters*> route_counters; // of the worker's metrics
    std::vector<std::uint32_t> route_subjects;           // where limits by route count
};

/// One thread with its io_context, its listening sockets, its clients and its upstream connections.
/// A connection never leaves its worker.
class Worker {
  public:
    /// @param listeners  descriptors of listening sockets, one for each listener of the settings,
    /// in their
    ///                   order; now the worker's.
    Worker(Shared shared, Duty duty, std::size_t number, std::vector<int> listeners);
    /// Joins; `stop` first.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Every request that begins after the standstill is judged by `next`; those in flight end as
    /// they began, and no connection is closed. Not while or after `stop`. Any thread.
    void take_over(Duty next, std::shared_ptr<Standstill> standstill);

    /// What its limits in Redis came to; nothing with the embedded store. Any thread.
    [[nodiscard]] limit::RedisCounters::Counts limit_counts() const {
        return redis_counters_ ? redis_counters_->counts() : limit::RedisCounters::Counts{};
    }

    /// Whether limits can be counted in Redis; nothing where they need not. Any thread.
    [[nodiscard]] const limit::RedisCounters* redis_counters() const {
        return redis_counters_.get();
    }

    /// Takes no new connections, lets go of idle ones, and ends the others after their answer. Any
    /// thread. The future is ready when that has begun.
    [[nodiscard]] std::future<void> drain();
    /// Cuts what is left and ends the thread. Any thread.
    void stop();

  private:
    /// How others have something done on its thread.
    [[nodiscard]] std::function<void(std::function<void()>)> entry();
    [[nodiscard]] std::unique_ptr<keys::Desk> make_desk();
    [[nodiscard]] std::unique_ptr<limit::RedisCounters> make_redis_counters(std::size_t number);

    Shared shared_;
    boost::asio::io_context io_{1};
    net::Poller poller_;
    observe::AccessLog::Buffer access_log_;
    std::unique_ptr<keys::Desk> desk_;
    answer::Desk answers_;
    std::unique_ptr<limit::RedisCounters> redis_counters_; // null with the embedded store
    gate::Lane lane_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::thread thread_;
};

} // namespace keygate::app
