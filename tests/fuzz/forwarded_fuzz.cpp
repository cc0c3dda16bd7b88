// What a peer says of the way that a request has come. Nobody but a trusted one changes anything;
// what such a one says is what a plain reading finds; whatever was said before, a proxy's own word
// behind it decides; and a second gateway behind ours comes to the same client.

#include "http/forwarded.hpp"
#include "http/head_reader.hpp"
#include "http/limits.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/input.hpp"
#include "fuzz/lenient.hpp"

using namespace keygate;
using fuzz::hold;

namespace {

using From = config::Forwarded::From;
using Chain = config::Forwarded::Chain;
using Fields = config::Forwarded::Fields;

constexpr std::string_view own_host = "shop.example";
const std::vector<std::string> networks{"10.0.0.0/8", "fd00::/8"};
constexpr std::array<std::string_view, 4> trusted_peers{"10.0.0.1", "::ffff:10.0.0.1", "fd00::1",
                                                        "fd00::1%eth0"};
constexpr std::array<std::string_view, 4> strangers{"203.0.113.9", "2001:db8::9", "fe80::9%eth0",
                                                    ""};

/// What the rules make of a head.
struct Reading {
    std::string client;
    http::Scheme scheme = http::Scheme::http;
    std::string host;
    std::string lines;
};

/// The head of these lines; nothing where it is none.
std::optional<Reading> read(const config::Forwarded& settings, std::string_view peer,
                            http::Scheme own, const std::string& lines) {
    const std::vector<char> bytes =
        fuzz::exact("GET / HTTP/1.1\r\nHost: " + std::string{own_host} + "\r\n" + lines + "\r\n");
    const auto end = http::find_head_end(fuzz::view(bytes), 0, bytes.size() + 1);
    if (end.state != http::HeadEnd::State::complete || end.size != bytes.size())
        return std::nullopt;
    http::RequestReader reader{{}, "keygate"};
    const auto head = reader.read(fuzz::view(bytes));
    if (!head) return std::nullopt;
    const http::ForwardedRules rules{settings};
    const http::Told told = rules.tell(**head, peer, own);
    Reading reading{.client = std::string{told.client()},
                    .scheme = told.scheme(),
                    .host = std::string{rules.host(**head, told)},
                    .lines = {}};
    rules.write_lines(reading.lines, **head, told);
    return reading;
}

std::string_view without_zone(std::string_view address) {
    return address.substr(0, address.find('%'));
}

/// `192.0.2.7`, `192.0.2.7:80`, `2001:db8::1`, `[2001:db8::1]:80`.
std::optional<Address> plain_hop(std::string text) {
    const auto is_port = [](std::string_view port) {
        if (port.starts_with('_'))
            return port.size() > 1 && port.find_first_of("\"(),/:;<=>?@[\\]{} \t") == port.npos &&
                   std::all_of(port.begin(), port.end(),
                               [](char c) { return c > ' ' && c < 0x7f; });
        return !port.empty() && port.size() <= 5 &&
               port.find_first_not_of("0123456789") == port.npos;
    };
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos || text.find(':') > end) return std::nullopt;
        const std::string rest = text.substr(end + 1);
        if (!rest.empty() && !(rest[0] == ':' && is_port(rest.substr(1)))) return std::nullopt;
        return parse_address(text.substr(1, end - 1));
    }
    if (std::count(text.begin(), text.end(), ':') == 1) {
        const std::size_t colon = text.find(':');
        if (!is_port(text.substr(colon + 1))) return std::nullopt;
        text.resize(colon);
    }
    return parse_address(text);
}

bool is_trusted(const Address& address) {
    return std::any_of(networks.begin(), networks.end(), [&](const std::string& network) {
        return is_within(address, *parse_network(network));
    });
}

/// By a plain reading of X-Forwarded-For: from the right, at most 64.
void check_plain_list(const std::string& lines, std::string_view peer, const Reading& reading) {
    const fuzz::LenientHead sent =
        fuzz::read_leniently("GET\r\n" + lines, fuzz::LineEnds::line_feed);
    fuzz::LenientHead fields;
    fields.fields = sent.fields;
    std::vector<std::string> members = fuzz::members_of(fields, "x-forwarded-for");
    std::string client{peer};
    std::string chain{without_zone(peer)};
    bool is_open = true;
    for (std::size_t seen = 0; seen < 64 && !members.empty(); ++seen, members.pop_back()) {
        if (members.back().empty()) continue;
        const auto address = plain_hop(members.back());
        if (!address) break;
        const std::string text{AddressText{*address}.view()};
        chain.insert(0, text + ", ");
        if (is_open) client = text;
        is_open = is_open && is_trusted(*address);
    }
    hold(reading.client == client, "the client of a plain reading", lines);
    hold(reading.lines.starts_with("X-Forwarded-For: " + chain + "\r\n"),
         "the chain of a plain reading", reading.lines);
}

