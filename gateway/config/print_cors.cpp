#include "config/print_cors.hpp"

#include "config/tree.hpp"

#include <vector>

namespace keygate::config {

namespace {

std::string list_yaml(const Printer& out, const std::vector<std::string>& texts,
                      const std::string& path) {
    return flow_list(texts, [&](const std::string& text, std::size_t i) {
        return out.value({item_path(path, i)}, text);
    });
}

std::string origins_yaml(const Printer& out, const Cors& cors, const std::string& path) {
    return cors.any_origin ? out.value({path}, "*") : list_yaml(out, cors.origins, path);
}

std::string preflight_of(const Cors& cors) {
    return cors.answers_preflight ? "answer" : "pass";
}

/// The members that are not what they would be without: those were written in the route.
std::string changes_yaml(const Printer& out, const Cors& cors, const Cors& base,
                         const std::string& path) {
    std::string members;
    const auto add = [&](std::string_view name, const std::string& yaml) {
        members += (members.empty() ? "" : ", ") + std::string{name} + ": " + yaml;
    };
    const auto value = [&](std::string_view name, const std::string& text) {
        add(name, out.value({child_path(path, name)}, text));
    };
    if (cors.any_origin != base.any_origin || cors.origins != base.origins)
        add("origins", origins_yaml(out, cors, path + ".origins"));
    if (cors.headers && cors.headers != base.headers)
        add("headers", list_yaml(out, *cors.headers, path + ".headers"));
    if (cors.expose != base.expose) add("expose", list_yaml(out, cors.expose, path + ".expose"));
    if (cors.max_age != base.max_age) value("max_age", duration_text(cors.max_age));
    if (cors.credentials != base.credentials)
        value("credentials", cors.credentials ? "true" : "false");
    if (cors.answers_preflight != base.answers_preflight) value("preflight", preflight_of(cors));
    return "{" + members + "}";
}

} // namespace

void print_cors(Printer& out, const Cors& cors) {
    out.open("cors");
    out.line("origins", origins_yaml(out, cors, child_path(out.here(), "origins")));
    if (cors.headers) out.list("headers", *cors.headers);
    if (!cors.expose.empty()) out.list("expose", cors.expose);
    out.duration("max_age", cors.max_age);
    out.flag("credentials", cors.credentials);
    out.field("preflight", preflight_of(cors));
    out.close();
}

std::string route_cors_yaml(const Printer& out, const std::optional<Cors>& route,
                            const std::optional<Cors>& api, const std::string& path) {
    if (route == api) return {};
    const std::string here = path + ".cors";
    return ", cors: " + (route ? changes_yaml(out, *route, api.value_or(Cors{}), here)
                               : out.value({here}, "off"));
}

} // namespace keygate::config
