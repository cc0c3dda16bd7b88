#include "config/print_route.hpp"

#include "config/print_cors.hpp"
#include "config/print_limits.hpp"
#include "config/read_route.hpp"
#include "config/tree.hpp"

namespace keygate::config {

namespace {

std::string scopes_yaml(const Printer& out, const std::vector<std::string>& scopes,
                        const std::string& path) {
    return flow_list(scopes, [&](const std::string& name, std::size_t i) {
        Paths paths{item_path(path, i)};
        if (i == 0) paths.push_back(path);
        return out.value(paths, name);
    });
}

/// Who may pass: its name in a mapping and its value.
std::pair<std::string, std::string> access_yaml(const Printer& out, const Route& route,
                                                const std::string& path) {
    if (route.reply != Reply::none) {
        std::string answer = out.value({path + ".answer"}, to_string(route.reply));
        if (!route.scopes.empty())
            answer += ", require_scope: " + scopes_yaml(out, route.scopes, path + ".require_scope");
        return {"answer", std::move(answer)};
    }
    if (route.access != Access::scope)
        return {"access", out.value({path, path + ".access"},
                                    route.access == Access::open ? "public" : "key")};
    const auto scope = [&](const std::string& name, std::size_t i) {
        Paths paths{item_path(path, i), item_path(path + ".all_scopes", i),
                    item_path(path + ".any_scope", i)};
        if (i == 0) paths.insert(paths.end(), {path, path + ".scope"});
        return out.value(paths, name);
    };
    if (route.scopes.size() == 1) return {"scope", scope(route.scopes.front(), 0)};
    return {route.need == Need::any ? "any_scope" : "all_scopes", flow_list(route.scopes, scope)};
}

/// `v2`, or `{live: v2, test: v2_test}`.
std::string upstream_yaml(const Printer& out, const Route& route, const std::string& path) {
    const std::string live = path + ".live";
    if (route.test_upstream.empty()) return out.value({path, live}, route.live_upstream);
    return "{live: " + out.value({live}, route.live_upstream) +
           ", test: " + out.value({path + ".test"}, route.test_upstream) + "}";
}

std::string rewrite_yaml(const Printer& out, const Rewrite& rewrite, const std::string& path) {
    return "{prefix: " + out.value({path + ".prefix"}, rewrite.prefix) +
           ", with: " + out.value({path + ".with"}, rewrite.with) + "}";
}

/// Empty if there are none.
std::string timeouts_yaml(const Printer& out, const RouteTimeouts& timeouts,
                          const std::string& path) {
    std::string members;
    const auto add = [&](std::string_view name, const std::optional<milliseconds>& time) {
        if (!time) return;
        members += (members.empty() ? "" : ", ") + std::string{name} + ": " +
                   out.value({child_path(path, name)}, duration_text(*time));
    };
    add("first_byte", timeouts.first_byte);
    add("idle", timeouts.idle);
    add("total", timeouts.total);
    return members.empty() ? members : "{" + members + "}";
}

/// Where it leads and how, as members of a flow mapping, each with `, ` before it.
std::string way_yaml(const Printer& out, const Route& route, const std::string& path) {
    std::string yaml;
    if (!route.live_upstream.empty())
        yaml += ", upstream: " + upstream_yaml(out, route, path + ".upstream");
    if (route.rewrite) yaml += ", rewrite: " + rewrite_yaml(out, *route.rewrite, path + ".rewrite");
    const std::string timeouts = timeouts_yaml(out, route.timeouts, path + ".timeouts");
    if (!timeouts.empty()) yaml += ", timeouts: " + timeouts;
    if (route.max_body)
        yaml += ", max_body: " + out.value({path + ".max_body"}, size_text(*route.max_body));
    return yaml;
}

} // namespace

void print_route(Printer& out, const Route& route, const Api& api) {
    const std::string path = child_path(out.here(), route.text);
    std::string more;
    const auto add = [&](std::string_view name, std::string_view text) {
        more += ", " + std::string{name} + ": " + out.value({child_path(path, name)}, text);
    };
    if (route.pass_authorization) add("authorization", "pass");
    if (route.is_optional) add("auth", "optional");
    if (route.weight != 1) add("weight", std::to_string(route.weight));
    if (!route.meter.empty()) add("meter", route.meter);
    more += way_yaml(out, route, path);
    more += route_limits_yaml(out, route, path);
    more += route_cors_yaml(out, route.cors, api.cors, path);
    const auto [name, access] = access_yaml(out, route, path);
    // Without anything else the short forms say it.
    const bool is_short = more.empty() && name != "any_scope" && name != "answer";
    out.line(route.text, is_short ? access : "{" + name + ": " + access + more + "}");
}

} // namespace keygate::config
