// Lists of hops are read from their end: that is where the nearest proxy has added what it knows.
// What stands before it was said by whoever came to that proxy, so nothing there can change how the
// end is read: not a quote that is never closed, and not a list without end.

#include "http/forwarded.hpp"

#include "base/ascii.hpp"
#include "http/limits.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace keygate::http {

namespace {

constexpr std::string_view forwarded = "Forwarded";
constexpr std::string_view x_forwarded_for = "X-Forwarded-For";
constexpr std::string_view x_forwarded_proto = "X-Forwarded-Proto";
constexpr std::string_view x_forwarded_host = "X-Forwarded-Host";
constexpr std::string_view x_real_ip = "X-Real-IP";

enum class Quotes : std::uint8_t { mean_nothing, hold_commas };

/// Where the last member of a list begins behind its comma, or npos.
std::size_t last_comma(std::string_view list, Quotes quotes) {
    if (quotes == Quotes::mean_nothing) return list.rfind(',');
    bool is_quoted = false;
    for (std::size_t i = list.size(); i-- > 0;) {
        if (list[i] == '"') is_quoted = !is_quoted;
        if (list[i] == ',' && !is_quoted) return i;
    }
    return std::string_view::npos;
}

/// The members of all fields of one name, from the last one to the first, also empty ones.
class Members {
  public:
    Members(const Head& head, std::string_view name, Quotes quotes)
        : fields_(head.all())
        , name_(name)
        , quotes_(quotes) {}

    bool next(std::string_view& member) {
        while (!has_line_) {
            if (fields_.empty()) return false;
            has_line_ = ascii::equal_ignoring_case(fields_.back().name, name_);
            line_ = fields_.back().value;
            fields_ = fields_.first(fields_.size() - 1);
        }
        const std::size_t comma = last_comma(line_, quotes_);
        has_line_ = comma != std::string_view::npos;
        member = ascii::trimmed(has_line_ ? line_.substr(comma + 1) : line_);
        if (has_line_) line_ = line_.substr(0, comma);
        return true;
    }

  private:
    std::span<const Field> fields_; // before the line
    std::string_view name_;
    Quotes quotes_;
    std::string_view line_; // before the member
    bool has_line_ = false;
};

/// The value of the one field of that name; nothing where there is none or more.
std::optional<std::string_view> only_value(const Head& head, std::string_view name) {
    std::optional<std::string_view> value;
    for (const Field& field : head.all()) {
        if (!ascii::equal_ignoring_case(field.name, name)) continue;
        if (value) return std::nullopt;
        value = field.value;
    }
    return value;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_token_char);
}

/// Takes a pair of RFC 7239 4 off an element: `for=192.0.2.7`, `for="[2001:db8::1]:80"`. False
/// where there is none that could be read in one way only.
bool take_pair(std::string_view& element, std::string_view& name, std::string_view& value) {
    const std::size_t equals = element.find('=');
    if (equals == std::string_view::npos) return false;
    name = element.substr(0, equals);
    element.remove_prefix(equals + 1);
    if (element.starts_with('"')) {
        const std::size_t end = element.find('"', 1);
        if (end == std::string_view::npos || element[end - 1] == '\\') return false;
        value = element.substr(1, end - 1);
        element.remove_prefix(end + 1);
    } else {
        value = element.substr(0, element.find_first_of("; \t\""));
        element.remove_prefix(value.size());
    }
    element = ascii::trimmed(element);
    return is_token(name) && (element.empty() || element.front() == ';');
}

/// A parameter of an element, without quotes. Nothing where the element has it not or twice, or is
/// not one.
std::optional<std::string_view> parameter(std::string_view element, std::string_view wanted) {
    std::optional<std::string_view> found;
    while (!element.empty()) {
        std::string_view name;
        std::string_view value;
        if (!take_pair(element, name, value)) return std::nullopt;
        if (ascii::equal_ignoring_case(name, wanted)) {
            if (found) return std::nullopt;
            found = value;
        }
        if (!element.empty()) element = ascii::trimmed(element.substr(1)); // its semicolon
    }
    return found;
}

/// `80`, or as RFC 7239 6.2 hides it `_a`.
bool is_port(std::string_view text) {
    if (text.starts_with('_')) return is_token(text.substr(1));
    return text.size() <= 5 && !text.empty() &&
           std::all_of(text.begin(), text.end(), ascii::is_digit);
}

/// An address as proxies write it: `192.0.2.7`, `192.0.2.7:80`, `2001:db8::1`, `[2001:db8::1]:80`.
std::optional<Address> parse_hop(std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
        text = text.substr(1, end - 1);
        if (text.find(':') == std::string_view::npos) return std::nullopt;
        return parse_address(text);
    }
    const std::size_t colon = text.find(':');
    if (colon == text.rfind(':') && colon != std::string_view::npos) { // of a port
        if (!is_port(text.substr(colon + 1))) return std::nullopt;
        text = text.substr(0, colon);
    }
    return parse_address(text);
}

std::optional<Scheme> scheme_named(std::string_view name) {
    for (const Scheme scheme : {Scheme::http, Scheme::https})
        if (name == to_string(scheme)) return scheme;
    return std::nullopt;
}

/// A zone means something on our host alone.
std::string_view without_zone(std::string_view address) {
    return address.substr(0, address.find('%'));
}

} // namespace

std::string_view to_string(Scheme scheme) {
    return scheme == Scheme::https ? "https" : "http";
}

/// The hops that a trusted peer names.
struct ForwardedRules::Way {
    std::array<Address, most_hops> hops{}; // nearest first
    std::size_t count = 0;
    std::optional<std::size_t> client; // of the hops
    std::string_view element;          // of `Forwarded`, which names it
};

