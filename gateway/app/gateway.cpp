#include "app/gateway.hpp"

#include "admin/access.hpp"
#include "admin/api.hpp"
#include "admin/client.hpp"
#include "admin/http_server.hpp"
#include "admin/own_keys.hpp"
#include "admin/status_pages.hpp"
#include "app/redis_keys.hpp"
#include "app/reloader.hpp"
#include "app/spent_keeper.hpp"
#include "app/upstream_care.hpp"
#include "app/usage_keeper.hpp"
#include "app/worker.hpp"
#include "keys/fill.hpp"
#include "keys/redis_store.hpp"
#include "keys/sqlite_store.hpp"
#include "keys/store_thread.hpp"
#include "net/listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include <unistd.h>

namespace keygate::app {

namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds drain_look{20};
constexpr std::chrono::seconds operators_grace{2};

std::size_t thread_count(const config::Settings& settings) {
    if (settings.threads != 0) return settings.threads;
    return std::max(1U, std::thread::hardware_concurrency());
}

/// The operator's side, which says what went wrong in it.
std::unique_ptr<admin::HttpServer> make_server(asio::io_context& loop, admin::Handler handler) {
    admin::ServerOptions options;
    options.on_bug = [](std::string_view what) {
        spdlog::error("admin: a call could not be carried out: {}", what);
    };
    return std::make_unique<admin::HttpServer>(loop.get_executor(), std::move(handler),
                                               std::move(options));
}

/// What no other process has.
std::string random_name() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

/// The sockets of one listener, one for each worker; all on the port that the first one got.
Result<std::vector<int>> open_listeners(config::Endpoint endpoint, std::size_t count) {
    std::vector<int> descriptors;
    for (std::size_t i = 0; i < count; ++i) {
        auto opened = net::open_listener(endpoint);
        if (!opened) {
            for (const int descriptor : descriptors)
                ::close(descriptor);
            return opened.error();
        }
        descriptors.push_back(*opened);
        endpoint.port = net::port_of(*opened);
    }
    return descriptors;
}

} // namespace

struct Gateway::State {
    State(const std::shared_ptr<const gate::Snapshot>& compiled, const Clock& time,
          std::unique_ptr<observe::AccessLog> log)
        : clock(time)
        , access_log(std::move(log))
        , counters(most_counts(compiled->settings))
        , addresses(counters)
        , admission(compiled->settings.client.max_connections,
                    compiled->settings.client.max_connections_per_address)
        , metrics(thread_count(compiled->settings))
        , keeper(make_keeper(compiled->settings.store))
        , reloader({compiled, make_keys(*compiled)})
        , control_work(asio::make_work_guard(control))
        , usage(control, thread_count(compiled->settings), time, add_spent()) {}

    const Clock& clock;
    std::unique_ptr<observe::AccessLog> access_log;
    limit::Counters counters;
    limit::AddressBook addresses;
    limit::RouteBook routes;
    net::Admission admission;
    observe::Metrics metrics;
    UpstreamCare upstreams{clock};
    config::Store store_settings;         // of the process' life
    std::unique_ptr<keys::Keeper> keeper; // with Redis; outlives all that is kept in memory
    Reloader reloader;

    // The operator's side: one thread for admin API, health and metrics.
    asio::io_context control{1};
    asio::executor_work_guard<asio::io_context::executor_type> control_work;
    SpentKeeper spent{counters}; // with the embedded store
    UsageKeeper usage;
    asio::steady_timer agreement{control};
    bool is_stopping = false;                 // of the control's thread
    std::unique_ptr<keys::StoreThread> store; // works for all of the above
    std::unique_ptr<admin::Api> api;
    std::unique_ptr<admin::Guard> guard;      // before the API
    std::unique_ptr<admin::OwnKeys> own_keys; // what keys ask for themselves
    std::vector<std::unique_ptr<admin::HttpServer>> servers;
    std::thread control_thread;
    std::uint16_t status_port = 0;
    std::uint16_t admin_port = 0;

    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::uint16_t> ports;

