#include "config/read_upstream.hpp"

#include "base/ascii.hpp"
#include "config/addresses.hpp"
#include "config/paths.hpp"
#include "config/read_health.hpp"
#include "config/read_tls.hpp"

#include <algorithm>
#include <set>

#include <sys/un.h>

namespace keygate::config {

namespace {

constexpr std::size_t most_servers = 64; // per upstream
constexpr std::size_t most_others = 100; // per API: upstreams beside `live` and `test`
constexpr milliseconds hour{3'600'000};
constexpr milliseconds day = 24 * hour;

/// `http://127.0.0.1:3000`, or `{url: "http://127.0.0.1:3000", weight: 3}`.
std::optional<Server> read_server(const View& view, std::string_view folder) {
    static constexpr std::string_view expected = "a server such as http://127.0.0.1:3000";
    std::optional<View> url = view;
    std::uint32_t weight = 1;
    if (view.is_map()) {
        Fields fields{view};
        url = fields.need("url");
        read_number(fields.take("weight"), weight, 1, 1'000);
        fields.done();
    }
    const std::string* text = url ? url->text(expected) : nullptr;
    if (!text) return std::nullopt;
    Judged<Server> server = parse_server(*text);
    if (!server.value) {
        url->complain("found " + url->seen() + "; " + server.wrong);
        return std::nullopt;
    }
    server.value->weight = weight;
    server.value->place = view.place();
    if (server.value->scheme != Server::Scheme::unix_socket) return server.value;
    std::string& path = server.value->path;
    path = below(folder, path);
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        url->complain("a socket's path has at most 107 bytes; this one has " +
                      std::to_string(path.size()) + ", with the folder of the configuration");
    return server.value;
}

void read_servers(const std::optional<View>& view, std::string_view folder, Upstream& upstream) {
    if (!view) return;
    const auto items = view->items("a list of servers such as [\"http://127.0.0.1:3000\"]");
    if (view->is_list() && items.empty()) view->complain("at least one server is needed");
    std::set<std::string> seen;
    for (const View& item : items) {
        auto server = read_server(item, folder);
        if (!server) continue;
        const View url = item.find("url").value_or(item);
        if (!seen.insert(server_text(*server)).second)
            url.complain(url.seen() + " is listed twice");
        upstream.servers.push_back(std::move(*server));
    }
    if (upstream.servers.size() > most_servers)
        view->complain("an upstream has at most " + std::to_string(most_servers) + " servers");
}

void read_tls(const std::optional<View>& view, std::string_view folder, Upstream& upstream) {
    if (!view) return;
    UpstreamTls& out = upstream.tls;
    Fields fields{*view};
    read_path(fields.take("ca"), folder, out.ca);
    read_certificate(fields, folder, out.certificate, out.private_key);
    read_server_name(fields.take("server_name"), out.server_name);
    read_word(fields.take("min_version"), out.min_version, tls_version_words);
    fields.done();
}

/// @param servers  as written: of one that is not understood nobody knows what it would have been.
void check_tls(const std::optional<View>& tls, const std::optional<View>& servers,
               const Upstream& upstream) {
    if (!tls || !servers || servers->node().items.size() != upstream.servers.size()) return;
    const auto is_https = [](const Server& server) {
        return server.scheme == Server::Scheme::https;
    };
    if (!std::any_of(upstream.servers.begin(), upstream.servers.end(), is_https))
        tls->complain_of_name("belongs to servers with https://");
}

void read_host(const std::optional<View>& view, HostPolicy& out) {
    static constexpr std::string_view expected =
        "pass, server, or a host such as api.internal or api.internal:8080";
    if (!view) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    using Kind = HostPolicy::Kind;
    for (const auto& [word, kind] : {std::pair{"pass", Kind::pass}, {"server", Kind::server}}) {
        if (*text == word) {
            out.kind = kind;
            return;
        }
        // A slip of the hand, and no host.
        if (ascii::equal_ignoring_case(*text, word)) return view->refuse(expected);
    }
    Judged<std::string> host = parse_host_and_port(*text);
    if (!host.value) return view->refuse(expected);
    out.kind = Kind::fixed;
    out.name = std::move(*host.value);
}

/// How many requests a server gets at once, and who waits for it.
void read_room(Fields& fields, Upstream& upstream) {
    const auto bound = fields.take("max_connections");
    if (bound)
        if (const auto number = number_in(*bound, 1, 1'000'000))
            upstream.max_connections = static_cast<std::uint32_t>(*number);
    const auto queue = fields.take("queue");
    if (!queue) return;
    Fields inside{*queue};
    read_number(inside.need("max"), upstream.queue.max, 1, 1'000'000);
    read_duration(inside.take("timeout"), upstream.queue.timeout, milliseconds{1}, hour);
    inside.done();
    if (!bound)
        queue->complain_of_name("belongs to `max_connections`: without it nobody has to wait");
}

void read_times(Fields& fields, Upstream& upstream) {
    read_duration(fields.take("total_timeout"), upstream.total_timeout, milliseconds{1}, day);
    read_duration(fields.take("connect_timeout"), upstream.connect_timeout, milliseconds{1}, hour);
    read_duration(fields.take("first_byte_timeout"), upstream.first_byte_timeout, milliseconds{1},
                  hour);
    read_duration(fields.take("idle_timeout"), upstream.idle_timeout, milliseconds{1}, hour);
    read_duration(fields.take("tunnel_timeout"), upstream.tunnel_timeout, milliseconds{1}, day);
    read_duration(fields.take("keep_alive"), upstream.keep_alive, milliseconds{0}, hour);
}

Upstream read_upstream(const View& view, std::string_view folder) {
    Upstream upstream;
    Fields fields{view};
    const auto servers = fields.need("servers");
    read_servers(servers, folder, upstream);
    read_word(fields.take("balance"), upstream.balance, balance_words);
    const auto tls = fields.take("tls");
    read_tls(tls, folder, upstream);
    check_tls(tls, servers, upstream);
    read_host(fields.take("host"), upstream.host);
    read_room(fields, upstream);
    read_retries(fields.take("retries"), upstream.retries);
    read_ejection(fields.take("ejection"), upstream.ejection);
    read_check(fields.take("check"), upstream.check);
    read_breaker(fields.take("breaker"), upstream.breaker);
    read_times(fields, upstream);
    read_number(fields.take("max_idle"), upstream.max_idle, 0, 100'000);
    fields.done();
    return upstream;
}

} // namespace

void read_upstreams(const std::optional<View>& view, std::string_view folder, Api& api) {
    if (!view) return;
    const auto members = view->members("a mapping such as {live: {servers: […]}}");
    if (view->is_map() && !view->find("live")) view->complain_of_name("`live` is missing");
    for (const View::Member& member : members) {
        Upstream upstream = read_upstream(member.view, folder);
        if (member.name == "live")
            api.live = std::move(upstream);
        else if (member.name == "test")
            api.test = std::move(upstream);
        else
            api.others.push_back({member.name, std::move(upstream)});
        if (!is_plain_name(member.name))
            member.view.complain_of_name(
                "an upstream's name has 1 to 64 letters, digits, `.`, `_` or `-`");
    }
    if (api.others.size() > most_others)
        view->complain("an API has at most " + std::to_string(most_others) +
                       " upstreams beside `live` and `test`");
}

std::vector<std::string> upstream_names(const Api& api) {
    std::vector<std::string> names{"live"};
    if (api.test) names.emplace_back("test");
    for (const NamedUpstream& other : api.others)
        names.push_back(other.name);
    return names;
}

void report_unused_upstreams(const std::optional<View>& view, const Api& api) {
    if (!view || !view->is_map()) return;
    std::set<std::string_view> used{"live", "test"};
    for (const Route& route : api.routes)
        used.insert({route.live_upstream, route.test_upstream});
    for (const View::Member& member : view->members({}))
        if (is_plain_name(member.name) && !used.contains(member.name))
            member.view.complain_of_name("no route leads here; expected live, test, or what a "
                                         "route names as its `upstream`" +
                                         did_you_mean(member.name, {"live", "test"}));
}

} // namespace keygate::config
