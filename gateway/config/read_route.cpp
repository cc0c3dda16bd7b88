#include "config/read_route.hpp"

#include "base/ascii.hpp"
#include "config/pattern.hpp"
#include "config/read_cors.hpp"
#include "config/read_limits.hpp"
#include "config/read_route_way.hpp"
#include "config/scope_names.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::string_view a_scope = "a scope: 1 to 128 letters, digits, `.`, `_`, `:` or `-`";
constexpr std::string_view a_route_value =
    "`public`, `key`, a scope, a list of scopes, or a "
    "mapping with scope, all_scopes, any_scope, access or answer";

constexpr std::string_view a_meter = "a meter's name: 1 to 64 letters, digits, `.`, `_` or `-`";
constexpr std::size_t most_limits = 8; // per route
constexpr std::uint64_t highest_weight = 10'000;

/// `public` and `key` in other letters are slips of the hand, not scopes.
bool is_reserved(std::string_view text) {
    return ascii::equal_ignoring_case(text, "public") || ascii::equal_ignoring_case(text, "key");
}

/// `{resource}:read`: the scope that a segment of the path decides.
std::optional<std::string> read_derived_scope(const View& view, const Vocabulary& vocabulary,
                                              const Route& route) {
    const std::string& text = view.node().text;
    const std::size_t open = text.find('{');
    const std::size_t close = text.find('}', open);
    const std::string before = text.substr(0, open);
    const std::string behind = close == std::string::npos ? "{" : text.substr(close + 1);
    const auto is_part = [](const std::string& part) {
        return part.empty() || is_scope_name(part);
    };
    if (!is_part(before) || !is_part(behind)) {
        view.refuse("a scope with one parameter of the path, such as {resource}:read");
        return std::nullopt;
    }
    const std::string parameter = text.substr(open + 1, close - open - 1);
    if (!has_parameter(route.text, parameter))
        view.complain("the path has no " + quoted("{" + parameter + "}"));
    vocabulary.check_form(view, before, behind);
    return text;
}