    std::atomic<bool> is_draining{false};
    std::mutex hurry_mutex;
    std::condition_variable hurried;
    bool is_hurried = false;

    [[nodiscard]] std::unique_ptr<keys::Keeper> make_keeper(const config::Store& settings) {
        store_settings = settings;
        if (!settings.redis) return nullptr;
        return std::make_unique<keys::Keeper>(store_settings, log_of_keeper());
    }

    [[nodiscard]] keys::ServedKeys make_keys(const gate::Snapshot& snapshot) {
        if (keeper)
            return {.table = {}, .cache = keeper->make_cache(snapshot.catalog, new_subjects())};
        return {.table = std::make_shared<keys::Table>(snapshot.catalog, new_subjects()),
                .cache = {}};
    }

    /// A number that is used again begins with nothing spent.
    [[nodiscard]] keys::SubjectsRef new_subjects() {
        return keys::SubjectsRef{
            new keys::Subjects{[this](std::uint32_t number) { counters.reset(number); },
                               [this](std::uint32_t number) { counters.forget_spent(number); }}};
    }

    /// In Redis gateways count for themselves.
    [[nodiscard]] keys::UsageWriter::AddSpent add_spent() {
        if (keeper) return {};
        return [this](const keys::UsedKey& used, keys::UsageDelta& delta) {
            spent.add_spent(used, delta);
        };
    }

    void add_metrics() {
        metrics.add("keygate_keys", "Keys in the table.",
                    [this] { return static_cast<double>(reloader.serving().keys.size()); });
        metrics.add(
            "keygate_keys_unreadable",
            "Keys whose record the configuration cannot read: they are answered store_invalid.",
            [this] { return static_cast<double>(reloader.serving().keys.unreadable()); });
        metrics.add("keygate_usage_waiting_keys",
                    "Keys whose last use is not stored yet; it is shown all the same.",
                    [this] { return static_cast<double>(usage.waiting()); });
        metrics.add("keygate_usage_write_failures_total",
                    "Times that usage could not be stored; it waits.",
                    [this] { return static_cast<double>(usage.failures()); });
        metrics.add("keygate_oldest_active_key_timestamp_seconds",
                    "When the oldest active key was made, Unix time; 0 without keys. Keys should "
                    "be rotated.",
                    [this] { return static_cast<double>(usage.oldest_key()); });
        metrics.add("keygate_config_reloads_total", "Reloads of the configuration, also failed.",
                    [this] { return static_cast<double>(reloader.reloads()); });
        metrics.add("keygate_config_reload_failures_total", "Reloads that changed nothing.",
                    [this] { return static_cast<double>(reloader.failures()); });
        metrics.add("keygate_config_last_reload_success_timestamp_seconds",
                    "When the configuration that is served was loaded, Unix time.", [this] {
                        const auto time = reloader.last_success().time_since_epoch();
                        return std::chrono::duration<double>(time).count();
                    });
        metrics.add("keygate_access_log_dropped_total", "Lines that the access log lost.",
                    [this] { return static_cast<double>(access_log->dropped()); });
        upstreams.add_metrics(metrics);
        if (keeper) add_redis_metrics(metrics, *keeper);
        if (keeper) add_limit_metrics();
        const auto of_guard = [this](std::uint64_t (admin::Guard::*count)() const) {
            return [this, count] {
                return guard ? static_cast<double>((guard.get()->*count)()) : 0.0;
            };
        };
        metrics.add("keygate_admin_requests_total", "Calls to the admin API.",
                    of_guard(&admin::Guard::requests));
        metrics.add("keygate_admin_refused_total",
                    "Calls to the admin API without a valid token or Host.",
                    of_guard(&admin::Guard::refused));
    }

