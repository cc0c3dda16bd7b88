#include "config/check_limits.hpp"

#include "config/read_api_limits.hpp"
#include "config/reader.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace keygate::config {

namespace {

using std::chrono::microseconds;

// Doubles hold whole numbers exactly below 2^53; what a request costs is added to what was there.
constexpr std::uint64_t most_in_bucket = (1ULL << 53U) - 1;
constexpr std::uint64_t most_at_once = (1ULL << 52U) - 1;

/// The members of the mapping `name`, or none.
std::vector<View::Member> members_of(const View& view, std::string_view name) {
    const auto found = view.find(name);
    return found && found->is_map() ? found->members({}) : std::vector<View::Member>{};
}

struct PlacedRoute {
    View view;
    const Route* route;
};

/// The routes that could be read, with what they were read from.
std::vector<PlacedRoute> placed_routes(const View& api, const std::vector<Route>& routes) {
    std::vector<PlacedRoute> placed;
    std::size_t next = 0; // routes stand in the order of the text
    for (const View::Member& member : members_of(api, "routes"))
        if (next < routes.size() && routes[next].text == member.name)
            placed.push_back({member.view, &routes[next++]});
    return placed;
}

std::string line_of(Place place) {
    return "line " + std::to_string(place.line);
}

/// How much of it one request may cost at most; nothing if it is not counted by weight.
std::optional<std::uint64_t> room_in(const Limit& limit) {
    if (const auto* rate = std::get_if<Rate>(&limit.rule)) return rate->burst.value_or(rate->limit);
    const auto* quota = std::get_if<Quota>(&limit.rule);
    if (quota && quota->meter == Quota{}.meter) return quota->limit;
    return std::nullopt;
}

/// The limit with the least room, and whose it is.
struct Tightest {
    std::uint64_t room = std::numeric_limits<std::uint64_t>::max();
    std::string whose;
    Place place;

