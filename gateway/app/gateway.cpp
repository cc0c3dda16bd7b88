#include "app/gateway.hpp"

#include "admin/access.hpp"
#include "admin/api.hpp"
#include "admin/client.hpp"
#include "admin/http_server.hpp"
#include "admin/status_pages.hpp"
#include "app/worker.hpp"
#include "keys/fill.hpp"
#include "keys/sqlite_store.hpp"
#include "keys/store_thread.hpp"
#include "net/listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
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

std::size_t most_rates(const config::Settings& settings) {
    std::size_t most = 0;
    for (const config::Api& api : settings.apis)
        for (const config::Plan& plan : api.plans)
            most = std::max(most, plan.rates.size());
    return most;
}

std::vector<observe::Metrics::RouteLabel> route_labels(const gate::Snapshot& snapshot) {
    std::vector<observe::Metrics::RouteLabel> labels(snapshot.routes.all().size());
    for (const policy::Route& route : snapshot.routes.all())
        labels[route.number] = {.api = snapshot.settings.apis[route.api].name, .route = route.name};
    return labels;
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
    State(std::shared_ptr<const gate::Snapshot> compiled, const Clock& time,
          std::unique_ptr<observe::AccessLog> log)
        : snapshot(std::move(compiled))
        , clock(time)
        , access_log(std::move(log))
        , table(snapshot->catalog)
        , counters(most_rates(snapshot->settings))
        , admission(snapshot->settings.client.max_connections,
                    snapshot->settings.client.max_connections_per_address)
        , metrics(route_labels(*snapshot), thread_count(snapshot->settings))
        , control_work(asio::make_work_guard(control)) {}

    std::shared_ptr<const gate::Snapshot> snapshot;
    const Clock& clock;
    std::unique_ptr<observe::AccessLog> access_log;
    keys::Table table;
    limit::Counters counters;
    net::Admission admission;
    observe::Metrics metrics;
    std::unique_ptr<keys::StoreThread> store;

    // The operator's side: one thread for admin API, health and metrics.
    asio::io_context control{1};
    asio::executor_work_guard<asio::io_context::executor_type> control_work;
    std::unique_ptr<admin::Api> api;
    std::unique_ptr<admin::Guard> guard; // before the API
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

    void add_metrics() {
        metrics.add("keygate_keys", "Keys in the table.",
                    [this] { return static_cast<double>(table.size()); });
        metrics.add(
            "keygate_keys_unreadable",
            "Keys whose record the configuration cannot read: they are answered store_invalid.",
            [this] { return static_cast<double>(table.unreadable()); });
        metrics.add("keygate_access_log_dropped_total", "Lines that the access log lost.",
                    [this] { return static_cast<double>(access_log->dropped()); });
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

    Result<void> open_store() {
        const config::Settings& settings = snapshot->settings;
        auto opened = keys::open_sqlite_store(settings.store.file);
        if (!opened) return opened.error();
        if (const auto agreed = snapshot->peppers.agree_with(**opened); !agreed)
            return agreed.error();
        if (const auto filled = keys::fill(**opened, table); !filled) return filled.error();
        store = std::make_unique<keys::StoreThread>(std::move(*opened), table);
        return {};
    }

    Result<void> open_status() {
        const config::Settings& settings = snapshot->settings;
        if (!settings.status) return {};
        auto server = std::make_unique<admin::HttpServer>(
            control.get_executor(),
            admin::status_pages({.checks =
                                     [this] {
                                         return std::vector<admin::ReadyCheck>{
                                             {.name = "store", .is_passing = true, .detail = {}},
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

    Result<void> open_admin() {
        const config::Settings& settings = snapshot->settings;
        api = std::make_unique<admin::Api>(admin::Context{.settings = settings,
                                                          .catalog = *snapshot->catalog,
                                                          .peppers = snapshot->peppers,
                                                          .store = *store,
                                                          .clock = clock});
        auto access = admin::read_access(settings.admin);
        if (!access) return access.error();
        guard = std::make_unique<admin::Guard>(
            [this](admin::Request request) { return api->handle(std::move(request)); },
            std::move(*access), clock, [](const std::string& line) { spdlog::info("{}", line); });
        // The command line's way in; the file's mode is the guard.
        auto local = std::make_unique<admin::HttpServer>(control.get_executor(), guard->handler());
        if (const auto listening = local->listen_local(admin::socket_of(settings)); !listening)
            return listening.error();
        servers.push_back(std::move(local));
        if (!settings.admin || !settings.admin->address) return {};
        auto server = std::make_unique<admin::HttpServer>(control.get_executor(), guard->handler());
        if (const auto listening = server->listen(*settings.admin->address); !listening)
            return listening.error();
        admin_port = server->port();
        servers.push_back(std::move(server));
        return {};
    }

    Result<void> open_workers() {
        const std::size_t threads = thread_count(snapshot->settings);
        std::vector<std::vector<int>> sockets(threads);
        for (const config::Listener& listener : snapshot->settings.listeners) {
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
        for (std::size_t i = 0; i < threads; ++i)
            workers.push_back(
                std::make_unique<Worker>(Shared{.clock = clock,
                                                .snapshot = snapshot,
                                                .table = table,
                                                .counters = counters,
                                                .admission = admission,
                                                .metrics = metrics,
                                                .access_log = *access_log,
                                                .limiter_offset = now.wall.time_since_epoch() -
                                                                  now.steady.time_since_epoch()},
                                         i, std::move(sockets[i])));
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
        for (auto& server : servers)
            done.push_back(asio::co_spawn(control, server->drained(), asio::use_future));
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
    std::unique_ptr<Gateway> gateway{
        new Gateway{std::make_unique<State>(std::move(*snapshot), clock, std::move(*log))}};
    State& state = *gateway->state_;
    state.add_metrics();
    for (const auto step :
         {&State::open_store, &State::open_status, &State::open_admin, &State::open_workers})
        if (const auto done = (state.*step)(); !done) return done.error();
    state.control_thread = std::thread{[&state] { state.control.run(); }};
    return gateway;
}

Gateway::Gateway(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

Gateway::~Gateway() {
    for (auto& worker : state_->workers)
        worker->stop();
    state_->workers.clear();
    // A start that failed half way has no thread on the operator's side yet.
    if (!state_->control_thread.joinable())
        state_->control_thread = std::thread{[this] { state_->control.run(); }};
    state_->close_control();
    state_->store.reset();
}

void Gateway::drain() {
    const config::Drain& limits = state_->snapshot->settings.drain;
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
    return state_->table.size();
}

} // namespace keygate::app
