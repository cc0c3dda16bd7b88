#include "config/read_api.hpp"

#include "base/ascii.hpp"
#include "config/addresses.hpp"
#include "config/meter_counts.hpp"
#include "config/read_api_limits.hpp"
#include "config/read_cors.hpp"
#include "config/read_key_rules.hpp"
#include "config/read_limits.hpp"
#include "config/read_profile.hpp"
#include "config/read_recoverable.hpp"
#include "config/read_rights.hpp"
#include "config/read_route.hpp"
#include "config/read_upstream.hpp"

#include <algorithm>
#include <set>

namespace keygate::config {

namespace {

constexpr std::size_t most_apis = 1'000;
constexpr std::size_t most_plans = 1'000; // per API
constexpr std::size_t most_limits = 16;   // per plan
constexpr std::size_t most_scopes = 128;  // per API: bits of keys::ScopeSet
constexpr std::size_t most_trailers = 32; // per API

constexpr std::array<Word<TrailingSlash>, 2> slash_words{
    {{"strict", TrailingSlash::strict}, {"ignore", TrailingSlash::ignore}}};

/// @param api  what of it is read already.
Plan read_plan(const View::Member& member, const Api& api) {
    const std::string& zone = api.limits.zone;
    Plan plan;
    plan.name = member.name;
    plan.place = member.view.name_place();
    if (!is_plain_name(plan.name))
        member.view.complain_of_name("a plan's name has 1 to 64 letters, digits, `.`, `_` or `-`");
    Fields fields{member.view};
    read_flag(fields.take("api_access"), plan.api_access);
    read_rates(fields.take("rate"), {}, plan.limits);
    read_quotas(fields.take("quota"), {}, zone, plan.limits);
    read_concurrency(fields.take("concurrency"), {}, plan.limits);
    read_plan_scopes(fields.take("scopes"), api, plan);
    read_plan_routes(fields.take("routes"), plan);
    read_gauges(fields.take("gauges"), plan);
    fields.later({"limits"});
    fields.done();
    if (plan.limits.size() > most_limits)
        member.view.complain("a plan has at most " + std::to_string(most_limits) + " limits");
    return plan;
}

void read_plans(const std::optional<View>& view, Api& api) {
    if (!view) return;
    for (const View::Member& member : view->members("a mapping such as {pro: {rate: 100/1m}}"))
        api.plans.push_back(read_plan(member, api));
    if (api.plans.size() > most_plans)
        view->complain("an API has at most " + std::to_string(most_plans) + " plans");
}

void read_default_plan(const std::optional<View>& view, Api& api) {
    if (!view) return;
    const std::string* text = view->text("the name of a plan");
    if (!text) return;
    std::vector<std::string> names;
    for (const Plan& plan : api.plans)
        names.push_back(plan.name);
    if (std::find(names.begin(), names.end(), *text) == names.end())
        view->refuse(names.empty()
                         ? "no default where there are no `plans`"
                         : "one of the plans: " + joined(names) + did_you_mean(*text, names));
    api.default_plan = *text;
}

void read_hosts(const std::optional<View>& view, Api& api) {
    if (!view) return;
    for (const View& item : view->items("a list of hosts such as [api.example.com]")) {
        const std::string* text = item.text("a host such as api.example.com");
        if (!text) continue;
        Judged<std::string> host = parse_host(*text);
        if (!host.value)
            item.complain("found " + item.seen() + "; " + host.wrong);
        else if (std::find(api.hosts.begin(), api.hosts.end(), *host.value) != api.hosts.end())
            item.complain(item.seen() + " is listed twice");
        else
            api.hosts.push_back(std::move(*host.value));
    }
    // An empty list would mean "every host" where somebody meant none.
    if (view->is_list() && view->node().items.empty())
        view->complain("lists no host; leave `hosts` out to take every other host");
}

void read_scopes(const std::optional<View>& view, Api& api) {
    if (!view) return;
    std::vector<std::string> scopes;
    std::set<std::string_view> seen;
    for (const View& item : view->items("a list of scopes such as [orders:read, orders:write]")) {
        const auto scope = read_scope_name(item);
        if (!scope) continue;
        if (!seen.insert(item.node().text).second)
            item.complain(item.seen() + " is listed twice");
        else
            scopes.push_back(*scope);
    }
    if (scopes.size() > most_scopes)
        view->complain("found " + std::to_string(scopes.size()) + " scopes; an API has at most " +
                       std::to_string(most_scopes));
    if (view->is_list()) api.scopes = std::move(scopes);
}

void read_routes(const std::optional<View>& view, Api& api) {
    if (!view) return;
    const auto members = view->members("a mapping such as {GET /v1/orders: orders:read}");
    if (view->is_map() && members.empty()) view->complain("at least one route is needed");
    api.routes.reserve(members.size());
    const Vocabulary vocabulary{api.scopes};
    for (const View::Member& member : members)
        if (auto route = read_route(member, vocabulary, api))
            api.routes.push_back(std::move(*route));
    if (api.scopes) return;
    if (const std::size_t count = api.vocabulary().size(); count > most_scopes)
        view->complain("the routes name " + std::to_string(count) + " scopes; an API has at most " +
                       std::to_string(most_scopes));
}

/// RFC 9110 6.5.1: a field that frames, routes, authenticates, controls or describes a message says
/// so in its head, where everybody on the way has read it; behind the body it would be a second
/// opinion.
bool may_be_trailer(std::string_view name) {
    static constexpr std::array<std::string_view, 31> heads_only{"accept-encoding",
                                                                 "age",
                                                                 "authorization",
                                                                 "cache-control",
                                                                 "client-cert",
                                                                 "client-cert-chain",
                                                                 "connection",
                                                                 "cookie",
                                                                 "date",
                                                                 "expect",
                                                                 "expires",
                                                                 "forwarded",
                                                                 "host",
                                                                 "keep-alive",
                                                                 "location",
                                                                 "max-forwards",
                                                                 "origin",
                                                                 "pragma",
                                                                 "range",
                                                                 "retry-after",
                                                                 "set-cookie",
                                                                 "te",
                                                                 "trailer",
                                                                 "transfer-encoding",
                                                                 "upgrade",
                                                                 "vary",
                                                                 "via",
                                                                 "warning",
                                                                 "www-authenticate",
                                                                 "x-real-ip",
                                                                 "x-request-id"};
    const std::string known = ascii::lowered(name);
    for (const std::string_view family :
         {"access-control-", "content-", "if-", "proxy-", "sec-", "x-forwarded-", "x-http-method",
          "x-method-override", "x-original-", "x-rewrite-"})
        if (known.starts_with(family)) return known == "content-md5" || known == "content-digest";
    return std::find(heads_only.begin(), heads_only.end(), known) == heads_only.end();
}

/// Does the name begin with the prefix as servers compare them that take `_` and `.` for `-`?
bool tells_who_calls(std::string_view name, std::string_view identity_prefix) {
    const auto is_same = [](char in_prefix, char in_name) {
        return (ascii::is_alnum(in_prefix) ? ascii::to_lower(in_prefix) : '-') ==
               ascii::to_lower(in_name);
    };
    return identity_prefix.size() <= name.size() &&
           std::equal(identity_prefix.begin(), identity_prefix.end(), name.begin(), is_same);
}

bool carries_keys(std::string_view name, const Api& api) {
    return std::any_of(
        api.profile.sources.begin(), api.profile.sources.end(), [&](const KeySource& source) {
            return source.kind == KeySource::Kind::field && tells_who_calls(name, source.name) &&
                   name.size() == source.name.size();
        });
}

void read_trailers(const std::optional<View>& view, std::string_view identity_prefix, Api& api) {
    if (!view) return;
    for (const View& item : view->items("a list of field names such as [Server-Timing]")) {
        std::string name;
        read_token(item, name);
        if (name.empty()) continue;
        const auto is_same = [&](const std::string& other) {
            return ascii::equal_ignoring_case(other, name);
        };
        // `_` and `.` are how a name gets past one reader and means another to the next.
        const bool is_plain = std::all_of(name.begin(), name.end(),
                                          [](char c) { return ascii::is_alnum(c) || c == '-'; });
        if (!is_plain)
            item.refuse("a field name of letters, digits and `-`");
        else if (!may_be_trailer(name) || tells_who_calls(name, identity_prefix))
            item.complain(item.seen() + " cannot come behind a body: it frames, routes, "
                                        "authenticates or describes the message (RFC 9110 6.5.1)");
        else if (carries_keys(name, api))
            item.complain(item.seen() + " is where keys are sent, and is never passed on");
        else if (std::any_of(api.trailers.begin(), api.trailers.end(), is_same))
            item.complain(item.seen() + " is listed twice");
        else
            api.trailers.push_back(std::move(name));
    }
    if (api.trailers.size() > most_trailers)
        view->complain("an API passes at most " + std::to_string(most_trailers) + " trailers");
}

/// A field cannot bring a key and tell the API who calls.
void check_sources(const View& profile, const std::vector<KeySource>& sources,
                   std::string_view identity_prefix) {
    for (const KeySource& source : sources)
        if (source.kind == KeySource::Kind::field && tells_who_calls(source.name, identity_prefix))
            profile.complain("one of its sources is a field that tells the API who calls "
                             "(`identity.prefix`)");
}

/// The routes, and what they lead to.
void read_ways(Fields& fields, std::string_view folder, Api& api) {
    const auto upstreams = fields.need("upstreams");
    read_upstreams(upstreams, folder, api);
    const auto routes = fields.need("routes");
    if (!routes) return;
    const std::size_t mistakes = routes->report().size();
    read_routes(routes, api);
    // Where a route is not understood, nobody knows where it leads.
    if (routes->report().size() == mistakes) report_unused_upstreams(upstreams, api);
}

Api read_api(const View::Member& member, Profiles& profiles, const Outside& outside) {
    const std::string_view identity_prefix = outside.identity_prefix;
    Api api;
    api.name = member.name;
    api.place = member.view.name_place();
    if (!is_plain_name(api.name))
        member.view.complain_of_name("an API's name has 1 to 64 letters, digits, `.`, `_` or `-`");
    Fields fields{member.view};
    const auto profile = fields.take("profile");
    if (auto found = profiles.find(profile, member.view)) api.profile = std::move(*found);
    check_sources(profile ? *profile : member.view, api.profile.sources, identity_prefix);
    read_refusals(fields.take("refusals"), api);
    read_max_age(fields.take("max_age"), api.profile.max_age);
    read_max_keys(fields.take("max_keys_per_owner"), api.profile.max_keys_per_owner);
    read_self_service(fields.take("self_service"), api.profile.self_service);
    read_hosts(fields.take("hosts"), api);
    read_scopes(fields.take("scopes"), api);
    const auto implies = fields.take("implies");
    const auto bind = fields.take("bind");
    api.limits = read_api_limits(fields.take("limits"), api.profile);
    if (const auto rate = fields.take("failed_auth")) api.failed_auth = read_plain_rate(*rate);
    const auto plans = fields.take("plans");
    const auto default_plan = fields.take("default_plan");
    read_cors(fields.take("cors"), api.cors);
    read_ways(fields, outside.folder, api);
    // These name scopes and parameters, which are all known now.
    read_implies(implies, api);
    read_bind(bind, api);
    read_plans(plans, api);
    read_default_plan(default_plan, api);
    api.counts = meter_counts(api);
    read_trailers(fields.take("trailers"), identity_prefix, api);
    read_recoverable(fields.take("recoverable"), api);
    api.trailing_slash = api.profile.trailing_slash;
    read_word(fields.take("trailing_slash"), api.trailing_slash, slash_words);
    read_flag(fields.take("terminate_streams"), api.terminate_streams);
    fields.later({"meters", "quota"});
    fields.done();
    return api;
}

} // namespace

void read_apis(const std::optional<View>& view, Profiles& profiles, const Outside& outside,
               std::vector<Api>& apis) {
    if (!view) return;
    const auto members = view->members("a mapping from names to APIs");
    if (view->is_map() && members.empty()) view->complain("at least one API is needed");
    if (members.size() > most_apis)
        view->complain("at most " + std::to_string(most_apis) + " APIs are possible");
    for (const View::Member& member : members)
        apis.push_back(read_api(member, profiles, outside));
}

} // namespace keygate::config