    void add(const std::vector<Limit>& limits, const std::string& owner) {
        for (const Limit& limit : limits) {
            const auto here = room_in(limit);
            if (!here || *here >= room) continue;
            room = *here;
            whose = owner;
            place = limit.place;
        }
    }
};

void check_weights(const Api& api, const std::vector<PlacedRoute>& routes) {
    Tightest of_plans;
    for (const Plan& plan : api.plans)
        of_plans.add(plan.limits, "plan " + quoted(plan.name));
    if (api.limits.test_rates) of_plans.add(*api.limits.test_rates, "`limits.test`");
    for (const auto& [view, route] : routes) {
        const auto weight = view.find("weight");
        if (!weight) continue;
        Tightest tightest;
        // Public routes have no plan.
        if (route->access != Access::open) tightest = of_plans;
        tightest.add(route->limits, "this route");
        if (route->weight > tightest.room)
            weight->complain(weight->seen() + " is more than a limit of " + tightest.whose + " (" +
                             line_of(tightest.place) +
                             ") has room for: such a request could never pass");
    }
}

/// Where quotas of each meter but `requests` are written first.
std::map<std::string, View> quota_meters(const View& api) {
    std::map<std::string, View> meters;
    for (const View::Member& plan : members_of(api, "plans"))
        for (const View::Member& quota : members_of(plan.view, "quota"))
            if (is_plain_name(quota.name) && quota.name != Quota{}.meter)
                meters.emplace(quota.name, quota.view);
    return meters;
}

void check_meters(const View& api, const std::vector<PlacedRoute>& routes) {
    const std::map<std::string, View> quotas = quota_meters(api);
    std::vector<std::string> names;
    for (const auto& [name, view] : quotas)
        names.push_back(name);
    for (const auto& [view, route] : routes) {
        if (route->meter.empty() || quotas.contains(route->meter)) continue;
        const auto meter = view.find("meter");
        if (names.empty())
            meter->complain("found " + meter->seen() + ", but no plan has a quota of it");
        else
            meter->refuse("a meter that a plan has a quota of: " + joined(names) +
                          (meter->node().written.empty() ? did_you_mean(route->meter, names)
                                                         : std::string{}));
    }
    // Also meters of routes that could not be read: their quotas are not to blame.
    std::map<std::string, bool> used; // is it shown in messages?
    for (const View::Member& route : members_of(api, "routes"))
        if (const auto meter = route.view.find("meter"); meter && meter->is_scalar())
            used.emplace(meter->node().text, meter->node().written.empty());
    std::vector<std::string> shown;
    for (const auto& [name, is_shown] : used)
        if (is_shown) shown.push_back(name);
    for (const auto& [name, view] : quotas)
        if (!used.contains(name))
            view.complain_of_name("no route has " + quoted("meter: " + name) +
                                  ", so that nothing would ever count" + did_you_mean(name, shown));
}

/// What was read into this limit: an element of the list, or what stands alone.
View written(const View& rate, const Limit& limit) {
    if (rate.is_list())
        for (const View& item : rate.items({}))
            if (item.place().line == limit.place.line && item.place().column == limit.place.column)
                return item;
    return rate;
}

/// @param heaviest  of the routes that these limits count; null: they weigh 1.
void check_exactness(const std::optional<View>& rates, const std::vector<Limit>& limits,
                     const Route* heaviest) {
    for (const Limit& limit : limits) {
        const auto* rate = std::get_if<Rate>(&limit.rule);
        if (!rate || !rates) continue;
        const View view = written(*rates, limit);
        static const std::string way_out =
            "; lower one of them, leave `burst` out, or count with `truth: local`";
        if (!is_exact_in_redis(*rate, 1))
            view.complain("cannot be counted exactly in Redis: `burst` times the window in "
                          "microseconds must be less than 2^53" +
                          way_out);
        else if (heaviest && !is_exact_in_redis(*rate, heaviest->weight))
            view.complain("cannot be counted exactly in Redis: the weight of " +
                          quoted(heaviest->text) + " (" + line_of(heaviest->place) +
                          ") times the window in microseconds must be less than 2^52" + way_out);
    }
}

void check_in_redis(const View& view, const Api& api, const std::vector<PlacedRoute>& routes) {
    const Route* heaviest = nullptr; // of those that plans count
    for (const PlacedRoute& placed : routes)
        if (placed.route->access != Access::open &&
            (!heaviest || placed.route->weight > heaviest->weight))
            heaviest = placed.route;
    std::size_t next = 0;
    for (const View::Member& plan : members_of(view, "plans"))
        check_exactness(plan.view.find("rate"), api.plans[next++].limits, heaviest);
    for (const auto& [route_view, route] : routes)
        check_exactness(route_view.find("rate"), route->limits, route);
    if (!api.limits.test_rates) return;
    if (const auto limits = view.find("limits"))
        if (const auto test = limits->find("test"))
            check_exactness(test->find("rate"), *api.limits.test_rates, heaviest);
}

void check_truth(const View& view, const Limits& limits, bool has_redis) {
    const auto truth = view.find("truth");
    if (truth && !limits.truth) return; // nobody knows what was meant
    if (truth && !has_redis && *limits.truth != Truth::local) {
        truth->complain(truth->seen() +
                        " counts in Redis, and there is no `store.redis`; expected local, which "
                        "counts in each gateway by itself");
        return;
    }
    const auto away = view.find("when_away");
    if (away && truth_of(limits, has_redis) == Truth::local)
        away->complain_of_name("belongs to limits that are counted in Redis: these are counted in "
                               "each gateway by itself");
}

void check_api(const View& view, const Api& api, bool has_redis) {
    const std::vector<PlacedRoute> routes = placed_routes(view, api.routes);
    check_weights(api, routes);
    check_meters(view, routes);
    if (const auto limits = view.find("limits")) check_truth(*limits, api.limits, has_redis);
    if (has_redis && truth_of(api.limits, has_redis) != Truth::local)
        check_in_redis(view, api, routes);
}

} // namespace

void check_limits(const Node& root, const Settings& settings, Report& report) {
    const View view{root, {}, root.place, report};
    const auto store = view.find("store");
    const bool has_redis = store && store->find("redis");
    std::size_t next = 0;
    for (const View::Member& api : members_of(view, "apis"))
        check_api(api.view, settings.apis[next++], has_redis);
}

bool is_exact_in_redis(const Rate& rate, std::uint32_t heaviest) {
    if (!rate.burst) return true;
    const auto window =
        static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(rate.window).count());
    return *rate.burst <= most_in_bucket / window && heaviest <= most_at_once / window;
}

} // namespace keygate::config
