#include "keys/referrer_list.hpp"

#include "base/ascii.hpp"
#include "base/host_labels.hpp"
#include "config/addresses.hpp"
#include "config/scalars.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace keygate::keys {

/// A page, or with an empty path an origin, as views into its URL.
struct ReferrerList::Page {
    std::string_view scheme;
    std::string_view host;
    std::uint16_t port = 0;
    std::string_view path; // from its `/` on, without query
};

namespace {

constexpr std::size_t longest_pattern = 2048;

/// A port of its own spelling: no sign, no leading zero, not empty.
std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = config::parse_number(text);
    if (!port || *port < 1 || *port > 65'535) return std::nullopt;
    return static_cast<std::uint16_t>(*port);
}

/// Could a reader end up at another path than the one that is compared? Whoever normalises or
/// decodes before it looks would: `/shop/../admin`, `/shop/%2e%2e/admin`, `/shop%2Fadmin`.
bool has_second_reading(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1); // its slash
        const std::string_view segment = path.substr(0, path.find('/'));
        std::size_t dots = 0;
        std::size_t letters = 0;
        for (std::size_t i = 0; i < segment.size(); ++i) {
            char c = segment[i];
            if (c == '%') {
                const int high = i + 1 < segment.size() ? ascii::hex_value(segment[i + 1]) : -1;
                const int low = i + 2 < segment.size() ? ascii::hex_value(segment[i + 2]) : -1;
                if (high < 0 || low < 0) return true;
                c = static_cast<char>(high * 16 + low);
                if (c == '/' || c == '\\' || c == '%' || c == '\0') return true;
                i += 2;
            }
            ++letters;
            if (c == '.') ++dots;
        }
        if (letters > 0 && letters <= 2 && dots == letters) return true;
        path.remove_prefix(segment.size());
    }
    return false;
}

} // namespace

std::optional<ReferrerList::Page> ReferrerList::read_page(std::string_view url) {
    const bool is_plain = std::all_of(url.begin(), url.end(),
                                      [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
    const std::size_t colon = url.find("://");
    if (!is_plain || colon == std::string_view::npos) return std::nullopt;

    Page page;
    page.scheme = url.substr(0, colon);
    const bool is_https = ascii::equal_ignoring_case(page.scheme, "https");
    if (!is_https && !ascii::equal_ignoring_case(page.scheme, "http")) return std::nullopt;
    url.remove_prefix(colon + 3);
    const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
    const std::string_view authority = url.substr(0, end);
    url.remove_prefix(end);
    if (authority.find('@') != std::string_view::npos) return std::nullopt;

    // Behind the bracket of an IPv6 address, if it is one.
    const std::size_t bracket = authority.rfind(']');
    const std::size_t port = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    page.host = authority.substr(0, port);
    page.port = is_https ? 443 : 80;
    if (port != std::string_view::npos) {
        const auto number = parse_port(authority.substr(port + 1));
        if (!number) return std::nullopt;
        page.port = *number;
    }
    // RFC 9110 10.1.3: a Referer has no fragment.
    if (page.host.empty() || url.find('#') != std::string_view::npos) return std::nullopt;
    page.path = url.substr(0, url.find('?'));
    if (page.path.empty() && !url.empty()) page.path = "/";
    if (has_second_reading(page.path)) return std::nullopt;
    return page;
}

std::optional<ReferrerList::Pattern> ReferrerList::parse_pattern(std::string_view text) {
    if (text.size() > longest_pattern || text.find('?') != std::string_view::npos)
        return std::nullopt;
    const auto page = read_page(text);
    if (!page) return std::nullopt;

    Pattern pattern;
    pattern.scheme = ascii::lowered(page->scheme);
    pattern.port = page->port;
    pattern.is_wildcard = page->host.starts_with("*.");
    const auto host = config::parse_host(page->host.substr(pattern.is_wildcard ? 2 : 0));
    const bool is_bracketed = page->host.starts_with('[');
    if (!host.value || is_bracketed != host.value->starts_with('[')) return std::nullopt;
    pattern.host = *host.value;
    if (pattern.is_wildcard) {
        // All of `com` is nobody's, and an address has no names below it.
        const bool is_name = pattern.host.find_first_not_of("0123456789.") != std::string::npos;
        if (is_bracketed || !is_name || pattern.host.find('.') == std::string::npos)
            return std::nullopt;
        pattern.host.insert(0, 1, '.');
    }
    if (page->path.empty()) return pattern;
    std::string_view path = page->path;
    if (!path.ends_with("/*")) return std::nullopt;
    path.remove_suffix(1);
    if (path.find('*') != std::string_view::npos || path.find("//") != std::string_view::npos)
        return std::nullopt;
    if (path != "/") pattern.path = path; // `/*` is the whole origin
    return pattern;
}

config::Judged<ReferrerList> ReferrerList::parse(std::span<const std::string> texts) {
    using Parsed = config::Judged<ReferrerList>;
    if (texts.size() > most)
        return Parsed::bad("expected at most " + std::to_string(most) + " referrers");
    ReferrerList list;
    for (const std::string& text : texts) {
        auto pattern = parse_pattern(text);
        if (!pattern)
            return Parsed::bad("expected origins such as https://app.example.com or "
                               "https://*.example.com, with a path only as in "
                               "https://app.example.com/shop/*; found " +
                               config::quoted(text));
        list.patterns_.push_back(std::move(*pattern));
    }
    return Parsed::good(std::move(list));
}

bool ReferrerList::is_of(const Page& page, const Pattern& pattern) {
    if (page.port != pattern.port || !ascii::equal_ignoring_case(page.scheme, pattern.scheme))
        return false;
    if (!pattern.is_wildcard) return ascii::equal_ignoring_case(page.host, pattern.host);
    return is_below(page.host, pattern.host);
}

bool ReferrerList::admits(const Referral& referral) const {
    if (referral.origins > 1 || referral.referers > 1) return false;
    std::optional<Page> origin;
    if (referral.origins == 1) {
        // RFC 6454 7: `null`, or exactly scheme, host and port.
        origin = read_page(referral.origin);
        const bool is_whole = origin && origin->path.empty();
        if (!is_whole) return false;
    }
    std::optional<Page> referer;
    if (referral.referers == 1) referer = read_page(referral.referer);

    return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
        if (origin && !is_of(*origin, pattern)) return false;
        if (pattern.path.empty() && origin) return true;
        if (!referer || !is_of(*referer, pattern)) return false;
        return pattern.path.empty() || referer->path.starts_with(pattern.path);
    });
}

bool ReferrerList::is_covered(const Pattern& narrow, const Pattern& wide) {
    if (narrow.scheme != wide.scheme || narrow.port != wide.port ||
        !narrow.path.starts_with(wide.path))
        return false;
    // A wildcard's host begins with the dot that a name below it ends with.
    if (!wide.is_wildcard) return !narrow.is_wildcard && narrow.host == wide.host;
    return narrow.host.ends_with(wide.host) &&
           (narrow.is_wildcard || narrow.host.size() > wide.host.size());
}

bool ReferrerList::covers(const ReferrerList& other) const {
    return std::all_of(
        other.patterns_.begin(), other.patterns_.end(), [this](const Pattern& narrow) {
            return std::any_of(patterns_.begin(), patterns_.end(),
                               [&](const Pattern& wide) { return is_covered(narrow, wide); });
        });
}

} // namespace keygate::keys
