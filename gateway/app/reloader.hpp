#pragma once

#include "admin/access.hpp"
#include "admin/reload_api.hpp"
#include "app/spent_keeper.hpp"
#include "app/upstream_care.hpp"
#include "app/worker.hpp"
#include "keys/keeper.hpp"
#include "keys/store_thread.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace keygate::app {

/// The configuration that requests begin under now, and the keys as it reads them.
struct Serving {
    std::shared_ptr<const gate::Snapshot> snapshot;
    keys::ServedKeys keys;
};

/// Of each route, by its number.
[[nodiscard]] std::vector<observe::Metrics::RouteLabel>
route_labels(const gate::Snapshot& snapshot);
/// Where limits by route count, for each route by its number.
[[nodiscard]] std::vector<std::uint32_t> route_subjects(const gate::Snapshot& snapshot,
                                                        limit::RouteBook& book);
/// The most counts that one key has by its plan.
[[nodiscard]] std::size_t most_counts(const config::Settings& settings);

/// Logs what works in it, and an operator should know.
void tell_warnings(const gate::Snapshot& snapshot);

/// Replaces the configuration of a running gateway, all or nothing. Reading the file and looking up
/// names may take seconds, so that happens on a thread of its own; one reload at a time, in the
/// order in which they were asked for.
class Reloader {
  public:
    /// What a reload changes. All of it outlives the reloader's `stop`.
    struct Parts {
        keys::StoreThread& store;
        keys::Keeper* keeper; // null with the embedded store
        SpentKeeper& spent;
        const std::vector<std::unique_ptr<Worker>>& workers;
        limit::Counters& counters;
        limit::RouteBook& routes;
        net::Admission& admission;
        observe::Metrics& metrics;
        UpstreamCare& upstreams;
        std::function<void(admin::Access)> let_in; // who may call from now on
    };

    explicit Reloader(Serving first);
    /// As `stop`.
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    /// Reloads are taken from here on.
    void start(Parts parts);
    /// Answers what was asked for, and lets nothing begin any more. Waits for a name that is being
    /// looked up.
    void stop();

    /// Reads the configuration's file again and serves what it says. `done` is called once: on the
    /// reloader's thread, or on this one where no reload can begin. Without it, a reload that was
    /// asked for and has not begun stands for all. Any thread.
    void begin(std::function<void(admin::ReloadOutcome)> done);

    /// The process is to end: reloads are refused. Any thread.
    void refuse() { is_draining_ = true; }

    /// Any thread.
    [[nodiscard]] Serving serving() const;

    [[nodiscard]] std::uint64_t reloads() const { return reloads_; }

    [[nodiscard]] std::uint64_t failures() const { return failures_; }

    /// When what is served was read.
    [[nodiscard]] std::chrono::system_clock::time_point last_success() const {
        return last_success_;
    }

  private:
    [[nodiscard]] admin::ReloadOutcome reload();
    [[nodiscard]] Result<void> switch_over(const std::shared_ptr<const gate::Snapshot>& next);
    [[nodiscard]] Result<keys::ServedKeys> make_keys(const gate::Snapshot& next,
                                                     const Serving& before);
    [[nodiscard]] Result<void> switch_on_store(keys::KeyStore& store, const Serving& next);
    void stand_still_and_take_over(const Serving& next);
    void tell(const admin::ReloadOutcome& outcome) const;

    mutable std::mutex mutex_; // guards the three below
    Serving serving_;
    bool takes_reloads_ = false;
    bool is_one_waiting_ = false; // for which nobody waits

    std::unique_ptr<Parts> parts_;
    std::atomic<bool> is_draining_{false};
    std::atomic<std::uint64_t> reloads_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::chrono::system_clock::time_point> last_success_;
    boost::asio::io_context loop_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

} // namespace keygate::app
