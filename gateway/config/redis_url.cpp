// A URL is taken apart by hand and not by Boost.URL: of one that is no URL it must still be said
// what is wrong with it, and which part of it is a password that nobody may see.

#include "config/redis_url.hpp"

#include "base/ascii.hpp"
#include "config/addresses.hpp"
#include "config/scalars.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace keygate::config {

namespace {

using Bad = std::optional<std::string>; // what is wrong, if anything is

constexpr std::uint32_t highest_database = 65'535;
constexpr std::string_view between = "://";
constexpr std::string_view as_percent =
    "expected special characters of a user or password as %XX: `@` as %40, `/` as %2F, `:` as "
    "%3A, `%` as %25";
constexpr std::string_view a_database = "expected a database from 0 to 65535";

/// Absent if a `%` is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size()); // no copies of a password are left behind
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = ascii::hex_value(text[i + 1]);
        const int low = ascii::hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

bool is_clean(std::string_view text) {
    return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
           });
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_scheme(std::string_view text) {
    return !text.empty() && ascii::is_alpha(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return ascii::is_alnum(c) || c == '+' || c == '-' || c == '.';
           });
}

Bad read_scheme(std::string_view scheme, RedisTransport& out) {
    static const std::vector<std::string> names{"redis", "rediss", "unix", "redis+sentinel",
                                                "redis+cluster"};
    const std::string name = ascii::lowered(scheme);
    if (name == "redis+sentinel" || name == "redis+cluster")
        return "`" + name + "://` is not available yet";
    if (name == "redis")
        out = RedisTransport::tcp;
    else if (name == "rediss")
        out = RedisTransport::tls;
    else if (name == "unix")
        out = RedisTransport::unix_socket;
    else
        return "expected redis://, rediss:// or unix://" + did_you_mean(name, names);
    return std::nullopt;
}

/// `user:password`, either of them may be empty.
Bad read_userinfo(std::string_view text, RedisUrl& out) {
    const std::size_t colon = text.find(':');
    auto user = percent_decoded(text.substr(0, colon));
    auto password = percent_decoded(colon == std::string_view::npos ? std::string_view{}
                                                                    : text.substr(colon + 1));
    if (password) out.password = Secret{std::move(*password)};
    if (!user || !password || text.find('@') != std::string_view::npos)
        return std::string{as_percent};
    if (user->size() > 128 || !is_visible(*user))
        return "expected a user of at most 128 visible characters";
    if (!is_clean(out.password.reveal()))
        return "expected a password in UTF-8 without control characters";
    out.user = std::move(*user);
    return std::nullopt;
}

Bad read_database(std::string_view text, std::uint32_t& out) {
    const auto number = parse_number(text);
    if (!number || *number > highest_database) return std::string{a_database};
    out = static_cast<std::uint32_t>(*number);
    return std::nullopt;
}

Bad read_host(std::string_view text, RedisUrl& out) {
    constexpr std::string_view expected =
        "expected a host: an IP address or a DNS name, IPv6 in brackets";
    // The port follows the brackets of an IPv6 address, whose own colons are no ports.
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos) return std::string{expected};
    const std::size_t colon = text.find(':', bracket);
    const std::string_view written = text.substr(0, colon);
    // `::1` without its brackets would be a host without a name.
    if (std::count(text.begin() + static_cast<std::ptrdiff_t>(bracket), text.end(), ':') > 1)
        return std::string{expected};
    const Judged<std::string> host = parse_host(written);
    if (!host.value) return std::string{expected};
    out.host = *host.value;
    if (out.host.front() == '[') out.host = out.host.substr(1, out.host.size() - 2);
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = parse_number(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65'535) return "expected a port from 1 to 65535";
    out.port = static_cast<std::uint16_t>(*port);
    return std::nullopt;
}

/// What follows `redis://`.
Bad read_address(std::string_view rest, RedisUrl& out) {
    if (rest.find_first_of("?#") != std::string_view::npos)
        return "expected nothing after the database: no query and no fragment";
    const std::size_t slash = rest.find('/');
    std::string_view authority = rest.substr(0, slash);
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        if (const Bad bad = read_userinfo(authority.substr(0, at), out)) return bad;
        authority.remove_prefix(at + 1);
    }
    if (Bad bad = read_host(authority, out)) return bad;
    const std::string_view database =
        slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    return database.empty() ? std::nullopt : read_database(database, out.database);
}