/// Lines of ours, each once and in their order, without strange bytes.
void check_lines(const Reading& reading, Fields fields) {
    hold(fuzz::is_clean_head("GET / HTTP/1.1\r\n" + reading.lines + "\r\n"), "clean lines",
         reading.lines);
    std::vector<std::string> names;
    const bool is_x = fields == Fields::x_forwarded || fields == Fields::both;
    if (is_x) names = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"};
    if (fields == Fields::forwarded || fields == Fields::both) names.emplace_back("forwarded");
    const auto head = fuzz::read_leniently("GET\r\n" + reading.lines, fuzz::LineEnds::any);
    hold(head.fields.size() == names.size() && !head.has_strange_line, "our lines, and no others",
         reading.lines);
    for (std::size_t i = 0; i < names.size(); ++i)
        hold(head.fields[i].name == names[i], "in their order", reading.lines);
    hold(http::is_valid_host(reading.host), "a valid host", reading.host);
    if (!is_x) return;
    hold(head.fields[1].value == to_string(reading.scheme), "the scheme", reading.lines);
    hold(head.fields[2].value == reading.host, "the host", reading.lines);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input{data, size};
    const unsigned choice = input.choice();
    const unsigned place = input.choice();
    const config::Forwarded settings{.trusted = networks,
                                     .from = static_cast<From>(choice % 3),
                                     .chain = static_cast<Chain>(choice / 3 % 2),
                                     .fields = static_cast<Fields>(choice / 6 % 4)};
    const http::Scheme own = place % 2 == 0 ? http::Scheme::http : http::Scheme::https;
    std::string lines{input.text()};
    if (!lines.empty() && !lines.ends_with("\r\n")) lines += "\r\n";

    const std::string_view stranger = strangers[place / 2 % strangers.size()];
    const auto strange = read(settings, stranger, own, lines);
    if (!strange) return 0;
    const auto silent = read(settings, stranger, own, "");
    hold(strange->client == stranger && strange->scheme == own && strange->host == own_host,
         "a stranger is itself", lines);
    hold(strange->lines == silent->lines, "a stranger's word is nothing", strange->lines);

    const std::string_view peer = trusted_peers[place / 2 % trusted_peers.size()];
    const auto reading = read(settings, peer, own, lines);
    hold(reading.has_value(), "the same head");
    hold(reading->client == peer || parse_address(reading->client).has_value(),
         "a client is an address", reading->client);
    check_lines(*reading, settings.fields);
    const bool is_x = settings.fields == Fields::x_forwarded || settings.fields == Fields::both;
    if (settings.from == From::x_forwarded_for && settings.chain == Chain::append && is_x)
        check_plain_list(lines, peer, *reading);

    // A gateway behind ours, which trusts ours.
    if (settings.fields != Fields::none) {
        config::Forwarded next = settings;
        next.from = is_x ? From::x_forwarded_for : From::forwarded;
        const auto behind = read(next, "10.0.0.99", http::Scheme::http, reading->lines);
        hold(behind.has_value(), "our lines are read again", reading->lines);
        const bool is_long = std::count(reading->lines.begin(), reading->lines.end(), ',') >= 64;
        hold(is_long || behind->client == without_zone(reading->client) ||
                 parse_address(behind->client) == parse_peer(reading->client),
             "the next one comes to the same client", reading->lines);
        hold(is_long || (behind->scheme == reading->scheme && behind->host == reading->host),
             "and to the same scheme and host", reading->lines);
    }

    // A proxy adds what it knows, in a line of its own or to the last one.
    const bool is_standard = settings.from == From::forwarded;
    if (settings.from == From::x_real_ip) return 0;
    const std::string name = is_standard ? "Forwarded: " : "X-Forwarded-For: ";
    const std::string said = is_standard ? "for=\"203.0.113.9:80\";by=_x" : "203.0.113.9";
    for (const std::string& added :
         {lines + name + said + "\r\n", lines + name + "x\r\n" + name + said + "\r\n"}) {
        const auto after = read(settings, peer, own, added);
        hold(!after || after->client == "203.0.113.9", "a proxy's own word decides", added);
    }
    const std::string one_line = name + fuzz::without_blanks(lines.substr(0, lines.find('\r')));
    const auto after = read(settings, peer, own, one_line + ", " + said + "\r\n");
    hold(!after || after->client == "203.0.113.9", "also in one line with others", one_line);
    return 0;
}