    void add_limit_metrics() {
        const auto sum = [this](std::uint64_t limit::RedisCounters::Counts::*member) {
            return [this, member] {
                std::uint64_t total = 0;
                for (const auto& worker : workers)
                    total += worker->limit_counts().*member;
                return static_cast<double>(total);
            };
        };
        using Counts = limit::RedisCounters::Counts;
        metrics.add("keygate_limit_charges_asked_total", "Charges that Redis was asked for.",
                    sum(&Counts::asked));
        metrics.add("keygate_limit_charges_leased_total",
                    "Requests admitted by what was taken in advance.", sum(&Counts::from_lease));
        metrics.add("keygate_limit_refusals_remembered_total",
                    "Requests refused without asking: the limit is known to be spent.",
                    sum(&Counts::from_memory));
        metrics.add("keygate_limit_leases_given_back_total",
                    "What was taken in advance and not used.", sum(&Counts::given_back));
    }

    Result<void> open_store() {
        const Serving first = reloader.serving();
        if (keeper) return open_redis(first);
        auto opened = keys::open_sqlite_store(first.snapshot->settings.store.file);
        if (!opened) return opened.error();
        if (const auto agreed = first.snapshot->peppers.agree_with(**opened); !agreed)
            return agreed.error();
        if (const auto filled = keys::fill(**opened, *first.keys.table); !filled)
            return filled.error();
        spent.serve(first.snapshot->settings);
        if (const auto restored = spent.restore(**opened, *first.keys.table); !restored)
            return restored.error();
        store = std::make_unique<keys::StoreThread>(std::move(*opened), *first.keys.table);
        return {};
    }

    /// Redis may come later: until then, and until its keys are known to be ours to judge, what
    /// would have to be looked up is answered with 503.
    Result<void> open_redis(const Serving& first) {
        auto opened = keys::make_redis_store(*store_settings.redis);
        const auto agreed = first.snapshot->peppers.agree_with(*opened);
        if (agreed)
            keeper->allow();
        else if (agreed.error().error == boost::system::errc::invalid_argument)
            return agreed.error();
        else
            spdlog::error("{}", to_string(agreed.error()));
        keeper->serve(first.keys.cache);
        keeper->start();
        store = std::make_unique<keys::StoreThread>(std::move(opened), *first.keys.cache);
        return {};
    }

    /// Once a second until it is allowed.
    void ask_for_peppers() {
        if (!keeper || keeper->is_allowed() || is_stopping) return;
        agreement.expires_after(std::chrono::seconds{1});
        agreement.async_wait([this](const boost::system::error_code& error) {
            if (error || is_stopping) return;
            store->submit([this, snapshot = reloader.serving().snapshot](keys::KeyStore& keys,
                                                                         keys::LiveKeys&) {
                const auto agreed = snapshot->peppers.agree_with(keys);
                if (agreed)
                    keeper->allow();
                else if (agreed.error().error == boost::system::errc::invalid_argument)
                    spdlog::error("{}", to_string(agreed.error()));
                // Only then the next: a store that is slow gets no queue.
                asio::post(control, [this] { ask_for_peppers(); });
            });
        });
    }

    Result<void> open_status() {
        const Serving first = reloader.serving();
        const config::Settings& settings = first.snapshot->settings;
        if (!settings.status) return {};
        auto server = make_server(
            control,
            admin::status_pages({.checks =
                                     [this] {
                                         return std::vector<admin::ReadyCheck>{
                                             store_check(keeper.get()),
                                             limits_check(workers),
                                             {.name = "draining",
                                              .is_passing = !is_draining,
                                              .detail = is_draining ? "the process was told to stop"
                                                                    : ""}};
                                     },
                                 .metrics = [this] { return metrics.text(); }}));
        if (const auto listening = server->listen(*settings.status); !listening)
            return listening.error();
        status_port = server->port();
        servers.push_back(std::move(server));
        return {};
    }

