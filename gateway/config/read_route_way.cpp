#include "config/read_route_way.hpp"

#include "config/pattern.hpp"
#include "config/read_upstream.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr milliseconds hour{3'600'000};
constexpr milliseconds day = 24 * hour;
constexpr std::uint64_t tebibyte = 1ULL << 40U;

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

void read_prefix(const std::optional<View>& view, const Route& route, Rewrite& out) {
    if (!view) return;
    static constexpr std::string_view expected =
        "a path such as /v1: plain segments, and no `/` at the end";
    const std::string* text = view->text(expected);
    if (!text) return;
    auto prefix = parse_literal_path(*text);
    if (!prefix) return view->refuse(expected);
    out.prefix = std::move(*prefix);
    // So that whatever comes here has it, and at the end of a segment.
    if (!route.pattern.empty() && route.pattern != out.prefix &&
        !route.pattern.starts_with(out.prefix + "/"))
        view->complain(view->seen() +
                       " is not what the route's path begins with, segment by segment");
}

void read_replacement(const std::optional<View>& view, Rewrite& out) {
    static constexpr std::string_view expected =
        "a path such as /api: plain segments without `%`, and no `/` at the end; or \"\" for none";
    if (!view || (view->is_scalar() && view->node().text.empty())) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    // Nothing in it may mean something else once it stands before a client's path.
    auto path = parse_literal_path(*text);
    if (path && text->find('%') == std::string::npos)
        out.with = std::move(*path);
    else
        view->refuse(expected);
}

void read_rewrite(const std::optional<View>& view, Route& route) {
    if (!view) return;
    Rewrite rewrite;
    Fields fields{*view};
    read_prefix(fields.need("prefix"), route, rewrite);
    read_replacement(fields.need("with"), rewrite);
    fields.done();
    route.rewrite = std::move(rewrite);
}

void read_timeouts(const std::optional<View>& view, RouteTimeouts& out) {
    if (!view) return;
    Fields fields{*view};
    read_duration(fields.take("first_byte"), out.first_byte, milliseconds{1}, hour);
    read_duration(fields.take("idle"), out.idle, milliseconds{1}, hour);
    read_duration(fields.take("total"), out.total, milliseconds{1}, day);
    fields.done();
}

} // namespace

void read_way(Fields& fields, const Api& api, Route& route) {
    const auto upstream = fields.take("upstream");
    const auto rewrite = fields.take("rewrite");
    const auto timeouts = fields.take("timeouts");
    read_upstream(upstream, api, route);
    read_rewrite(rewrite, route);
    read_timeouts(timeouts, route.timeouts);
    if (const auto body = fields.take("max_body")) route.max_body = size_in(*body, 0, tebibyte);
    if (route.reply == Reply::none) return;
    for (const auto& idle : {upstream, rewrite, timeouts})
        if (idle)
            idle->complain_of_name("has no meaning with `answer`: the gateway answers by itself");
}

} // namespace keygate::config
