// Settings back to YAML (printer.hpp).

#include "config/addresses.hpp"
#include "config/load.hpp"
#include "config/print_cors.hpp"
#include "config/print_limits.hpp"
#include "config/print_network.hpp"
#include "config/print_profile.hpp"
#include "config/print_route.hpp"
#include "config/print_tls.hpp"
#include "config/print_upstream.hpp"
#include "config/printer.hpp"
#include "config/read_recoverable.hpp"
#include "config/redis_url.hpp"
#include "config/tree.hpp"

namespace keygate::config {

namespace {

void print_plan(Printer& out, const Plan& plan, const std::string& zone) {
    out.open(plan.name);
    out.flag("api_access", plan.api_access);
    if (plan.scopes) out.list("scopes", *plan.scopes);
    if (plan.routes) out.list("routes", *plan.routes);
    if (!plan.gauges.empty()) {
        out.open("gauges");
        for (const Gauge& gauge : plan.gauges)
            out.number(gauge.name, gauge.limit);
        out.close();
    }
    print_limits(out, plan, zone);
    out.close();
}

/// What keys may do beside what their scopes say, and what of the path they belong to.
void print_rights(Printer& out, const Api& api) {
    if (!api.implies.empty()) {
        out.open("implies");
        for (const Implication& one : api.implies)
            out.list(one.scope, one.implied);
        out.close();
    }
    if (api.bind.empty()) return;
    out.open("bind");
    for (const Binding& one : api.bind)
        out.field(one.parameter, one.is_owner ? "owner" : "key." + one.name);
    out.close();
}

void print_api(Printer& out, const Api& api, bool has_redis) {
    out.open(api.name);
    print_profile(out, api);
    if (!api.hosts.empty()) out.list("hosts", api.hosts);
    if (api.scopes) out.list("scopes", *api.scopes);
    print_rights(out, api);
    print_api_limits(out, api, has_redis);
    if (!api.plans.empty()) {
        out.open("plans");
        for (const Plan& plan : api.plans)
            print_plan(out, plan, api.limits.zone);
        out.close();
    }
    if (api.default_plan) out.field("default_plan", *api.default_plan);
    print_upstreams(out, api);
    if (!api.trailers.empty()) out.list("trailers", api.trailers);
    if (api.recoverable) print_recoverable(out, *api.recoverable);
    out.field("trailing_slash", api.trailing_slash == TrailingSlash::strict ? "strict" : "ignore");
    out.flag("terminate_streams", api.terminate_streams);
    if (api.cors) print_cors(out, *api.cors);
    out.open("routes");
    for (const Route& route : api.routes)
        print_route(out, route, api);
    out.close();
    out.close();
}

void print_client(Printer& out, const ClientLimits& client) {
    out.open("client");
    out.number("max_connections", client.max_connections);
    if (client.max_connections_per_address)
        out.number("max_connections_per_address", *client.max_connections_per_address);
    out.size("max_head", client.max_head);
    out.number("max_fields", client.max_fields);
    out.size("max_target", client.max_target);
    if (client.max_body) out.size("max_body", *client.max_body);
    out.duration("head_timeout", client.head_timeout);
    out.duration("idle_timeout", client.idle_timeout);
    out.duration("body_timeout", client.body_timeout);
    out.duration("write_timeout", client.write_timeout);
    out.field("expect", client.expect == Expect::forward ? "forward" : "answer");
    out.close();
}

void print_redis_tls(Printer& out, const RedisTls& tls) {
    if (tls.ca.empty() && tls.certificate.empty() && tls.server_name.empty()) return;
    out.open("tls");
    print_tls_files(out, tls);
    out.close();
}

void print_redis(Printer& out, const Redis& redis) {
    out.open("redis");
    const Paths url_paths{child_path(out.here(), "url"), out.here()};
    Redis shown = redis;
    shown.path = out.written(redis.path);
    out.line("url", out.value(url_paths, redis_url_text(shown)));
    if (!redis.user.empty() && !redis.is_user_hidden) out.field("user", redis.user);
    if (out.is_masked(child_path(out.here(), "password"))) out.field("password", {});
    if (!redis.password_file.empty()) out.path("password_file", redis.password_file);
    print_redis_tls(out, redis.tls);
    out.field("client_name", redis.client_name);
    out.duration("timeout", redis.timeout);
    out.duration("command_timeout", redis.command_timeout);
    out.number("max_keys", redis.max_keys);
    out.number("max_unknown", redis.max_unknown);
    out.close();
}

void print_store(Printer& out, const Store& store) {
    out.open("store");
    if (store.redis) {
        print_redis(out, *store.redis);
        out.duration("revocation_bound", store.revocation_bound);
        out.duration("stale_while_down", store.stale_while_down);
        out.flag("external_writers", store.external_writers);
    } else {
        out.path("file", store.file);
    }
    out.close();
}

void print_peppers(Printer& out, const std::vector<Pepper>& peppers) {
    out.open("peppers");
    for (std::size_t i = 0; i < peppers.size(); ++i) {
        out.open_item(i);
        out.field("name", peppers[i].name);
        out.path("file", peppers[i].file);
        out.close();
    }
    out.close();
}

void print_admin(Printer& out, const Admin& admin) {
    out.open("admin");
    out.field("address",
              admin.address ? endpoint_text(*admin.address) : "unix:" + out.written(admin.socket));
    if (admin.token_file) out.path("token_file", *admin.token_file);
    if (!admin.tokens.empty()) {
        out.open("tokens");
        for (std::size_t i = 0; i < admin.tokens.size(); ++i) {
            out.open_item(i);
            out.field("name", admin.tokens[i].name);
            out.field("role", to_string(admin.tokens[i].role));
            out.field("digest", admin.tokens[i].digest);
            out.close();
        }
        out.close();
    }
    if (!admin.hosts.empty()) out.list("hosts", admin.hosts);
    out.close();
}

/// The sections about the process itself.
void print_process(Printer& out, const Settings& settings) {
    print_store(out, settings.store);
    if (!settings.peppers.empty()) print_peppers(out, settings.peppers);
    if (settings.admin) print_admin(out, *settings.admin);
    if (settings.status) {
        out.open("status");
        out.field("address", endpoint_text(*settings.status));
        out.close();
    }
    out.open("log");
    out.field("level", settings.log.level);
    out.path("access", settings.log.access);
    out.close();
    out.open("drain");
    out.duration("delay", settings.drain.delay);
    out.duration("timeout", settings.drain.timeout);
    out.close();
    out.open("identity");
    out.field("prefix", settings.identity.prefix);
    out.close();
    out.field("via", settings.via);
}

} // namespace

std::string print(const Settings& settings) {
    Printer out{settings};
    out.number("version", 1);
    out.number("threads", settings.threads);
    print_listeners(out, settings.listeners);
    print_network(out, settings);
    print_client(out, settings.client);
    print_process(out, settings);
    out.open("apis");
    for (const Api& api : settings.apis)
        print_api(out, api, settings.store.redis.has_value());
    out.close();
    return out.take();
}

} // namespace keygate::config
