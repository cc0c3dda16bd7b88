// How a reload reaches everybody at one instant.
//
// Keys are written by the store's thread alone, and a table is compiled against one configuration.
// So the new table is filled and published by one piece of work of that thread: what it has
// acknowledged before is in the new table, what comes after is written to it. In between the
// workers stand still together, each takes the new configuration, and they go on. A request that
// has begun keeps what it holds (gate/epoch.hpp).
#include "app/reloader.hpp"

#include "app/restart.hpp"
#include "config/load.hpp"
#include "keys/fill.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <future>
#include <utility>

namespace keygate::app {

namespace asio = boost::asio;
using admin::ReloadOutcome;
using Kind = ReloadOutcome::Kind;

namespace {

ReloadOutcome refused(Kind kind, std::vector<std::string> problems) {
    ReloadOutcome outcome;
    outcome.kind = kind;
    outcome.problems = std::move(problems);
    return outcome;
}

ReloadOutcome refused_at_the_end() {
    return refused(Kind::draining, {"the process was told to stop"});
}

} // namespace

std::vector<observe::Metrics::RouteLabel> route_labels(const gate::Snapshot& snapshot) {
    std::vector<observe::Metrics::RouteLabel> labels(snapshot.routes.all().size());
    for (const policy::Route& route : snapshot.routes.all())
        labels[route.number] = {.api = snapshot.settings.apis[route.api].name, .route = route.name};
    return labels;
}

void tell_warnings(const gate::Snapshot& snapshot) {
    for (const std::string& warning : snapshot.warnings)
        spdlog::warn("{}", warning);
}

std::vector<std::uint32_t> route_subjects(const gate::Snapshot& snapshot, limit::RouteBook& book) {
    std::vector<std::uint32_t> numbers(snapshot.routes.all().size());
    for (const policy::Route& route : snapshot.routes.all())
        numbers[route.number] = book.number_of(snapshot.settings.apis[route.api].name, route.name);
    return numbers;
}

std::size_t most_counts(const config::Settings& settings) {
    std::size_t most = 0;
    for (const config::Api& api : settings.apis)
        for (const config::Plan& plan : api.plans)
            most = std::max(most, plan.limits.size());
    return most;
}

Reloader::Reloader(Serving first)
    : serving_(std::move(first))
    , last_success_(std::chrono::system_clock::now())
    , work_(asio::make_work_guard(loop_)) {}

Reloader::~Reloader() {
    stop();
}

void Reloader::start(Parts parts) {
    parts_ = std::make_unique<Parts>(parts);
    thread_ = std::thread{[this] { loop_.run(); }};
    const std::lock_guard lock{mutex_};
    takes_reloads_ = true;
}

void Reloader::stop() {
    is_draining_ = true;
    {
        const std::lock_guard lock{mutex_};
        takes_reloads_ = false;
    }
    work_.reset();
    if (thread_.joinable()) thread_.join();
}

Serving Reloader::serving() const {
    const std::lock_guard lock{mutex_};
    return serving_;
}

void Reloader::begin(std::function<void(ReloadOutcome)> done) {
    {
        // What is posted under the lock is carried out before the thread ends.
        const std::lock_guard lock{mutex_};
        if (takes_reloads_) {
            // Nobody waits for this one, and the one that is still to begin will see the same file.
            if (!done && std::exchange(is_one_waiting_, true)) return;
            asio::post(loop_, [this, done = std::move(done)] {
                if (!done) {
                    const std::lock_guard begins{mutex_};
                    is_one_waiting_ = false;
                }
                ReloadOutcome outcome;
                try {
                    outcome = reload();
                } catch (const std::exception& bug) {
                    outcome = refused(Kind::failed, {bug.what()});
                }
                ++reloads_;
                if (outcome.kind != Kind::done) ++failures_;
                tell(outcome);
                if (done) done(std::move(outcome));
            });
            return;
        }
    }
    if (done) done(refused_at_the_end());
}

void Reloader::tell(const ReloadOutcome& outcome) const {
    const std::string file = serving().snapshot->settings.file;
    if (outcome.kind == Kind::done) {
        spdlog::info("{}: reloaded, {}; {} keys in memory", file,
                     outcome.has_changed ? "changed" : "nothing has changed in it", outcome.keys);
        if (outcome.unreadable_keys != 0)
            spdlog::warn("{} keys name what the configuration does not know (store_invalid)",
                         outcome.unreadable_keys);
        return;
    }
    for (const std::string& problem : outcome.problems)
        spdlog::error("{}", problem);
    spdlog::error("{}: not reloaded; everything stays as it was", file);
}

ReloadOutcome Reloader::reload() {
    if (is_draining_) return refused_at_the_end();
    const Serving before = serving();
    const config::Settings& running = before.snapshot->settings;
    config::Loaded loaded = config::load_file(running.file);
    if (!loaded.settings) {
        std::vector<std::string> problems;
        for (const config::Mistake& mistake : loaded.mistakes)
            problems.push_back(config::to_string(mistake));
        return refused(Kind::config_invalid, std::move(problems));
    }
    std::vector<std::string> fixed = needs_restart(running, *loaded.settings);
    if (!fixed.empty()) return refused(Kind::needs_restart, std::move(fixed));
    const bool has_changed = !are_same(running, *loaded.settings);
    const std::string level = loaded.settings->log.level;

    const auto next = gate::Snapshot::make(std::move(*loaded.settings), before.snapshot.get());
    if (!next) return refused(Kind::failed, {to_string(next.error())});
    auto access = admin::read_access((*next)->settings.admin);
    if (!access) return refused(Kind::failed, {to_string(access.error())});
    if (is_draining_) return refused_at_the_end();
    parts_->upstreams.prepare(**next);
    if (const auto done = switch_over(*next); !done) {
        parts_->upstreams.prepare(*before.snapshot);
        return refused(Kind::failed, {to_string(done.error())});
    }

    // From here on it is served.
    tell_warnings(**next);
    parts_->upstreams.serve(*next);
    parts_->let_in(std::move(*access));
    spdlog::set_level(spdlog::level::from_str(level));
    last_success_ = std::chrono::system_clock::now();
    const Serving now = serving();
    ReloadOutcome outcome;
    outcome.kind = Kind::done;
    outcome.has_changed = has_changed;
    outcome.keys = now.keys.size();
    outcome.unreadable_keys = now.keys.unreadable();
    return outcome;
}

/// With the embedded store an empty table, which is filled on the store's thread; of a store that
/// others write to, what was known before, read again.
Result<keys::ServedKeys> Reloader::make_keys(const gate::Snapshot& next, const Serving& before) {
    keys::ServedKeys made;
    if (parts_->keeper == nullptr) {
        made.table = std::make_shared<keys::Table>(next.catalog, before.keys.table->subjects());
        return made;
    }
    made.cache = parts_->keeper->make_cache(next.catalog, before.keys.cache->subjects());
    if (const auto warm = parts_->keeper->warm(made.cache, before.keys.cache); !warm)
        return warm.error();
    return made;
}

Result<void> Reloader::switch_over(const std::shared_ptr<const gate::Snapshot>& next) {
    const Serving before = serving();
    const auto made = make_keys(*next, before);
    if (!made) return made.error();
    const Serving now{next, *made};
    auto promise = std::make_shared<std::promise<Result<void>>>();
    auto switched = promise->get_future();
    parts_->store.submit([this, now, promise](keys::KeyStore& store, keys::LiveKeys&) {
        promise->set_value(switch_on_store(store, now));
    });
    const auto done = switched.get();
    if (parts_->keeper != nullptr) parts_->keeper->serve((done ? now : before).keys.cache);
    return done;
}

Result<void> Reloader::switch_on_store(keys::KeyStore& store, const Serving& next) {
    // Also what keeps the old keys until the end: they die on no worker.
    const Serving before = serving();
    if (next.keys.table)
        if (const auto filled = keys::fill(store, *next.keys.table, before.keys.table.get());
            !filled)
            return filled.error();
    // Last: from here on nothing fails, and the store remembers only peppers that are used.
    if (const auto agreed = next.snapshot->peppers.agree_with(store); !agreed)
        return agreed.error();
    stand_still_and_take_over(next);
    parts_->spent.serve(next.snapshot->settings);
    parts_->store.replace(next.keys.live());
    const config::ClientLimits& client = next.snapshot->settings.client;
    parts_->admission.set_bounds(client.max_connections, client.max_connections_per_address);
    const std::lock_guard lock{mutex_};
    serving_ = next;
    return {};
}

void Reloader::stand_still_and_take_over(const Serving& next) {
    const auto labels = route_labels(*next.snapshot);
    const auto subjects = route_subjects(*next.snapshot, parts_->routes);
    const auto standstill = std::make_shared<Standstill>(parts_->workers.size());
    for (std::size_t i = 0; i < parts_->workers.size(); ++i)
        parts_->workers[i]->take_over(
            {next.snapshot, next.keys, parts_->metrics.routes(i, labels), subjects}, standstill);
    standstill->wait_for_all();
    const auto since = std::chrono::steady_clock::now();
    // Nobody charges now.
    parts_->counters.grow(most_counts(next.snapshot->settings));
    standstill->release();
    const auto stood = std::chrono::steady_clock::now() - since;
    spdlog::debug("all workers stood still for {} us",
                  std::chrono::duration_cast<std::chrono::microseconds>(stood).count());
}

} // namespace keygate::app
