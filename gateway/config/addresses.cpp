#include "config/addresses.hpp"

#include "base/ascii.hpp"
#include "config/scalars.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/scheme.hpp>
#include <boost/url/url_view.hpp>

#include <array>
#include <limits>

#include <arpa/inet.h>

namespace keygate::config {

namespace {

constexpr std::string_view a_port = "expected a port from 1 to 65535";

bool is_address(int family, const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return text.find('\0') == std::string::npos &&
           inet_pton(family, text.c_str(), bytes.data()) == 1;
}

bool is_ipv4(const std::string& text) {
    return is_address(AF_INET, text);
}

bool is_ipv6(const std::string& text) {
    return is_address(AF_INET6, text);
}

/// RFC 1123 2.1, and the `_` that container networks use. A name of digits and dots only must be an
/// address: resolvers read `10.1` as 10.0.0.1.
bool is_dns_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    if (name.find_first_not_of("0123456789.") == std::string_view::npos) return false;
    while (true) {
        const std::string_view label = name.substr(0, name.find('.'));
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
            return false;
        for (const char c : label)
            if (!ascii::is_alnum(c) && c != '-' && c != '_') return false;
        if (label.size() == name.size()) return true;
        name.remove_prefix(label.size() + 1);
    }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = parse_number(text);
    if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    return static_cast<std::uint16_t>(*port);
}

std::string bracketed(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

bool is_any(const std::string& host) {
    return host == "0.0.0.0" || host == "::";
}

bool is_v6(const std::string& host) {
    return host.find(':') != std::string::npos;
}

/// What follows `unix:`. Elsewhere `unix://` begins a URL, whose path would be another one.
Judged<Server> parse_socket(std::string_view path) {
    if (path.empty() || path.starts_with("//") || path.ends_with('/') ||
        path.find('\0') != std::string_view::npos)
        return Judged<Server>::bad(
            "expected `unix:` and a socket's path, such as unix:/run/app.sock");
    Server server;
    server.scheme = Server::Scheme::unix_socket;
    server.path = path;
    return Judged<Server>::good(std::move(server));
}

} // namespace

Judged<Endpoint> parse_endpoint(std::string_view text) {
    const auto bad = [] {
        return Judged<Endpoint>::bad(
            "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080");
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad();
    const auto port = parse_port(text.substr(colon + 1));
    std::string host{text.substr(0, colon)};
    const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (in_brackets) host = host.substr(1, host.size() - 2);
    if (!port || !(in_brackets ? is_ipv6(host) : is_ipv4(host))) return bad();
    return Judged<Endpoint>::good({ascii::lowered(host), *port});
}

std::string endpoint_text(const Endpoint& endpoint) {
    return bracketed(endpoint.host) + ":" + std::to_string(endpoint.port);
}

bool is_loopback(const Endpoint& endpoint) {
    in_addr four{};
    if (inet_pton(AF_INET, endpoint.host.c_str(), &four) == 1)
        return ntohl(four.s_addr) >> 24U == 127;
    in6_addr six{};
    return inet_pton(AF_INET6, endpoint.host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool collide(const Endpoint& a, const Endpoint& b) {
    if (a.port != b.port || a.port == 0 || is_v6(a.host) != is_v6(b.host)) return false;
    return a.host == b.host || is_any(a.host) || is_any(b.host);
}

Judged<std::string> parse_host(std::string_view text) {
    using Host = Judged<std::string>;
    std::string host = ascii::lowered(text);
    if (is_ipv6(host)) return Host::good("[" + host + "]");
    if (host.size() > 2 && host.front() == '[' && host.back() == ']' &&
        is_ipv6(host.substr(1, host.size() - 2)))
        return Host::good(host);
    if (is_ipv4(host) || is_dns_name(host)) return Host::good(host);
    if (host.starts_with("*")) return Host::bad("wildcards in `hosts` are not available yet");
    if (host.find("://") != std::string::npos || host.find('/') != std::string::npos)
        return Host::bad("expected a host without scheme and path, such as api.example.com");
    if (const std::size_t colon = host.rfind(':');
        colon != std::string::npos && parse_port(host.substr(colon + 1)))
        return Host::bad("expected a host without a port; requests to any port of it are meant");
    return Host::bad("expected an exact DNS name or an IP address");
}

Judged<std::string> parse_host_and_port(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    // `::1` is an address without a port, and what stands in brackets has its colons for itself.
    const bool has_port =
        colon != std::string_view::npos &&
        (text.starts_with('[') ? colon > 0 && text[colon - 1] == ']' : text.find(':') == colon);
    Judged<std::string> host = parse_host(has_port ? text.substr(0, colon) : text);
    if (!host.value || !has_port) return host;
    const auto port = parse_port(text.substr(colon + 1));
    if (!port || *port == 0) return Judged<std::string>::bad(std::string{a_port});
    return Judged<std::string>::good(*host.value + ":" + std::to_string(*port));
}

Judged<std::string> parse_origin(std::string_view text) {
    using Origin = Judged<std::string>;
    const auto bad = [] {
        return Origin::bad("expected an origin: scheme, host and perhaps a port, such as "
                           "https://app.example.com or https://*.example.com");
    };
    if (text == "null")
        return Origin::bad("any page can have this origin, in a frame with `sandbox`");
    const std::string lower = ascii::lowered(text);
    const bool is_https = lower.starts_with("https://");
    if (!is_https && !lower.starts_with("http://")) return bad();
    std::string origin = is_https ? "https://" : "http://";
    std::string_view rest = std::string_view{lower}.substr(origin.size());
    const bool is_wild = rest.starts_with("*.");
    if (is_wild) {
        rest.remove_prefix(2);
        origin += "*.";
    }
    Judged<std::string> host = parse_host_and_port(rest);
    const bool is_bare_v6 = !rest.starts_with('[') && host.value && host.value->front() == '[';
    if (!host.value || is_bare_v6) return bad();
    const std::string_view usual = is_https ? ":443" : ":80";
    if (host.value->ends_with(usual)) host.value->resize(host.value->size() - usual.size());
    if (is_wild && !is_dns_name(host.value->substr(0, host.value->find(':')))) return bad();
    return Origin::good(origin + *host.value);
}

Judged<Server> parse_server(std::string_view text) {
    using Result = Judged<Server>;
    if (ascii::equal_ignoring_case(text.substr(0, 5), "unix:")) return parse_socket(text.substr(5));
    const auto url = boost::urls::parse_uri(boost::urls::string_view{text.data(), text.size()});
    const bool is_https = url && url->scheme_id() == boost::urls::scheme::https;
    if (!url || !(is_https || url->scheme_id() == boost::urls::scheme::http) ||
        !url->has_authority() || url->encoded_host().empty())
        return Result::bad("expected a server such as http://127.0.0.1:3000, https://api.internal "
                           "or unix:/run/app.sock");
    if (url->has_userinfo()) return Result::bad("a server takes no user name or password");
    if (!url->encoded_path().empty() || url->has_query() || url->has_fragment())
        return Result::bad("a server takes no path: requests keep the path they came with");

    Server server;
    server.scheme = is_https ? Server::Scheme::https : Server::Scheme::http;
    server.port = is_https ? 443 : 80;
    const std::string written{url->encoded_host().data(), url->encoded_host().size()};
    const Judged<std::string> host = parse_host(written);
    if (!host.value)
        return Result::bad("expected an IP address or a DNS name as the server's host");
    server.host = *host.value;
    if (server.host.front() == '[') server.host = server.host.substr(1, server.host.size() - 2);
    if (url->has_port()) {
        const auto port = parse_port(std::string_view{url->port().data(), url->port().size()});
        if (!port || *port == 0) return Result::bad(std::string{a_port});
        server.port = *port;
    }
    return Result::good(std::move(server));
}

std::string server_text(const Server& server) {
    if (server.scheme == Server::Scheme::unix_socket) return "unix:" + server.path;
    return (server.scheme == Server::Scheme::https ? "https://" : "http://") +
           bracketed(server.host) + ":" + std::to_string(server.port);
}

} // namespace keygate::config
