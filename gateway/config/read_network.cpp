#include "config/read_network.hpp"

#include "base/networks.hpp"
#include "config/addresses.hpp"
#include "config/scalars.hpp"

#include <algorithm>
#include <set>

namespace keygate::config {

namespace {

constexpr milliseconds hour{3'600'000};
constexpr milliseconds day = 24 * hour;
constexpr std::size_t most_networks = 256; // per list
constexpr std::size_t most_servers = 8;

void read_dns_servers(const std::optional<View>& view, Dns& out) {
    static constexpr std::string_view expected =
        "an IP address and a port, such as 10.0.0.2:53 or [fd00::2]:53";
    if (!view) return;
    std::set<std::string> seen;
    for (const View& item : view->items("a list of name servers such as [\"10.0.0.2:53\"]")) {
        const std::string* text = item.text(expected);
        if (!text) continue;
        const Judged<Endpoint> server = parse_endpoint(*text);
        if (!server.value || server.value->port == 0)
            item.refuse(expected);
        else if (!seen.insert(endpoint_text(*server.value)).second)
            item.complain(item.seen() + " is listed twice");
        else
            out.servers.push_back(*server.value);
    }
    if (view->is_list() && view->node().items.empty())
        view->complain("lists no server; leave `servers` out to ask those of the system");
    if (out.servers.size() > most_servers)
        view->complain("at most " + std::to_string(most_servers) + " name servers are possible");
}

} // namespace

void read_networks(const std::optional<View>& view, std::string_view setting,
                   std::vector<std::string>& out) {
    static constexpr std::string_view expected = "an address such as 192.0.2.7, or a network such "
                                                 "as 192.0.2.0/24 with nothing behind the mask";
    if (!view) return;
    std::vector<Network> known;
    for (const View& item : view->items("a list of networks such as [10.0.0.0/8, \"fd00::/8\"]")) {
        const std::string* text = item.text(expected);
        if (!text) continue;
        const auto network = parse_network(*text);
        if (!network) {
            item.refuse(expected);
            continue;
        }
        const auto is_same = [&](const Network& other) {
            return other.bits == network->bits && other.address == network->address;
        };
        if (std::any_of(known.begin(), known.end(), is_same))
            item.complain(item.seen() + " is listed twice");
        known.push_back(*network);
        out.push_back(*text);
    }
    if (view->is_list() && view->node().items.empty())
        view->complain("lists no network; leave " + quoted(setting) + " out");
    if (out.size() > most_networks)
        view->complain("at most " + std::to_string(most_networks) + " networks are possible");
}

void read_forwarded(const std::optional<View>& view, Forwarded& out) {
    if (!view) return;
    Fields fields{*view};
    read_word(fields.take("from"), out.from, from_words);
    read_word(fields.take("chain"), out.chain, chain_words);
    read_word(fields.take("fields"), out.fields, forwarded_words);
    fields.done();
}

void read_dns(const std::optional<View>& view, Dns& out) {
    if (!view) return;
    Fields fields{*view};
    read_dns_servers(fields.take("servers"), out);
    read_duration(fields.take("timeout"), out.timeout, milliseconds{1}, seconds{60});
    const auto min = fields.take("min_refresh");
    const auto max = fields.take("max_refresh");
    read_duration(min, out.min_refresh, milliseconds{10}, hour);
    read_duration(max, out.max_refresh, milliseconds{10}, day);
    fields.done();
    if (out.min_refresh <= out.max_refresh) return;
    // The one that is written takes the other along.
    if (min && max)
        max->complain(max->seen() + " is less than `min_refresh`, which is " +
                      duration_text(out.min_refresh));
    else if (min)
        out.max_refresh = out.min_refresh;
    else
        out.min_refresh = out.max_refresh;
}

} // namespace keygate::config