    /// Of the configuration that is served now, which lives as long as the context.
    [[nodiscard]] std::shared_ptr<const admin::Context> context() {
        struct Owned {
            std::shared_ptr<const gate::Snapshot> snapshot;
            admin::Context context;
        };

        auto snapshot = reloader.serving().snapshot;
        const auto owned = std::make_shared<const Owned>(
            Owned{snapshot,
                  {.settings = snapshot->settings,
                   .catalog = *snapshot->catalog,
                   .peppers = snapshot->peppers,
                   .store = *store,
                   .clock = clock,
                   .counters = &counters,
                   .reload =
                       [this](std::function<void(admin::ReloadOutcome)> done) {
                           reloader.begin(std::move(done));
                       },
                   .seals = &snapshot->seals}});
        return {owned, &owned->context};
    }

    Result<void> open_admin() {
        const Serving first = reloader.serving();
        const config::Settings& settings = first.snapshot->settings;
        api = std::make_unique<admin::Api>([this] { return context(); });
        own_keys = std::make_unique<admin::OwnKeys>(
            control.get_executor(), [this] { return context(); },
            [](const std::string& line) { spdlog::info("{}", line); });
        auto access = admin::read_access(settings.admin);
        if (!access) return access.error();
        guard = std::make_unique<admin::Guard>(
            [this](admin::Request request) { return api->handle(std::move(request)); },
            std::move(*access), clock, [](const std::string& line) { spdlog::info("{}", line); });
        // The command line's way in; the file's mode is the guard.
        auto local = make_server(control, guard->handler());
        if (const auto listening = local->listen_local(admin::socket_of(settings)); !listening)
            return listening.error();
        servers.push_back(std::move(local));
        if (!settings.admin || !settings.admin->address) return {};
        auto server = make_server(control, guard->handler());
        if (const auto listening = server->listen(*settings.admin->address); !listening)
            return listening.error();
        admin_port = server->port();
        servers.push_back(std::move(server));
        return {};
    }

    Result<void> open_workers() {
        const Serving first = reloader.serving();
        const config::Settings& settings = first.snapshot->settings;
        const std::size_t threads = thread_count(settings);
        std::vector<std::vector<int>> sockets(threads);
        for (const config::Listener& listener : settings.listeners) {
            auto opened = open_listeners(listener.address, threads);
            if (!opened) {
                for (const auto& row : sockets)
                    for (const int descriptor : row)
                        ::close(descriptor);
                return opened.error();
            }
            ports.push_back(net::port_of(opened->front()));
            for (std::size_t i = 0; i < threads; ++i)
                sockets[i].push_back((*opened)[i]);
        }
        const Now now = clock.now();
        const auto labels = route_labels(*first.snapshot);
        const auto subjects = route_subjects(*first.snapshot, routes);
        const std::string process = random_name();
        for (std::size_t i = 0; i < threads; ++i)
            workers.push_back(std::make_unique<Worker>(
                Shared{.clock = clock,
                       .counters = counters,
                       .addresses = addresses,
                       .admission = admission,
                       .metrics = metrics,
                       .usage = usage,
                       .answers = *own_keys,
                       .access_log = *access_log,
                       .keeper = keeper.get(),
                       .redis = store_settings.redis ? &*store_settings.redis : nullptr,
                       .process = process,
                       .limiter_offset =
                           now.wall.time_since_epoch() - now.steady.time_since_epoch()},
                Duty{first.snapshot, first.keys, metrics.routes(i, labels), subjects}, i,
                std::move(sockets[i])));
        return {};
    }

    /// Answers what operators have asked, then closes their side.
    void close_control() {
        const auto on_control = [this](auto&& act) {
            for (auto& server : servers)
                asio::post(control, [&act, server = server.get()] { act(*server); });
        };
        std::vector<std::future<void>> done;
        const auto stop = [](admin::HttpServer& server) { server.stop(); };
        const auto cancel = [](admin::HttpServer& server) { server.cancel(); };
        on_control(stop);
        asio::post(control, [this] {
            usage.stop();
            is_stopping = true;
            agreement.cancel();
        });
        for (auto& server : servers)
            done.push_back(asio::co_spawn(control, server->drained(), asio::use_future));
        if (own_keys)
            done.push_back(asio::co_spawn(control, own_keys->drained(), asio::use_future));
        const auto until = std::chrono::steady_clock::now() + operators_grace;
        for (auto& one : done)
            one.wait_until(until);
        on_control(cancel);
        for (auto& one : done)
            one.wait();
        control_work.reset();
        control_thread.join();
        servers.clear();
    }

