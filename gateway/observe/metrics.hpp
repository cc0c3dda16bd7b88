#pragma once

#include "base/reason.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace keygate::observe {

/// How a request ended, for metrics and logs: allowed, given up by the client, or refused for a
/// reason.
class Outcome {
  public:
    static constexpr std::size_t count = reason_count + 2;

    [[nodiscard]] static constexpr Outcome allowed() { return Outcome{reason_count}; }

    [[nodiscard]] static constexpr Outcome canceled() { return Outcome{reason_count + 1}; }

    constexpr Outcome(Reason reason)
        : index_(keygate::index(reason)) {} // NOLINT(google-explicit-constructor)

    [[nodiscard]] constexpr std::size_t index() const { return index_; }

    [[nodiscard]] std::string_view name() const;

  private:
    constexpr explicit Outcome(std::size_t index)
        : index_(index) {}
    friend class Metrics;
    std::size_t index_;
};

/// A number that one thread writes and any thread reads.
class Counter {
  public:
    void add(std::uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }

    void subtract(std::uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) - amount, std::memory_order_relaxed);
    }

    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// How the requests of one route have ended on one thread. Shares no cache line with another
/// thread's.
struct alignas(64) RouteCounters {
    std::array<Counter, Outcome::count> by_outcome;
};

/// What one thread counts. Plain stores, no lock, nothing formatted before somebody asks.
class ThreadMetrics {
  public:
    static constexpr std::array<double, 12> buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                    0.05,   0.1,   0.25,   1,     5,    30};

    /// @param route  of this thread; `no_route` before one was found.
    void count(RouteCounters& route, Outcome outcome, unsigned status,
               std::chrono::nanoseconds duration);

    RouteCounters no_route;
    Counter connections_opened;
    Counter connections_closed;
    Counter tls_handshakes;        // of clients, from the beginning
    Counter tls_resumed;           // that went on with an earlier session
    Counter tls_failures;          // that came to nothing
    Counter proxy_header_failures; // connections that began with none, or a bad one
    Counter tunnels_opened;
    Counter tunnels_closed;
    Counter upstream_dials;
    Counter upstream_failures;
    Counter upstream_retries;
    Counter upstream_retries_refused; // for want of budget
    Counter queue_timeouts;           // that waited for a connection in vain
    Counter streams_terminated;       // because their key has ended
    Counter received_bytes;           // of request bodies
    Counter sent_bytes;               // of all answers
    Counter limits_exceeded_dry;      // requests that a dry run would have refused
    Counter limits_away_local;        // charges while Redis was away, by what `when_away` said
    Counter limits_away_allowed;
    Counter limits_away_refused;
    Counter notices_rotated; // answers that said that their key should be replaced, by why
    Counter notices_old;

  private:
    friend class Metrics;

    std::vector<std::unique_ptr<RouteCounters>> routes_; // as in Metrics::routes_
    std::array<Counter, 6> statuses_;                    // by first digit
    std::array<Counter, buckets.size() + 1> durations_;
    Counter duration_ns_;
};

/// Everything that `/metrics` shows. Labels come from the configuration alone (routes, reasons), so
/// their number is bounded whatever clients send.
class Metrics {
  public:
    struct RouteLabel {
        std::string api;
        std::string route; // `GET /v1/tests/{id}`
    };

    explicit Metrics(std::size_t threads);
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    [[nodiscard]] ThreadMetrics& thread(std::size_t number) { return *threads_[number]; }

    /// Where a thread counts the requests of these routes, in their order. A route that was there
    /// before, in whatever configuration, goes on counting where it was. The counters live as long
    /// as this object. Any thread.
    [[nodiscard]] std::vector<RouteCounters*> routes(std::size_t thread,
                                                     const std::vector<RouteLabel>& labels);

    /// A value read when somebody asks. The name ends in `_total` exactly if it only ever grows.
    void add(std::string name, std::string help, std::function<double()> read);

    /// The same for many of one name, each with its labels. Labels are from the configuration
    /// alone.
    struct Labelled {
        std::vector<std::pair<std::string, std::string>> labels;
        double value = 0;
    };

    void add_family(std::string name, std::string help,
                    std::function<std::vector<Labelled>()> read);

    /// Prometheus text format 0.0.4. Any thread.
    [[nodiscard]] std::string text() const;

  private:
    struct Value {
        std::string name;
        std::string help;
        std::function<double()> read;
    };

    struct Family {
        std::string name;
        std::string help;
        std::function<std::vector<Labelled>()> read;
    };

    [[nodiscard]] std::size_t position_of(const RouteLabel& label);

    mutable std::mutex routes_mutex_; // guards which routes there are, not what they count
    std::vector<RouteLabel> routes_;  // of all configurations so far
    std::map<std::pair<std::string, std::string>, std::size_t> positions_;
    std::vector<std::unique_ptr<ThreadMetrics>> threads_;
    std::vector<Value> values_;
    std::vector<Family> families_;
    std::chrono::system_clock::time_point started_;
};

} // namespace keygate::observe