/// What follows `unix://`.
Bad read_socket(std::string_view rest, RedisUrl& out) {
    if (rest.find('#') != std::string_view::npos) return "expected no fragment";
    if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
        constexpr std::string_view name = "?db=";
        if (!rest.substr(query).starts_with(name))
            return "expected nothing after the path but `?db=` and a database from 0 to 65535";
        if (Bad bad = read_database(rest.substr(query + name.size()), out.database)) return bad;
        rest = rest.substr(0, query);
    }
    const std::string_view first = rest.substr(0, rest.find('/'));
    if (const std::size_t at = first.rfind('@'); at != std::string_view::npos) {
        if (const Bad bad = read_userinfo(first.substr(0, at), out)) return bad;
        rest.remove_prefix(at + 1);
    } else if (first.find(':') != std::string_view::npos) {
        // It could be a password with a `/` in it, and a path is shown.
        return "expected a path such as unix:///run/redis.sock; a `:` in the first part of a "
               "relative one is written as %3A";
    }
    auto path = percent_decoded(rest);
    if (!path || path->empty() || path->ends_with('/') || !is_clean(*path))
        return "expected a socket's path such as unix:///run/redis.sock";
    out.path = std::move(*path);
    return std::nullopt;
}

/// A path as it stands in a URL.
std::string percent_encoded(std::string_view path) {
    constexpr std::string_view odd = "%?#@:";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (odd.find(c) == std::string_view::npos)
            out += c;
        else
            out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
    return out;
}

/// `user:password` or `:password`, and the host was forgotten.
bool looks_like_credentials(std::string_view rest) {
    const std::string_view first = rest.substr(0, rest.find('/'));
    const std::size_t colon = first.find(':', first.starts_with('[') ? first.find(']') : 0);
    if (colon == std::string_view::npos) return false;
    return first.find_first_not_of("0123456789", colon + 1) != std::string_view::npos;
}

} // namespace

Judged<RedisUrl> parse_redis_url(std::string_view text) {
    using Result = Judged<RedisUrl>;
    const std::size_t end = text.find(between);
    if (end == std::string_view::npos || !is_scheme(text.substr(0, end)))
        return Result::bad("expected a URL such as redis://127.0.0.1:6379/0");
    RedisUrl url;
    if (Bad bad = read_scheme(text.substr(0, end), url.transport))
        return Result::bad(std::move(*bad));
    const std::string_view rest = text.substr(end + between.size());
    const bool is_socket = url.transport == RedisTransport::unix_socket;
    // A `/` in a password ends the host for a parser, and the rest would be taken for something
    // else.
    const std::size_t at = rest.rfind('@');
    if (!is_socket && at != std::string_view::npos && rest.find_first_of("/?#") < at)
        return Result::bad(std::string{as_percent});
    Bad bad = is_socket ? read_socket(rest, url) : read_address(rest, url);
    if (bad) return Result::bad(std::move(*bad));
    return Result::good(std::move(url));
}

std::string redis_url_text(const Redis& redis) {
    const std::string database = std::to_string(redis.database);
    if (redis.transport == RedisTransport::unix_socket)
        return "unix://" + percent_encoded(redis.path) + "?db=" + database;
    return (redis.transport == RedisTransport::tls ? "rediss://" : "redis://") +
           endpoint_text({redis.host, redis.port}) + "/" + database;
}

std::string without_credentials(std::string_view text) {
    std::string out;
    const std::size_t end = text.find(between);
    if (end != std::string_view::npos && is_scheme(text.substr(0, end))) {
        out = text.substr(0, end + between.size());
        text.remove_prefix(out.size());
    }
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        out += "…@";
        text.remove_prefix(at + 1);
    } else if (looks_like_credentials(text)) {
        return out + "…";
    }
    const std::size_t query = text.find_first_of("?#");
    out += text.substr(0, query);
    if (query == std::string_view::npos) return out;
    const std::string_view said = text.substr(query);
    const bool is_database = said.starts_with("?db=") && said.find('&') == std::string_view::npos;
    return out + (is_database ? std::string{said} : "?…");
}

} // namespace keygate::config