    /// True if somebody was in a hurry.
    bool wait_for(std::chrono::milliseconds time) {
        std::unique_lock lock{hurry_mutex};
        return hurried.wait_for(lock, time, [this] { return is_hurried; });
    }
};

Result<std::unique_ptr<Gateway>> Gateway::start(config::Settings settings, const Clock& clock) {
    auto log = observe::AccessLog::open(settings.log.access);
    if (!log) return log.error();
    auto snapshot = gate::Snapshot::make(std::move(settings));
    if (!snapshot) return snapshot.error();
    tell_warnings(**snapshot);
    std::unique_ptr<Gateway> gateway{
        new Gateway{std::make_unique<State>(std::move(*snapshot), clock, std::move(*log))}};
    State& state = *gateway->state_;
    state.add_metrics();
    const auto serving = state.reloader.serving().snapshot;
    state.upstreams.prepare(*serving);
    state.upstreams.serve(serving);
    for (const auto step :
         {&State::open_store, &State::open_status, &State::open_admin, &State::open_workers})
        if (const auto done = (state.*step)(); !done) return done.error();
    state.reloader.start(
        {*state.store, state.keeper.get(), state.spent, state.workers, state.counters, state.routes,
         state.admission, state.metrics, state.upstreams, [&state](admin::Access access) {
             asio::post(state.control, [&state, access = std::move(access)]() mutable {
                 state.guard->replace(std::move(access));
             });
         }});
    state.usage.start(*state.store);
    state.ask_for_peppers();
    state.control_thread = std::thread{[&state] { state.control.run(); }};
    return gateway;
}

Gateway::Gateway(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

Gateway::~Gateway() {
    // First: who reloads waits for the workers.
    state_->reloader.stop();
    for (auto& worker : state_->workers)
        worker->stop();
    // It answers workers, so it is silent before they are gone.
    if (state_->keeper) state_->keeper->stop();
    state_->workers.clear();
    // A start that failed half way has no thread on the operator's side yet.
    if (!state_->control_thread.joinable())
        state_->control_thread = std::thread{[this] { state_->control.run(); }};
    state_->close_control();
    state_->usage.write_rest();
    state_->store.reset();
}

void Gateway::reload(std::function<void(admin::ReloadOutcome)> done) {
    state_->reloader.begin(std::move(done));
}

void Gateway::drain() {
    state_->reloader.refuse();
    const config::Drain limits = state_->reloader.serving().snapshot->settings.drain;
    state_->is_draining = true;
    if (state_->wait_for(limits.delay)) return;
    std::vector<std::future<void>> begun;
    for (auto& worker : state_->workers)
        begun.push_back(worker->drain());
    for (auto& one : begun)
        one.wait();
    const auto until = std::chrono::steady_clock::now() + limits.timeout;
    while (state_->admission.open() != 0 && std::chrono::steady_clock::now() < until)
        if (state_->wait_for(drain_look)) return;
}

void Gateway::hurry() {
    {
        const std::lock_guard lock{state_->hurry_mutex};
        state_->is_hurried = true;
    }
    state_->hurried.notify_all();
}

const std::vector<std::uint16_t>& Gateway::ports() const {
    return state_->ports;
}

std::uint16_t Gateway::status_port() const {
    return state_->status_port;
}

std::uint16_t Gateway::admin_port() const {
    return state_->admin_port;
}

std::size_t Gateway::keys() const {
    return state_->reloader.serving().keys.size();
}

} // namespace keygate::app
