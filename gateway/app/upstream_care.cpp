#include "app/upstream_care.hpp"

#include <spdlog/spdlog.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace keygate::app {

namespace {

using Labelled = observe::Metrics::Labelled;

void warn(const std::string& text) {
    spdlog::warn("{}", text);
}

/// One value for each server as it is configured: a name may stand for several addresses.
std::vector<Labelled>
of_servers(const gate::Snapshot& snapshot,
           const std::function<double(double so_far, const proxy::Server& server)>& add) {
    std::vector<Labelled> all;
    for (const auto& upstream : snapshot.upstreams) {
        std::map<std::string, double> values;
        for (const config::Server& server : upstream->settings().servers)
            values[proxy::name_of(server)] = 0;
        const auto servers = upstream->servers();
        for (const auto& server : *servers)
            values[server->name] = add(values[server->name], *server);
        for (auto& [name, value] : values)
            all.push_back({.labels = {{"api", upstream->api()},
                                      {"upstream", upstream->name()},
                                      {"server", name}},
                           .value = value});
    }
    return all;
}

double is_available(double so_far, const proxy::Server& server) {
    const auto state = server.standing->state(std::chrono::steady_clock::now());
    const bool is_in = state == proxy::Standing::State::in || state == proxy::Standing::State::due;
    return is_in ? 1 : so_far;
}

double add_ejections(double so_far, const proxy::Server& server) {
    return so_far + static_cast<double>(server.standing->ejections());
}

std::vector<Labelled> of_upstreams(const gate::Snapshot& snapshot,
                                   const std::function<double(const proxy::Upstream&)>& value) {
    std::vector<Labelled> all;
    for (const auto& upstream : snapshot.upstreams)
        all.push_back({.labels = {{"api", upstream->api()}, {"upstream", upstream->name()}},
                       .value = value(*upstream)});
    return all;
}

} // namespace

UpstreamCare::UpstreamCare(const Clock& clock)
    : resolver_(warn)
    , checker_(clock, warn) {}

void UpstreamCare::prepare(const gate::Snapshot& snapshot) {
    resolver_.serve(snapshot.settings.dns, snapshot.upstreams);
}

void UpstreamCare::serve(std::shared_ptr<const gate::Snapshot> snapshot) {
    checker_.serve(snapshot->upstreams);
    const std::lock_guard lock{mutex_};
    served_ = std::move(snapshot);
}

std::shared_ptr<const gate::Snapshot> UpstreamCare::served() const {
    const std::lock_guard lock{mutex_};
    return served_;
}

void UpstreamCare::add_metrics(observe::Metrics& metrics) {
    const auto servers = [this](auto add) {
        return [this, add] {
            const auto snapshot = served();
            return snapshot ? of_servers(*snapshot, add) : std::vector<Labelled>{};
        };
    };
    const auto upstreams = [this](auto value) {
        return [this, value] {
            const auto snapshot = served();
            return snapshot ? of_upstreams(*snapshot, value) : std::vector<Labelled>{};
        };
    };
    metrics.add_family("keygate_upstream_server_available",
                       "Whether a server gets requests: it is not left out, and its check says "
                       "that it is well.",
                       servers(is_available));
    metrics.add_family("keygate_upstream_ejections_total",
                       "How often a server was left out because its requests failed.",
                       servers(add_ejections));
    metrics.add_family("keygate_upstream_queue_waiting", "Requests that wait for a connection.",
                       upstreams([](const auto& upstream) {
                           const auto* const slots = upstream.slots();
                           return slots ? static_cast<double>(slots->waiting()) : 0.0;
                       }));
    metrics.add_family("keygate_upstream_queue_refused_total",
                       "Requests that found no place to wait in.",
                       upstreams([](const auto& upstream) {
                           const auto* const slots = upstream.slots();
                           return slots ? static_cast<double>(slots->refused()) : 0.0;
                       }));
    metrics.add_family("keygate_upstream_breaker_opened_total",
                       "How often an upstream was left alone because its requests failed.",
                       upstreams([](const auto& upstream) {
                           return static_cast<double>(upstream.breaker_openings());
                       }));
    metrics.add("keygate_dns_failures_total", "Names of upstreams that could not be looked up.",
                [this] { return static_cast<double>(resolver_.failures()); });
}

} // namespace keygate::app