/// What the upstream is told: some hops, and behind them the last one.
struct ForwardedRules::Tale {
    std::span<const Address> hops;     // nearest first
    std::optional<std::size_t> client; // of the hops; else it is the last one
    std::string_view last;
    Scheme scheme;
    std::string_view host;
};

ForwardedRules::ForwardedRules(const config::Forwarded& settings)
    : from_(settings.from)
    , chain_(settings.chain)
    , fields_(settings.fields) {
    for (const std::string& text : settings.trusted)
        trusted_.push_back(parse_network(text).value());
}

ForwardedRules::Way ForwardedRules::walk(const RequestHead& head, Depth depth) const {
    Way way;
    if (from_ == From::x_real_ip) {
        const auto address = parse_hop(only_value(head, x_real_ip).value_or(std::string_view{}));
        if (!address) return way;
        way.hops[way.count++] = *address;
        way.client = 0;
        return way;
    }
    const bool is_standard = from_ == From::forwarded;
    Members members{head, is_standard ? forwarded : x_forwarded_for,
                    is_standard ? Quotes::hold_commas : Quotes::mean_nothing};
    bool is_client_open = true;
    std::string_view member;
    for (std::size_t seen = 0; seen < most_hops && members.next(member); ++seen) {
        if (member.empty()) continue; // RFC 9110 5.6.1
        const auto address =
            parse_hop(is_standard ? parameter(member, "for").value_or("") : member);
        // What stands before it cannot be told from what was made up, by nobody behind us either.
        if (!address) break;
        way.hops[way.count++] = *address;
        if (!is_client_open) continue;
        way.client = way.count - 1;
        way.element = member;
        is_client_open = is_within(*address, trusted_);
        if (!is_client_open && depth == Depth::client) break;
    }
    return way;
}

std::optional<Scheme> ForwardedRules::scheme_told(const RequestHead& head, const Way& way) const {
    std::string_view name;
    if (from_ == From::forwarded)
        name = parameter(way.element, "proto").value_or("");
    else if (!Members{head, x_forwarded_proto, Quotes::mean_nothing}.next(name))
        return std::nullopt;
    return scheme_named(name);
}

std::string_view ForwardedRules::host_told(const RequestHead& head, const Way& way) const {
    const auto name = from_ == From::forwarded ? parameter(way.element, "host")
                                               : only_value(head, x_forwarded_host);
    return name && is_valid_host(*name) ? *name : head.host;
}

void ForwardedRules::write_x_forwarded(std::string& out, const Tale& tale) {
    out.append("X-Forwarded-For: ");
    for (std::size_t i = tale.hops.size(); i-- > 0;)
        out.append(AddressText{tale.hops[i]}.view()).append(", ");
    out.append(tale.last).append("\r\nX-Forwarded-Proto: ").append(to_string(tale.scheme));
    out.append("\r\n");
    if (!tale.host.empty()) out.append("X-Forwarded-Host: ").append(tale.host).append("\r\n");
}

/// What the client has asked for stands beside its address, once.
void ForwardedRules::write_forwarded(std::string& out, const Tale& tale) {
    const auto write_hop = [&](std::string_view address, bool is_client) {
        const bool is_v6 = address.find(':') != std::string_view::npos;
        out.append(is_v6 ? "for=\"[" : "for=").append(address);
        if (is_v6) out.append("]\"");
        if (!is_client) return;
        out.append(";proto=").append(to_string(tale.scheme));
        if (!tale.host.empty()) out.append(";host=\"").append(tale.host).append("\"");
    };
    out.append("Forwarded: ");
    for (std::size_t i = tale.hops.size(); i-- > 0;) {
        write_hop(AddressText{tale.hops[i]}.view(), tale.client == i);
        out.append(", ");
    }
    write_hop(tale.last, !tale.client);
    out.append("\r\n");
}

Told ForwardedRules::tell(const RequestHead& head, std::string_view peer, Scheme own) const {
    Told told{peer, own};
    if (trusted_.empty()) return told;
    const auto address = parse_peer(peer);
    told.is_peer_trusted_ = address && is_within(*address, trusted_);
    if (!told.is_peer_trusted_) return told;
    const Way way = walk(head, Depth::client);
    if (way.client) told.client_.emplace(way.hops[*way.client]);
    told.scheme_ = scheme_told(head, way).value_or(own);
    return told;
}

std::string_view ForwardedRules::host(const RequestHead& head, const Told& told) const {
    if (!told.is_peer_trusted()) return head.host;
    return host_told(head, from_ == From::forwarded ? walk(head, Depth::client) : Way{});
}

void ForwardedRules::write_lines(std::string& out, const RequestHead& head,
                                 const Told& told) const {
    const std::string_view peer = without_zone(told.peer_);
    Tale tale{.hops = {},
              .client = {},
              .last = told.client_ ? told.client() : peer,
              .scheme = told.scheme(),
              .host = head.host};
    if (!told.is_peer_trusted()) return write_tale(out, tale);
    const Way way = walk(head, chain_ == Chain::append ? Depth::all : Depth::client);
    tale.host = host_told(head, way);
    if (chain_ == Chain::append) {
        tale.hops = {way.hops.data(), way.count};
        tale.client = way.client;
        tale.last = peer;
    }
    write_tale(out, tale);
}

void ForwardedRules::write_tale(std::string& out, const Tale& tale) const {
    if (writes_x_forwarded()) write_x_forwarded(out, tale);
    if (fields_ == Fields::forwarded || fields_ == Fields::both) write_forwarded(out, tale);
}

} // namespace keygate::http
