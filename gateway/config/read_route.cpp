#include "config/read_route.hpp"

#include "base/ascii.hpp"
#include "config/pattern.hpp"
#include "config/read_limits.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::string_view a_scope = "a scope: 1 to 128 letters, digits, `.`, `_`, `:`, `*` or `-`";
constexpr std::string_view a_route_value = "`public`, `key`, a scope, a list of scopes, or a "
                                           "mapping with scope, all_scopes, any_scope or access";

constexpr std::string_view a_meter = "a meter's name: 1 to 64 letters, digits, `.`, `_` or `-`";
constexpr std::size_t most_limits = 8; // per route
constexpr std::uint64_t highest_weight = 10'000;

bool is_scope(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alnum(c) || std::string_view{"._:*-"}.find(c) != std::string_view::npos;
    });
}

/// `public` and `key` in other letters are slips of the hand, not scopes.
bool is_reserved(std::string_view text) {
    return ascii::equal_ignoring_case(text, "public") || ascii::equal_ignoring_case(text, "key");
}

void read_one_scope(const View& view, const Vocabulary& vocabulary, Route& route) {
    const auto scope = read_scope_name(view);
    if (!scope) return;
    vocabulary.check(view, *scope);
    if (std::find(route.scopes.begin(), route.scopes.end(), *scope) != route.scopes.end())
        view.complain(view.seen() + " is listed twice");
    route.scopes.push_back(*scope);
}

void read_scope_list(const View& view, const Vocabulary& vocabulary, Route& route) {
    const auto items = view.items("a list of scopes");
    // No scope at all would let every key in (all) or none (any): say which is meant.
    if (view.is_list() && items.empty())
        view.complain("names no scope; `key` lets any valid key in");
    for (const View& item : items)
        read_one_scope(item, vocabulary, route);
}

void read_access(const View& view, Route& route) {
    static constexpr std::array<Word<Access>, 2> words{
        {{"public", Access::open}, {"key", Access::key}}};
    read_word(view, route.access, words);
}

void read_meter(const std::optional<View>& view, Route& route) {
    if (!view) return;
    if (route.access == Access::open)
        return view->complain_of_name("a public route looks at no key: nobody's quota is spent");
    const std::string* text = view->text(a_meter);
    if (!text) return;
    if (!is_plain_name(*text))
        view->refuse(a_meter);
    else if (*text == Quota{}.meter)
        view->complain(view->seen() + " counts every request anyway; `weight` says for how many "
                                      "one of this route counts");
    else
        route.meter = *text;
}

/// What it costs, and what bounds it beside plans. Call it once it is known who may pass.
void read_costs(const View& view, Fields& fields, Route& route) {
    read_number(fields.take("weight"), route.weight, 1, highest_weight);
    read_meter(fields.take("meter"), route);
    const LimitHome home{LimitOf::route, route.text, route.access == Access::open};
    read_rates(fields.take("rate"), home, route.limits);
    read_concurrency(fields.take("concurrency"), home, route.limits);
    if (route.limits.size() > most_limits)
        view.complain("a route has at most " + std::to_string(most_limits) + " limits");
}

void read_mapping(const View& view, const Vocabulary& vocabulary, Route& route) {
    Fields fields{view};
    int statements = 0;
    const auto take = [&](std::string_view name) {
        auto found = fields.take(name);
        if (found) ++statements;
        return found;
    };
    route.access = Access::scope;
    if (const auto scope = take("scope")) read_one_scope(*scope, vocabulary, route);
    if (const auto all = take("all_scopes")) read_scope_list(*all, vocabulary, route);
    if (const auto any = take("any_scope")) {
        route.need = Need::any;
        read_scope_list(*any, vocabulary, route);
    }
    if (const auto access = take("access")) read_access(*access, route);

    static constexpr std::array<Word<bool>, 2> words{{{"pass", true}, {"remove", false}}};
    const auto authorization = fields.take("authorization");
    read_word(authorization, route.pass_authorization, words);
    read_costs(view, fields, route);
    fields.later({"answer", "upstream", "auth", "require_scope", "cors", "bind", "timeouts",
                  "timeout", "limits", "allow_encoded"});
    fields.done();

    if (statements != 1)
        view.complain("found " + std::to_string(statements) +
                      " of scope, all_scopes, any_scope and access; expected exactly one");
    else if (authorization && route.access != Access::open)
        authorization->complain(
            "only a public route can pass `Authorization` on: elsewhere it holds the "
            "key, which the upstream must not see");
}

void read_value(const View& view, const Vocabulary& vocabulary, Route& route) {
    if (view.is_map()) return read_mapping(view, vocabulary, route);
    route.access = Access::scope;
    if (view.is_list()) return read_scope_list(view, vocabulary, route);
    const std::string* text = view.text(a_route_value);
    if (!text) return;
    if (*text == "public")
        route.access = Access::open;
    else if (*text == "key")
        route.access = Access::key;
    else
        read_one_scope(view, vocabulary, route);
}

} // namespace

Vocabulary::Vocabulary(const std::optional<std::vector<std::string>>& scopes)
    : scopes_(scopes) {
    if (scopes) set_.insert(scopes->begin(), scopes->end());
}

void Vocabulary::check(const View& view, const std::string& scope) const {
    if (!scopes_ || set_.contains(scope)) return;
    view.complain("found " + view.seen() + ", which is not in `scopes`" +
                  (view.node().written.empty() ? did_you_mean(scope, *scopes_) : std::string{}));
}

std::optional<std::string> read_scope_name(const View& view) {
    const std::string* text = view.text(a_scope);
    if (!text) return std::nullopt;
    if (is_reserved(*text)) {
        view.complain(view.seen() +
                      " is no scope: `public` and `key` are reserved words of routes, "
                      "written alone and in lower case");
        return std::nullopt;
    }
    if (*text == "*") {
        view.complain("`*` is no scope: it stands for all scopes in what the upstream reads");
        return std::nullopt;
    }
    if (!is_scope(*text)) {
        view.refuse(a_scope);
        return std::nullopt;
    }
    return *text;
}

std::optional<Route> read_route(const View::Member& member, const Vocabulary& vocabulary) {
    const View& view = member.view;
    Route route;
    route.text = member.name;
    route.place = view.name_place();
    read_value(view, vocabulary, route);

    const std::size_t space = member.name.find(' ');
    if (space == std::string::npos || member.name.find(' ', space + 1) != std::string::npos) {
        view.complain_of_name(
            "expected METHOD and PATH with a space between them, such as GET /v1/orders/{id}");
        return std::nullopt;
    }
    Judged<std::vector<std::string>> methods = parse_methods(member.name.substr(0, space));
    Judged<std::string> pattern = parse_pattern(member.name.substr(space + 1));
    if (!methods.value) view.complain_of_name(methods.wrong);
    if (!pattern.value) view.complain_of_name(pattern.wrong);
    if (!methods.value || !pattern.value) return std::nullopt;
    route.methods = std::move(*methods.value);
    route.pattern = std::move(*pattern.value);
    return route;
}

} // namespace keygate::config
