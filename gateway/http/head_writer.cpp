#include "http/head_writer.hpp"

#include "base/ascii.hpp"

#include <array>
#include <charconv>

namespace keygate::http {

namespace {

void write_line(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void write_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void write_length(std::string& out, std::uint64_t length) {
    out.append("Content-Length: ");
    write_number(out, length);
    out.append("\r\n");
}

constexpr std::string_view chunked_line = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view websocket_lines = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

/// RFC 9110 6.6.2: which trailers will come, of those that are passed on.
void write_trailer_names(std::string& out, const Head& head, const TrailerNames* passed) {
    if (passed == nullptr || passed->empty()) return;
    for (const Field& field : head.all()) {
        if (field.id != FieldName::trailer) continue;
        if (const std::string list = passed->announced(field.value); !list.empty())
            write_line(out, "Trailer", list);
    }
}

constexpr std::string_view websocket_protocol = "Sec-WebSocket-Protocol";

/// Is it that field, or one that a careless reader takes for it?
bool names_protocols(const Field& field) {
    if (field.id != FieldName::unknown) return field.id == FieldName::sec_websocket_protocol;
    return is_read_as(field.name, websocket_protocol);
}

/// What remains of the client's own fields.
void write_client_fields(std::string& out, const RequestHead& head, const UpstreamHead& upstream,
                         const ReservedNames& reserved) {
    for (const Field& field : head.all()) {
        if (field.id == FieldName::authorization && upstream.pass_authorization) {
            write_line(out, field.name, field.value);
            continue;
        }
        if (field.id == FieldName::expect && !(head.expects_continue && upstream.forwards_expect))
            continue;
        if (is_hop_by_hop(field) || reserved.contains(field)) continue;
        if (head.has_connection_options && is_connection_option(head, field.name)) continue;
        if (upstream.websocket_protocols && names_protocols(field)) continue;
        write_line(out, field.name, field.value);
    }
    if (upstream.websocket_protocols && !upstream.websocket_protocols->empty())
        write_line(out, websocket_protocol, *upstream.websocket_protocols);
}

/// What we say of the request, and the client cannot.
void write_our_fields(std::string& out, const RequestHead& head, const UpstreamHead& upstream) {
    out.append(upstream.identity);
    if (upstream.forwarded != nullptr) upstream.forwarded->write_lines(out, head, *upstream.told);
    if (!upstream.prefix.empty()) write_line(out, "X-Forwarded-Prefix", upstream.prefix);
    if (!upstream.client_cert.empty()) write_line(out, "Client-Cert", upstream.client_cert);
    write_line(out, "X-Request-Id", upstream.request_id);
    out.append(head.minor_version == 1 ? "Via: 1.1 " : "Via: 1.0 ").append(upstream.via);
    out.append("\r\n");
}

std::string_view host_for(const RequestHead& head, const UpstreamHead& upstream) {
    if (!upstream.host.empty()) return upstream.host;
    return head.host.empty() ? upstream.default_host : head.host;
}

} // namespace

void write_request(std::string& out, const RequestHead& head, const UpstreamHead& upstream,
                   const ReservedNames& reserved) {
    out.append(head.method).append(" ").append(upstream.before_path).append(upstream.path);
    if (upstream.before_path.empty() && upstream.path.empty()) out.append("/");
    out.append(upstream.query).append(" HTTP/1.1\r\n");
    write_line(out, "Host", host_for(head, upstream));
    write_client_fields(out, head, upstream, reserved);
    // From here on nothing that the client sent can touch what is written.
    if (head.framing == Framing::length) write_length(out, head.content_length);
    if (head.framing == Framing::chunked) {
        out.append(chunked_line);
        write_trailer_names(out, head, upstream.trailers);
    }
    if (head.upgrades_to_websocket)
        out.append(websocket_lines);
    else if (head.takes_trailers && upstream.trailers != nullptr && !upstream.trailers->empty())
        out.append("Connection: TE\r\nTE: trailers\r\n"); // RFC 9110 10.1.4
    write_our_fields(out, head, upstream);
    out.append("\r\n");
}

void replace_host(std::string& request, std::string_view host) {
    constexpr std::string_view name = "\r\nHost: ";
    const std::size_t begin = request.find(name) + name.size();
    request.replace(begin, request.find('\r', begin) - begin, host);
}

Framing framing_for_client(const ResponseHead& head, std::uint8_t minor_version) {
    if (!head.has_body) return Framing::none;
    if (head.framing == Framing::length) return Framing::length;
    return minor_version == 1 ? Framing::chunked : Framing::until_close;
}

namespace {

bool tells_of_limits(std::string_view name) {
    for (const std::string_view known : {"ratelimit", "x-ratelimit-"})
        if (name.size() >= known.size() &&
            ascii::equal_ignoring_case(name.substr(0, known.size()), known))
            return true;
    return false;
}

bool tells_of_cors(std::string_view name) {
    constexpr std::string_view beginning = "access-control-";
    return name.size() > beginning.size() &&
           ascii::equal_ignoring_case(name.substr(0, beginning.size()), beginning);
}

/// Does this line begin with the name?
bool is_field_of(std::string_view line, std::string_view name) {
    return line.size() > name.size() && line[name.size()] == ':' &&
           ascii::equal_ignoring_case(line.substr(0, name.size()), name);
}

/// Is this field of the upstream's for the client? What frames the answer, and what we say of it
/// ourselves, is not.
bool passes(const Field& field, const ResponseHead& head, const ClientHead& client) {
    if (field.id == FieldName::content_length || is_hop_by_hop(field)) return false;
    if (head.has_connection_options && is_connection_option(head, field.name)) return false;
    if (ascii::equal_ignoring_case(field.name, "x-request-id")) return false;
    if (!client.limit_fields.empty() && tells_of_limits(field.name)) return false;
    if (client.owns_cors && tells_of_cors(field.name)) return false;
    return client.notice.empty() || !is_field_of(client.notice, field.name);
}

void write_own_fields(std::string& out, const ResponseHead& head, const ClientHead& client) {
    if (framing_for_client(head, client.minor_version) == Framing::chunked) {
        out.append(chunked_line);
        write_trailer_names(out, head, client.trailers);
    }
    // The length of an answer to HEAD and of a 304 tells of the answer to a GET.
    if (head.framing == Framing::length && head.status != 204)
        write_length(out, head.content_length);
    write_line(out, "X-Request-Id", client.request_id);
    out.append(client.limit_fields).append(client.notice).append(client.cors);
    if (client.after == AfterAnswer::close)
        out.append("Connection: close\r\n");
    else if (client.minor_version == 0)
        out.append("Connection: keep-alive\r\n");
}

} // namespace

void write_response(std::string& out, const ResponseHead& head, const ClientHead& client) {
    const std::array<char, 3> status{static_cast<char>('0' + head.status / 100),
                                     static_cast<char>('0' + head.status / 10 % 10),
                                     static_cast<char>('0' + head.status % 10)};
    out.append("HTTP/1.1 ").append(status.data(), status.size()).append(" ").append(head.reason);
    out.append("\r\n");
    bool has_date = false;
    bool has_protocol = false;
    for (const Field& field : head.all()) {
        if (!passes(field, head, client)) continue;
        if (field.id == FieldName::date) has_date = true;
        if (field.id == FieldName::sec_websocket_protocol) has_protocol = true;
        write_line(out, field.name, field.value);
    }
    // An interim answer has neither body nor end.
    if (head.upgrades_to_websocket) {
        out.append(websocket_lines);
        write_line(out, "X-Request-Id", client.request_id);
        out.append(client.notice);
        if (!has_protocol && !client.websocket_protocol.empty())
            write_line(out, websocket_protocol, client.websocket_protocol);
    } else if (head.status >= 200) {
        if (!has_date) write_line(out, "Date", client.date);
        write_own_fields(out, head, client);
    }
    out.append("\r\n");
}

} // namespace keygate::http
