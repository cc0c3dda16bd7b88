// From the bytes of a client to the head that the upstream gets. The head that goes up is compared
// with a model of it: what a careless reader makes of the client's bytes, less what must not pass,
// plus what we add. It must be exactly that, also for a strict reader and for careless ones.

#include "http/head_reader.hpp"
#include "http/head_writer.hpp"
#include "http/limits.hpp"
#include "http/target.hpp"
#include "http/trailers.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "fuzz/input.hpp"
#include "fuzz/lenient.hpp"
#include "fuzz/pieces.hpp"

using namespace keygate;
using fuzz::hold;
using fuzz::LenientHead;
using fuzz::Names;

namespace {

// Two prefixes, the second one to see that it is folded as well.
constexpr std::array<std::string_view, 2> prefixes{"X-Key-", "Caller_2."};
constexpr std::string_view via = "keygate";
constexpr std::string_view address = "192.0.2.1";
constexpr std::string_view request_id = "0123456789abcdef";
constexpr std::string_view server = "upstream.example:3000";
// With our own lines a head must still be one that a strict reader takes.
constexpr std::size_t most_fields = 80;

/// SAFETY of names: these are ours, or would change what the upstream thinks of the request.
const Names& reserved_names() {
    static const Names names{"authorization",
                             "proxy-authorization",
                             "proxy-connection",
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
                             "client-cert",
                             "client-cert-chain",
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
                             "content-length",
                             "transfer-encoding",
                             "host"};
    return names;
}

/// RFC 9110 7.6.1.
const Names& hop_by_hop_names() {
    static const Names names{
        "connection",        "keep-alive", "proxy-authenticate",
        "proxy-connection",  "te",         "proxy-authorization",
        "trailer",           "upgrade",    "http2-settings",
        "transfer-encoding",
    };
    return names;
}

std::string identity_lines(std::string_view prefix) {
    std::string lines;
    for (const std::string_view word : http::identity_words)
        lines.append(prefix).append(word).append(": our ").append(word).append("\r\n");
    return lines;
}

/// What the fuzzer chooses beside the bytes.
struct Setting {
    bool is_small = false; // limits
    bool passes_authorization = false;
    bool has_identity = false;
    std::size_t prefix = 0;
    bool forwards_expect = true;
    bool passes_trailers = false;
};

/// Of the trailers that pass.
const Names& trailer_names() {
    static const Names names{"x-check", "grpc-status"};
    return names;
}

bool lies_in(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

/// Host comes from its one field; where HTTP/1.0 has none, from an absolute-form (RFC 9112 3.2.2)
/// that names a plain one.
void check_host(const http::RequestHead& head, std::string_view bytes, const LenientHead& sent) {
    const auto hosts = fuzz::values_of(sent, "host");
    if (!hosts.empty() || head.minor_version == 1)
        return hold(hosts.size() == 1 && head.host == hosts.front(), "one Host, as sent", bytes);
    const std::size_t scheme = head.target.find("://");
    std::string_view authority;
    if (const std::string name = fuzz::in_lower_case(head.target.substr(0, scheme));
        scheme != head.target.npos && (name == "http" || name == "https"))
        authority = head.target.substr(scheme + 3);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    hold(head.host.empty() || head.host == authority, "the host that the target names", bytes);
    hold(head.host.find_first_of("@,%\\ ") == head.host.npos, "a plain host", bytes);
    const bool is_simple =
        !authority.empty() && std::all_of(authority.begin(), authority.end(),
                                          [](char c) { return c >= 'a' && c <= 'z'; });
    hold(!is_simple || head.host == authority, "a plain host is taken", bytes);
}

/// What was understood of the client's bytes is what is written there.
void check_reading(const http::RequestHead& head, std::string_view bytes, const LenientHead& sent) {
    hold(!sent.has_strange_line, "each line of an accepted head has a colon", bytes);
    hold(sent == fuzz::read_leniently(bytes, fuzz::LineEnds::any), "one reading of line ends",
         bytes);
    hold(sent.fields.size() == head.field_count, "no field is lost or made up", bytes);
    for (std::size_t i = 0; i < head.field_count; ++i) {
        const http::Field& field = head.fields[i];
        hold(lies_in(field.name, bytes) && lies_in(field.value, bytes), "views of the head");
        hold(fuzz::in_lower_case(field.name) == sent.fields[i].name, "the same name", bytes);
        hold(field.value == sent.fields[i].value, "the same value", bytes);
    }
    std::string line{head.method};
    line.append(" ")
        .append(head.target)
        .append(head.minor_version == 1 ? " HTTP/1.1" : " HTTP/1.0");
    hold(line == sent.first_line, "a request line has one reading", bytes);

    check_host(head, bytes, sent);
    const auto lengths = fuzz::values_of(sent, "content-length");
    const auto codings = fuzz::values_of(sent, "transfer-encoding");
    hold(lengths.size() + codings.size() <= 1, "one framing", bytes);
    hold((head.framing == http::Framing::length) == (lengths.size() == 1), "framed by length",
         bytes);
    hold((head.framing == http::Framing::chunked) == (codings.size() == 1), "framed by chunks",
         bytes);
    hold(lengths.empty() || lengths.front() == std::to_string(head.content_length),
         "the length as sent", bytes);
    hold(codings.empty() ||
             (fuzz::in_lower_case(codings.front()) == "chunked" && head.minor_version == 1),
         "chunked and nothing else", bytes);
    const Names options = fuzz::connection_options(sent);
    hold(head.keep_alive == (!options.contains("close") &&
                             (head.minor_version == 1 || options.contains("keep-alive"))),
         "the connection stays open if both sides say so", bytes);
    hold(head.upgrades_to_websocket ==
             (fuzz::asks_for_websocket(sent) && head.method == "GET" && head.minor_version == 1 &&
              head.keep_alive && codings.empty() && (lengths.empty() || lengths.front() == "0")),
         "a WebSocket is what asks for one, and has no body", bytes);
    const auto credentials = fuzz::values_of(sent, "authorization");
    hold(head.authorizations == credentials.size() &&
             (credentials.empty() || head.authorization == credentials.front()),
         "the credentials as sent", bytes);
}

/// RFC 9110 10.1.4, where there are trailers to take.
bool takes_trailers(const LenientHead& sent, const Setting& setting) {
    const auto codings = fuzz::members_of(sent, "te");
    return setting.passes_trailers &&
           std::any_of(codings.begin(), codings.end(), [](const std::string& coding) {
               return fuzz::in_lower_case(coding) == "trailers";
           });
}

/// The fields that the upstream must see, in their order.
std::vector<LenientHead::Field> expected_fields(const http::RequestHead& head,
                                                const LenientHead& sent, const Setting& setting) {
    const std::string host{head.host.empty() ? server : head.host};
    const Names options = fuzz::connection_options(sent);
    const bool looks_at_options = fuzz::names_fields(options);
    Names ours;
    for (const std::string_view word : http::identity_words)
        ours.insert(fuzz::folded(std::string{prefixes[setting.prefix]}.append(word)));

    std::vector<LenientHead::Field> fields{{"host", host}};
    for (const LenientHead::Field& field : sent.fields) {
        const bool passes = field.name == "authorization" && setting.passes_authorization;
        const std::string name = fuzz::folded(field.name);
        if (!passes &&
            (hop_by_hop_names().contains(field.name) || reserved_names().contains(name) ||
             ours.contains(name) || (looks_at_options && options.contains(field.name)) ||
             (field.name == "expect" && (head.minor_version == 0 || !setting.forwards_expect))))
            continue;
        fields.push_back(field);
    }
    if (head.framing == http::Framing::length)
        fields.push_back({"content-length", std::to_string(head.content_length)});
    if (head.framing == http::Framing::chunked) fields.push_back({"transfer-encoding", "chunked"});
    if (head.framing == http::Framing::chunked && setting.passes_trailers)
        fuzz::add_trailer_fields(fields, sent, trailer_names());
    if (head.upgrades_to_websocket) {
        fields.push_back({"connection", "Upgrade"});
        fields.push_back({"upgrade", "websocket"});
    } else if (takes_trailers(sent, setting)) {
        fields.push_back({"connection", "TE"});
        fields.push_back({"te", "trailers"});
    }
    if (setting.has_identity)
        for (const std::string_view word : http::identity_words)
            fields.push_back(
                {fuzz::in_lower_case(std::string{prefixes[setting.prefix]}.append(word)),
                 "our " + std::string{word}});
    fields.push_back({"x-forwarded-for", std::string{address}});
    fields.push_back({"x-forwarded-proto", "http"});
    if (!head.host.empty()) fields.push_back({"x-forwarded-host", host});
    fields.push_back({"x-request-id", std::string{request_id}});
    fields.push_back({"via", (head.minor_version == 1 ? "1.1 " : "1.0 ") + std::string{via}});
    return fields;
}

/// What was written is read again as the same request.
void check_written(const http::RequestHead& head, const http::Target& target,
                   const std::string& written, const Setting& setting) {
    hold(fuzz::is_clean_head(written), "one clean head goes up", written);
    const auto end = http::find_head_end(written, 0, written.size() + 1);
    hold(end.state == http::HeadEnd::State::complete && end.size == written.size(),
         "the head ends where it ends", written);

    // No hop has a blank in its name, so this reader sees no loop in the `Via` lines.
    static http::RequestReader reader{{.max_target = std::size_t{64} * 1024}, "no name"};
    const auto again = reader.read(written);
    hold(again.has_value(), "a strict reader takes what goes up", written);
    const http::RequestHead& read = **again;
    hold(read.method == head.method, "the same method", written);
    hold(read.target == std::string{target.path}.append(target.query), "the judged target",
         written);
    hold(read.minor_version == 1 && read.keep_alive, "HTTP/1.1, kept open", written);
    hold(read.framing == head.framing && read.content_length == head.content_length,
         "the same framing", written);
    hold(read.host == (head.host.empty() ? server : head.host), "the same Host", written);
    hold(read.authorizations == (setting.passes_authorization ? head.authorizations : 0),
         "no credential", written);
    hold(read.expects_continue == (head.expects_continue && setting.forwards_expect),
         "the same expectation", written);
    hold(read.upgrades_to_websocket == head.upgrades_to_websocket, "the same upgrade", written);
}

void check_request(const http::RequestHead& head, std::string_view bytes, const Setting& setting) {
    const LenientHead sent = fuzz::read_leniently(bytes, fuzz::LineEnds::line_feed);
    check_reading(head, bytes, sent);

    static std::string scratch;
    const auto target = http::judge_target(head, std::size_t{8} * 1024, scratch);
    if (!target) return;
    static const std::array<http::ReservedNames, 2> reserved{http::ReservedNames{prefixes[0]},
                                                             http::ReservedNames{prefixes[1]}};
    static const std::array<http::TrailerNames, 2> trailers{
        http::TrailerNames{}, http::TrailerNames{{trailer_names().begin(), trailer_names().end()}}};
    std::string identity;
    if (setting.has_identity) identity = identity_lines(prefixes[setting.prefix]);
    static const http::ForwardedRules forwarded{config::Forwarded{}};
    const http::Told told = forwarded.tell(head, address, http::Scheme::http);
    std::string written;
    http::write_request(written, head,
                        {.path = target->path,
                         .query = target->query,
                         .default_host = server,
                         .identity = identity,
                         .forwarded = &forwarded,
                         .told = &told,
                         .request_id = request_id,
                         .via = via,
                         .trailers = &trailers[setting.passes_trailers ? 1 : 0],
                         .pass_authorization = setting.passes_authorization,
                         .forwards_expect = setting.forwards_expect},
                        reserved[setting.prefix]);
    check_written(head, *target, written, setting);

    const auto expected = expected_fields(head, sent, setting);
    for (const auto ends : {fuzz::LineEnds::line_feed, fuzz::LineEnds::any}) {
        const LenientHead seen = fuzz::read_leniently(written, ends);
        hold(!seen.has_strange_line && seen.fields == expected,
             "the upstream sees what was meant, and nothing else", written);
    }
}

bool is_known_refusal(Reason reason) {
    return reason == Reason::head_invalid || reason == Reason::head_too_large ||
           reason == Reason::target_too_long || reason == Reason::head_expectation ||
           reason == Reason::head_loop;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input{data, size};
    const unsigned choice = input.choice();
    const Setting setting{.is_small = (choice & 1U) != 0,
                          .passes_authorization = (choice & 2U) != 0,
                          .has_identity = (choice & 4U) == 0,
                          .prefix = (choice & 8U) != 0 ? std::size_t{1} : 0,
                          .forwards_expect = (choice & 16U) == 0,
                          .passes_trailers = (choice & 32U) != 0};
    const fuzz::Pieces pieces{input};

    const std::size_t max_head = setting.is_small ? 256 : std::size_t{32} * 1024;
    const auto end = fuzz::find_end_in_any_pieces(input.text(), pieces, max_head);
    if (end.state != http::HeadEnd::State::complete) return 0;
    const std::vector<char> bytes = fuzz::exact(input.text().substr(0, end.size));

    const http::RequestReader::Limits limits{.max_fields = setting.is_small ? 4 : most_fields,
                                             .max_target =
                                                 setting.is_small ? 32 : std::size_t{8} * 1024};
    http::RequestReader fresh{limits, std::string{via}};
    const auto head = fresh.read(fuzz::view(bytes));

    // One reader serves all requests of a thread: nothing of those before may be left in it.
    static std::array<http::RequestReader, 2> used{
        http::RequestReader{{.max_fields = most_fields}, std::string{via}},
        http::RequestReader{{.max_fields = 4, .max_target = 32}, std::string{via}}};
    const auto same = used[setting.is_small ? 1 : 0].read(fuzz::view(bytes));
    hold(head.has_value() == same.has_value(), "a reader keeps nothing of the head before",
         fuzz::view(bytes));
    if (!head) {
        hold(is_known_refusal(head.error().reason), "a reason of heads");
        hold(head.error().reason == same.error().reason, "the same reason each time");
        return 0;
    }
    check_request(**head, fuzz::view(bytes), setting);
    check_request(**same, fuzz::view(bytes), setting);
    return 0;
}
