#include "config/ties.hpp"

#include "config/pattern.hpp"
#include "config/text.hpp"
#include "config/tree.hpp"

#include <map>
#include <set>
#include <unordered_map>

namespace keygate::config {

namespace {

struct Placed {
    const Api* api;
    const Route* route;
};

using Pair = std::pair<const Route*, const Route*>;

/// The shapes that a route takes: with `trailing_slash: ignore` `/a` takes `/a/` too, and the
/// reverse.
std::vector<std::string> shapes_of(const Route& route, TrailingSlash slash) {
    std::string shape = shape_of(route.pattern);
    if (slash == TrailingSlash::strict || shape == "/" || shape.ends_with("/**")) return {shape};
    if (shape.ends_with('/')) shape.pop_back();
    return {shape, shape + "/"};
}

/// What ANY is called among methods; a named method is more specific, so that it ties only with
/// ANY.
std::vector<std::string> methods_of(const Route& route) {
    return route.methods.empty() ? std::vector<std::string>{"*"} : route.methods;
}

void report_tie(const Placed& route, const Placed& other, const std::string& method,
                const std::string& host, Report& report) {
    std::string message = "ties with " + quoted(other.route->text) + " (line " +
                          std::to_string(other.route->place.line) + ")";
    if (other.api != route.api)
        message += " of API " + quoted(other.api->name) +
                   (host.empty() ? ", which also takes every other host"
                                 : ", which also takes " + quoted(host));
    message += ": both take " + (method == "*" ? "every method" : method) + " at the same paths";
    report.add(route.route->place,
               child_path("apis." + route.api->name + ".routes", route.route->text),
               std::move(message));
}

void report_ties_at(const std::string& host, const std::vector<const Api*>& apis,
                    std::set<Pair>& reported, Report& report) {
    std::unordered_map<std::string, Placed> first; // by shape and method
    for (const Api* api : apis)
        for (const Route& route : api->routes)
            for (const std::string& shape : shapes_of(route, api->trailing_slash))
                for (const std::string& method : methods_of(route)) {
                    const Placed here{api, &route};
                    const auto [known, is_new] = first.emplace(shape + ' ' + method, here);
                    const Placed& other = known->second;
                    if (is_new || other.route == &route) continue;
                    if (reported.insert({&route, other.route}).second)
                        report_tie(here, other, method, host, report);
                }
}

} // namespace

void report_ties(const Settings& settings, Report& report) {
    std::map<std::string, std::vector<const Api*>> by_host; // "" = every other host
    for (const Api& api : settings.apis) {
        if (api.hosts.empty()) by_host[""].push_back(&api);
        for (const std::string& host : api.hosts)
            by_host[host].push_back(&api);
    }
    std::set<std::vector<const Api*>> judged; // many hosts often have the same APIs
    std::set<Pair> reported;
    for (const auto& [host, apis] : by_host)
        if (judged.insert(apis).second) report_ties_at(host, apis, reported, report);
}

} // namespace keygate::config
