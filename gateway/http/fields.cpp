#include "http/fields.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace keygate::http {

namespace {

constexpr std::array<std::string_view, 29> always_reserved{
    // credentials
    "authorization",
    "proxy-authorization",
    "proxy-connection",
    // the client's address and the outer request, as proxies tell them; ours are set instead
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-real-ip",
    "x-request-id",
    // who the client is by its certificate (RFC 9440)
    "client-cert",
    "client-cert-chain",
    // another request than the one that was judged
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    // doubles of what frames the message; the real ones are written by us
    "content-length",
    "transfer-encoding",
    "host",
};

char fold(char c) {
    return ascii::is_alnum(c) ? ascii::to_lower(c) : '-';
}

std::uint64_t length_bit(std::size_t length) {
    return std::uint64_t{1} << std::min<std::size_t>(length, 63);
}

} // namespace

ReservedNames::ReservedNames(std::string_view identity_prefix,
                             std::span<const std::string> credentials) {
    for (const std::string_view name : always_reserved)
        folded_.emplace_back(name);
    for (const std::string_view word : identity_words)
        folded_.push_back(std::string{identity_prefix}.append(word));
    folded_.insert(folded_.end(), credentials.begin(), credentials.end());
    for (std::string& name : folded_)
        std::transform(name.begin(), name.end(), name.begin(), fold);
    std::sort(folded_.begin(), folded_.end());
    for (const std::string& name : folded_)
        lengths_ |= length_bit(name.size());
    for (const std::string& name : folded_) {
        const FieldName id = boost::beast::http::string_to_field(name);
        if (id != FieldName::unknown) known_.set(static_cast<std::size_t>(id));
    }
}

bool ReservedNames::contains(std::string_view name) const {
    if ((lengths_ & length_bit(name.size())) == 0) return false;
    const auto less = [](std::string_view known, std::string_view sent) {
        return std::lexicographical_compare(known.begin(), known.end(), sent.begin(), sent.end(),
                                            [](char a, char b) { return fold(a) < fold(b); });
    };
    const auto found = std::lower_bound(folded_.begin(), folded_.end(), name, less);
    return found != folded_.end() &&
           std::equal(found->begin(), found->end(), name.begin(), name.end(),
                      [](char known, char sent) { return known == fold(sent); });
}

std::string_view value_of(const Head& head, std::string_view name) {
    for (const Field& field : head.all())
        if (ascii::equal_ignoring_case(field.name, name)) return field.value;
    return {};
}

bool is_read_as(std::string_view sent, std::string_view name) {
    return std::equal(sent.begin(), sent.end(), name.begin(), name.end(),
                      [](char a, char b) { return fold(a) == fold(b); });
}

bool is_hop_by_hop(const Field& field) {
    switch (field.id) {
    case FieldName::connection:
    case FieldName::keep_alive:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authorization:
    case FieldName::proxy_connection:
    case FieldName::te:
    case FieldName::trailer:
    case FieldName::transfer_encoding:
    case FieldName::upgrade:
    case FieldName::http2_settings:
        return true;
    default:
        return false;
    }
}

bool is_connection_option(const Head& head, std::string_view name) {
    for (const Field& field : head.all()) {
        if (field.id != FieldName::connection) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const std::size_t comma = rest.find(',');
            if (ascii::equal_ignoring_case(ascii::trimmed(rest.substr(0, comma)), name))
                return true;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

} // namespace keygate::http
