#include "config/print_upstream.hpp"

#include "config/addresses.hpp"
#include "config/print_tls.hpp"
#include "config/read_health.hpp"
#include "config/read_tls.hpp"
#include "config/read_upstream.hpp"
#include "config/text.hpp"
#include "config/tree.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

std::string server_yaml(const Printer& out, const Server& server, const std::string& path) {
    Server shown = server;
    shown.path = out.written(server.path);
    std::string url = out.value({path, path + ".url"}, server_text(shown));
    if (server.weight == 1) return url;
    return "{url: " + url +
           ", weight: " + out.value({path + ".weight"}, std::to_string(server.weight)) + "}";
}

void print_statuses(Printer& out, const std::vector<std::uint16_t>& statuses) {
    if (statuses.empty()) return;
    const std::string path = child_path(out.here(), "statuses");
    out.line("statuses", flow_list(statuses, [&](std::uint16_t status, std::size_t i) {
                 return out.value({item_path(path, i)}, std::to_string(status));
             }));
}

void print_percentage(Printer& out, std::string_view name, std::uint32_t value) {
    out.field(name, std::to_string(value) + "%");
}

void print_tls(Printer& out, const Upstream& upstream) {
    const auto is_https = [](const Server& server) {
        return server.scheme == Server::Scheme::https;
    };
    if (!std::any_of(upstream.servers.begin(), upstream.servers.end(), is_https)) return;
    out.open("tls");
    print_tls_files(out, upstream.tls);
    out.field("min_version", word_of(upstream.tls.min_version, tls_version_words));
    out.close();
}

void print_host(Printer& out, const HostPolicy& host) {
    using Kind = HostPolicy::Kind;
    if (host.kind == Kind::fixed) return out.field("host", host.name);
    out.field("host", host.kind == Kind::pass ? "pass" : "server");
}

void print_room(Printer& out, const Upstream& upstream) {
    if (upstream.max_connections) out.number("max_connections", *upstream.max_connections);
    if (upstream.queue.max == 0) return;
    out.open("queue");
    out.number("max", upstream.queue.max);
    out.duration("timeout", upstream.queue.timeout);
    out.close();
}

void print_retries(Printer& out, const Retries& retries) {
    out.open("retries");
    out.number("attempts", retries.attempts);
    std::vector<std::string> causes;
    for (const auto& [word, cause] : retry_words)
        if (retries.*cause) causes.emplace_back(word);
    // In clear: which of them came from where is not known any more, and all of them are words.
    if (!causes.empty()) out.line("on", "[" + joined(causes) + "]");
    print_statuses(out, retries.statuses);
    print_percentage(out, "budget", retries.budget);
    out.close();
}

void print_ejection(Printer& out, const Ejection& ejection) {
    if (ejection.failures == 0) return out.field("ejection", "off");
    out.open("ejection");
    out.number("failures", ejection.failures);
    out.duration("time", ejection.time);
    out.duration("max_time", ejection.max_time);
    print_statuses(out, ejection.statuses);
    out.close();
}

void print_check(Printer& out, const HealthCheck& check) {
    out.open("check");
    out.field("path", check.path);
    if (!check.host.empty()) out.field("host", check.host);
    out.duration("interval", check.interval);
    out.duration("timeout", check.timeout);
    print_statuses(out, check.statuses);
    out.number("passes", check.passes);
    out.number("failures", check.failures);
    out.close();
}

void print_breaker(Printer& out, const Breaker& breaker) {
    out.open("breaker");
    print_percentage(out, "failures", breaker.failures);
    out.number("requests", breaker.requests);
    out.duration("window", breaker.window);
    out.duration("open", breaker.open);
    out.number("trials", breaker.trials);
    out.close();
}

void print_upstream(Printer& out, std::string_view name, const Upstream& upstream) {
    out.open(name);
    const std::string path = child_path(out.here(), "servers");
    out.line("servers", flow_list(upstream.servers, [&](const Server& server, std::size_t i) {
                 return server_yaml(out, server, item_path(path, i));
             }));
    out.field("balance", word_of(upstream.balance, balance_words));
    print_tls(out, upstream);
    print_host(out, upstream.host);
    print_room(out, upstream);
    print_retries(out, upstream.retries);
    print_ejection(out, upstream.ejection);
    if (upstream.check) print_check(out, *upstream.check);
    if (upstream.breaker) print_breaker(out, *upstream.breaker);
    if (upstream.total_timeout) out.duration("total_timeout", *upstream.total_timeout);
    out.duration("connect_timeout", upstream.connect_timeout);
    out.duration("first_byte_timeout", upstream.first_byte_timeout);
    out.duration("idle_timeout", upstream.idle_timeout);
    out.duration("tunnel_timeout", upstream.tunnel_timeout);
    out.duration("keep_alive", upstream.keep_alive);
    out.number("max_idle", upstream.max_idle);
    out.close();
}

} // namespace

void print_upstreams(Printer& out, const Api& api) {
    out.open("upstreams");
    print_upstream(out, "live", api.live);
    if (api.test) print_upstream(out, "test", *api.test);
    for (const NamedUpstream& other : api.others)
        print_upstream(out, other.name, other.upstream);
    out.close();
}

} // namespace keygate::config
