#include "config/read_route_way.hpp"

#include "config/read_upstream.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

void read_name(const std::optional<View>& view, const Api& api, std::string& out) {
    if (!view) return;
    const std::string* text = view->text("the name of an upstream, or {live: NAME, test: NAME}");
    if (!text) return;
    const std::vector<std::string> names = upstream_names(api);
    if (std::find(names.begin(), names.end(), *text) == names.end())
        view->refuse("one of `upstreams`: " + joined(names) +
                     (view->node().written.empty() ? did_you_mean(*text, names) : std::string{}));
    else
        out = *text;
}

void read_upstream(const std::optional<View>& view, const Api& api, Route& route) {
    if (!view) return;
    if (!view->is_map()) return read_name(view, api, route.live_upstream);
    Fields fields{*view};
    read_name(fields.need("live"), api, route.live_upstream);
    read_name(fields.take("test"), api, route.test_upstream);
    fields.done();
}

} // namespace

void read_way(Fields& fields, const Api& api, Route& route) {
    const auto upstream = fields.take("upstream");
    read_upstream(upstream, api, route);
    if (route.reply == Reply::none) return;
    for (const auto& idle : {upstream})
        if (idle)
            idle->complain_of_name("has no meaning with `answer`: the gateway answers by itself");
}

} // namespace keygate::config
