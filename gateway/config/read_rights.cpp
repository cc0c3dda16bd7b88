#include "config/read_rights.hpp"

#include "config/pattern.hpp"
#include "config/scope_names.hpp"

#include <algorithm>
#include <set>

namespace keygate::config {

namespace {

constexpr std::size_t most_routes = 256;  // per plan
constexpr std::size_t most_gauges = 32;   // per plan
constexpr std::size_t most_bindings = 16; // per API
constexpr std::uint64_t highest_gauge = 1'000'000'000'000;

/// The texts of a list without what is listed twice. An empty list is a mistake: it says nothing,
/// or the opposite of what it looks like.
std::vector<View> distinct_items(const View& view, std::string_view expected,
                                 std::string_view if_empty) {
    std::vector<View> items = view.items(expected);
    if (view.is_list() && items.empty()) view.complain(std::string{if_empty});
    std::set<std::string> seen;
    std::erase_if(items, [&](const View& item) {
        if (!item.is_scalar() || seen.insert(item.node().text).second) return false;
        item.complain(item.seen() + " is listed twice");
        return true;
    });
    return items;
}

bool is_in(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string nearest(const View& view, const std::string& text,
                    const std::vector<std::string>& names) {
    return view.node().written.empty() ? did_you_mean(text, names) : std::string{};
}

/// Reports what no scope of the vocabulary is.
bool check_scope(const View& view, const std::string& text,
                 const std::vector<std::string>& vocabulary) {
    if (is_in(vocabulary, text)) return true;
    view.complain("found " + view.seen() + ", which is no scope of this API" +
                  nearest(view, text, vocabulary));
    return false;
}

bool check_pattern(const View& view, const std::string& text,
                   const std::vector<std::string>& vocabulary) {
    if (!is_scope_wildcard(text)) return check_scope(view, text, vocabulary);
    const bool has_one =
        text == "*" || std::any_of(vocabulary.begin(), vocabulary.end(),
                                   [&](const auto& scope) { return stands_for(text, scope); });
    if (!has_one)
        view.complain("found " + view.seen() + ", and no scope of this API begins with " +
                      quoted(text.substr(0, text.size() - 1)));
    return has_one;
}

bool has_route_with(const Api& api, const std::string& parameter) {
    return std::any_of(api.routes.begin(), api.routes.end(), [&](const Route& route) {
        return route.access != Access::open && has_parameter(route.pattern, parameter);
    });
}

Implication read_implication(const View::Member& member,
                             const std::vector<std::string>& vocabulary) {
    Implication implication{.scope = member.name, .implied = {}};
    if (!is_in(vocabulary, member.name))
        member.view.complain_of_name(quoted(member.name) + " is no scope of this API" +
                                     did_you_mean(member.name, vocabulary));
    for (const View& item : distinct_items(member.view, "a list of scopes such as [webhooks:read]",
                                           "implies nothing; leave it out")) {
        const std::string* text = item.text("a scope");
        if (!text || !check_scope(item, *text, vocabulary)) continue;
        if (*text == member.name)
            item.complain(item.seen() + " is the scope itself");
        else
            implication.implied.push_back(*text);
    }
    return implication;
}

std::optional<Binding> read_binding(const View::Member& member) {
    constexpr std::string_view expected = "`owner`, or `key.NAME` for a member of the key's `bind`";
    const std::string* text = member.view.text(expected);
    if (!text) return std::nullopt;
    Binding binding{.parameter = member.name, .is_owner = *text == "owner", .name = {}};
    if (binding.is_owner) return binding;
    constexpr std::string_view of_key = "key.";
    if (text->starts_with(of_key)) binding.name = text->substr(of_key.size());
    if (is_plain_name(binding.name)) return binding;
    member.view.refuse(expected);
    return std::nullopt;
}

} // namespace

void read_plan_scopes(const std::optional<View>& view, const Api& api, Plan& plan) {
    if (!view) return;
    const std::vector<std::string> vocabulary = api.vocabulary();
    plan.scopes.emplace();
    for (const View& item :
         distinct_items(*view, "a list of scopes such as [\"tests:*\", domains:read]",
                        "lists no scope; `routes` and `api_access` say what a plan leaves out")) {
        const std::string* text = item.text("a scope, `FAMILY:*` or `*`");
        if (text && check_pattern(item, *text, vocabulary)) plan.scopes->push_back(*text);
    }
}

void read_plan_routes(const std::optional<View>& view, Plan& plan) {
    if (!view) return;
    plan.routes.emplace();
    for (const View& item :
         distinct_items(*view, "a list of methods and paths such as [ANY /v1/tests/**]",
                        "lists no route; `api_access: false` takes the whole API away")) {
        const std::string* text = item.text("a method and a path such as ANY /v1/tests/**");
        if (!text) continue;
        std::string line = collapsed(*text);
        if (const auto parsed = parse_methods_and_path(line); parsed.value)
            plan.routes->push_back(std::move(line));
        else
            item.complain("found " + item.seen() + "; " + parsed.wrong);
    }
    if (plan.routes->size() > most_routes)
        view->complain("a plan names at most " + std::to_string(most_routes) + " routes");
}

void read_gauges(const std::optional<View>& view, Plan& plan) {
    if (!view) return;
    for (const View::Member& member : view->members("a mapping such as {domains: 10}")) {
        if (!is_plain_name(member.name))
            member.view.complain_of_name(
                "a gauge's name has 1 to 64 letters, digits, `.`, `_` or `-`");
        Gauge gauge{.name = member.name};
        read_number(member.view, gauge.limit, 0, highest_gauge);
        plan.gauges.push_back(std::move(gauge));
    }
    if (plan.gauges.size() > most_gauges)
        view->complain("a plan has at most " + std::to_string(most_gauges) + " gauges");
}

void read_implies(const std::optional<View>& view, Api& api) {
    if (!view) return;
    const std::vector<std::string> vocabulary = api.vocabulary();
    for (const View::Member& member :
         view->members("a mapping such as {\"webhooks:manage\": [webhooks:read]}"))
        api.implies.push_back(read_implication(member, vocabulary));
}

void read_bind(const std::optional<View>& view, Api& api) {
    if (!view) return;
    for (const View::Member& member : view->members("a mapping such as {store_id: key.store}")) {
        if (!has_route_with(api, member.name))
            member.view.complain_of_name("no route that looks at keys has " +
                                         quoted("{" + member.name + "}") + " in its path");
        if (auto binding = read_binding(member)) api.bind.push_back(std::move(*binding));
    }
    if (api.bind.size() > most_bindings)
        view->complain("an API binds at most " + std::to_string(most_bindings) + " parameters");
}

} // namespace keygate::config