void read_one_scope(const View& view, const Vocabulary& vocabulary, Route& route) {
    const bool is_derived = view.is_scalar() && view.node().text.find('{') != std::string::npos;
    const auto scope =
        is_derived ? read_derived_scope(view, vocabulary, route) : read_scope_name(view);
    if (!scope) return;
    if (!is_derived) vocabulary.check(view, *scope);
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

constexpr std::array<Word<Reply>, reply_count - 1> reply_words{{{"whoami", Reply::whoami},
                                                                {"create_key", Reply::create_key},
                                                                {"list_keys", Reply::list_keys},
                                                                {"show_key", Reply::show_key},
                                                                {"update_key", Reply::update_key},
                                                                {"revoke_key", Reply::revoke_key},
                                                                {"delete_key", Reply::delete_key},
                                                                {"rotate_key", Reply::rotate_key}}};

bool is_about_one_key(Reply reply) {
    return reply == Reply::show_key || reply == Reply::update_key || reply == Reply::revoke_key ||
           reply == Reply::delete_key || reply == Reply::rotate_key;
}

/// `answer:` implies `key`; `require_scope` narrows it.
void read_answer(const std::optional<View>& answer, const std::optional<View>& required,
                 const Vocabulary& vocabulary, Route& route) {
    if (!answer) {
        if (required) required->complain_of_name("belongs to `answer`; other routes say `scope`");
        return;
    }
    read_word(*answer, route.reply, reply_words);
    route.access = Access::key;
    if (is_about_one_key(route.reply) && !has_parameter(route.text, "id"))
        answer->complain(answer->seen() +
                         " needs `{id}` in the path, which says what key is meant");
    if (!required) return;
    route.access = Access::scope;
    if (required->is_list())
        read_scope_list(*required, vocabulary, route);
    else
        read_one_scope(*required, vocabulary, route);
}

/// `auth: optional`
void read_auth(const std::optional<View>& view, Route& route) {
    static constexpr std::array<Word<bool>, 2> words{{{"required", false}, {"optional", true}}};
    read_word(view, route.is_optional, words);
    if (!route.is_optional) return;
    if (route.access == Access::open)
        view->complain("a public route looks at no key: `key` or a scope says what one must be");
    else if (route.reply != Reply::none)
        view->complain("what the gateway answers by itself is about the caller's key");
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
    const LimitHome home{LimitOf::route, route.text,
                         route.access == Access::open || route.is_optional};
    read_rates(fields.take("rate"), home, route.limits);
    read_concurrency(fields.take("concurrency"), home, route.limits);
    if (route.limits.size() > most_limits)
        view.complain("a route has at most " + std::to_string(most_limits) + " limits");
}

void read_mapping(const View& view, const Vocabulary& vocabulary, const Api& api, Route& route) {
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
    const auto answer = take("answer");
    read_answer(answer, fields.take("require_scope"), vocabulary, route);
    read_auth(fields.take("auth"), route);

    static constexpr std::array<Word<bool>, 2> words{{{"pass", true}, {"remove", false}}};
    const auto authorization = fields.take("authorization");
    read_word(authorization, route.pass_authorization, words);
    read_costs(view, fields, route);
    read_way(fields, api, route);
    read_route_cors(fields.take("cors"), route.cors);
    fields.later({"bind", "limits", "allow_encoded"});
    fields.done();

    if (statements != 1)
        view.complain("found " + std::to_string(statements) +
                      " of scope, all_scopes, any_scope, access and answer; expected exactly one");
    else if (authorization && route.access != Access::open)
        authorization->complain(
            "only a public route can pass `Authorization` on: elsewhere it holds the "
            "key, which the upstream must not see");
}

void read_value(const View& view, const Vocabulary& vocabulary, const Api& api, Route& route) {
    if (view.is_map()) return read_mapping(view, vocabulary, api, route);
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

/// Its methods and its pattern. @returns whether they can be read.
bool read_name(const View::Member& member, Route& route) {
    const std::size_t space = member.name.find(' ');
    if (space == std::string::npos || member.name.find(' ', space + 1) != std::string::npos) {
        member.view.complain_of_name(
            "expected METHOD and PATH with a space between them, such as GET /v1/orders/{id}");
        return false;
    }
    Judged<std::vector<std::string>> methods = parse_methods(member.name.substr(0, space));
    Judged<std::string> pattern = parse_pattern(member.name.substr(space + 1));
    if (!methods.value) member.view.complain_of_name(methods.wrong);
    if (!pattern.value) member.view.complain_of_name(pattern.wrong);
    if (!methods.value || !pattern.value) return false;
    route.methods = std::move(*methods.value);
    route.pattern = std::move(*pattern.value);
    return true;
}

} // namespace

std::string_view to_string(Reply reply) {
    return word_of(reply, reply_words);
}

Vocabulary::Vocabulary(const std::optional<std::vector<std::string>>& scopes)
    : scopes_(scopes) {
    if (scopes) set_.insert(scopes->begin(), scopes->end());
}

void Vocabulary::check(const View& view, const std::string& scope) const {
    if (!scopes_ || set_.contains(scope)) return;
    view.complain("found " + view.seen() + ", which is not in `scopes`" +
                  (view.node().written.empty() ? did_you_mean(scope, *scopes_) : std::string{}));
}

void Vocabulary::check_form(const View& view, const std::string& before,
                            const std::string& behind) const {
    if (!scopes_)
        return view.complain("a scope that the path decides needs `scopes`, which says what there "
                             "is");
    const bool has_one = std::any_of(scopes_->begin(), scopes_->end(), [&](const auto& scope) {
        return scope.size() > before.size() + behind.size() && scope.starts_with(before) &&
               scope.ends_with(behind);
    });
    if (!has_one) view.complain("found " + view.seen() + ", which none of `scopes` can be");
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
    if (is_scope_wildcard(*text)) {
        view.complain(view.seen() + " is no scope: it stands for some of them in keys and plans; "
                                    "here they are named one by one");
        return std::nullopt;
    }
    if (!is_scope_name(*text)) {
        view.refuse(a_scope);
        return std::nullopt;
    }
    return *text;
}

std::optional<Route> read_route(const View::Member& member, const Vocabulary& vocabulary,
                                const Api& api) {
    Route route;
    route.text = member.name;
    route.place = member.view.name_place();
    route.cors = api.cors;
    const bool has_name = read_name(member, route);
    read_value(member.view, vocabulary, api, route);
    if (!has_name) return std::nullopt;
    return route;
}

} // namespace keygate::config
