// From the bytes of an upstream to the head that a client gets, for clients of both versions and
// for answers to HEAD. As in request_head_fuzz.cpp, what is written is compared with a model of it.

#include "http/head_reader.hpp"
#include "http/head_writer.hpp"
#include "http/limits.hpp"
#include "http/trailers.hpp"

#include <array>
#include <string>

#include "fuzz/input.hpp"
#include "fuzz/lenient.hpp"
#include "fuzz/pieces.hpp"

using namespace keygate;
using fuzz::hold;
using fuzz::LenientHead;
using fuzz::Names;
using http::Framing;

namespace {

constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view request_id = "0123456789abcdef";

/// RFC 9110 7.6.1, and what is written anew.
const Names& replaced_names() {
    static const Names names{"connection",
                             "keep-alive",
                             "proxy-authenticate",
                             "proxy-connection",
                             "te",
                             "proxy-authorization",
                             "trailer",
                             "upgrade",
                             "http2-settings",
                             "transfer-encoding",
                             "content-length",
                             "x-request-id"};
    return names;
}

/// What the fuzzer chooses beside the bytes.
struct Setting {
    bool is_head_answer = false;
    bool closes = false;
    bool passes_trailers = false;
    std::uint8_t minor_version = 1; // of the client
};

/// Of the trailers that pass.
const Names& trailer_names() {
    static const Names names{"x-check", "grpc-status"};
    return names;
}

bool is_bodiless(unsigned status) {
    return status < 200 || status == 204;
}

/// What was understood of the upstream's bytes is what is written there.
void check_reading(const http::ResponseHead& head, std::string_view bytes, const LenientHead& sent,
                   const Setting& setting) {
    hold(!sent.has_strange_line, "each line of an accepted head has a colon", bytes);
    hold(sent == fuzz::read_leniently(bytes, fuzz::LineEnds::any), "one reading of line ends",
         bytes);
    hold(sent.fields.size() == head.field_count, "no field is lost or made up", bytes);
    for (std::size_t i = 0; i < head.field_count; ++i) {
        const http::Field& field = head.fields[i];
        hold(fuzz::in_lower_case(field.name) == sent.fields[i].name, "the same name", bytes);
        hold(field.value == sent.fields[i].value, "the same value", bytes);
    }
    hold(head.status >= 100 && head.status <= 599, "a status", bytes);
    std::string line = head.minor_version == 1 ? "HTTP/1.1 " : "HTTP/1.0 ";
    line.append(std::to_string(head.status)).append(" ").append(head.reason);
    hold(fuzz::without_blanks(line) == fuzz::without_blanks(sent.first_line),
         "a status line has one reading", bytes);

    const auto lengths = fuzz::values_of(sent, "content-length");
    const auto codings = fuzz::values_of(sent, "transfer-encoding");
    hold(lengths.size() + codings.size() <= 1, "one framing", bytes);
    hold(lengths.empty() || lengths.front() == std::to_string(head.content_length),
         "the length as sent", bytes);
    hold(codings.empty() || (fuzz::in_lower_case(codings.front()) == "chunked" &&
                             head.minor_version == 1 && !is_bodiless(head.status)),
         "chunked and nothing else", bytes);
    hold(!is_bodiless(head.status) || lengths.empty() || lengths.front() == "0",
         "no length where no body can be", bytes);
    hold(head.has_body ==
             (!is_bodiless(head.status) && head.status != 304 && !setting.is_head_answer),
         "a body where RFC 9112 6.3 has one", bytes);
    const Framing framing = !lengths.empty()   ? Framing::length
                            : !codings.empty() ? Framing::chunked
                            : head.has_body    ? Framing::until_close
                                               : Framing::none;
    hold(head.framing == framing, "the framing as sent", bytes);

    const Names options = fuzz::connection_options(sent);
    const bool stays = !options.contains("close") &&
                       (head.minor_version == 1 || options.contains("keep-alive")) &&
                       framing != Framing::until_close;
    hold(head.keep_alive == stays, "the upstream's connection stays open if both sides say so",
         bytes);
}

/// The fields that the client must see, in their order.
std::vector<LenientHead::Field> expected_fields(const http::ResponseHead& head,
                                                const LenientHead& sent,
                                                const http::ClientHead& client,
                                                const Setting& setting) {
    const Names options = fuzz::connection_options(sent);
    const bool looks_at_options = fuzz::names_fields(options);
    std::vector<LenientHead::Field> fields;
    bool has_date = false;
    for (const LenientHead::Field& field : sent.fields) {
        if (replaced_names().contains(field.name)) continue;
        if (looks_at_options && options.contains(field.name)) continue;
        has_date = has_date || field.name == "date";
        fields.push_back(field);
    }
    if (head.status == 101) {
        fields.push_back({"connection", "Upgrade"});
        fields.push_back({"upgrade", "websocket"});
        fields.push_back({"x-request-id", std::string{request_id}});
    }
    if (head.status < 200) return fields;
    if (!has_date) fields.push_back({"date", std::string{date}});
    const Framing framing = http::framing_for_client(head, client.minor_version);
    if (framing == Framing::chunked) {
        fields.push_back({"transfer-encoding", "chunked"});
        if (setting.passes_trailers) fuzz::add_trailer_fields(fields, sent, trailer_names());
    }
    if (head.framing == Framing::length && head.status != 204)
        fields.push_back({"content-length", std::to_string(head.content_length)});
    fields.push_back({"x-request-id", std::string{request_id}});
    if (client.after == http::AfterAnswer::close)
        fields.push_back({"connection", "close"});
    else if (client.minor_version == 0)
        fields.push_back({"connection", "keep-alive"});
    return fields;
}

/// A strict client takes what was written, and finds the same body in it.
void check_written(const http::ResponseHead& head, const std::string& written,
                   const http::ClientHead& client, const Setting& setting) {
    hold(fuzz::is_clean_head(written), "one clean head goes to the client", written);
    const auto end = http::find_head_end(written, 0, written.size() + 1);
    hold(end.state == http::HeadEnd::State::complete && end.size == written.size(),
         "the head ends where it ends", written);
    // With our own lines there may be more than a reader takes.
    if (head.field_count + 5 > http::max_fields) return;

    static http::ResponseReader reader;
    const auto again = reader.read(written, setting.is_head_answer);
    hold(again.has_value(), "a strict client takes what was written", written);
    const http::ResponseHead& read = **again;
    hold(read.status == head.status && read.reason == head.reason, "the same status", written);
    hold(read.has_body == head.has_body, "a body where there is one", written);
    if (head.has_body)
        hold(read.framing == http::framing_for_client(head, client.minor_version),
             "framed as announced", written);
    if (head.has_body && head.framing == Framing::length)
        hold(read.content_length == head.content_length, "the same length", written);
    if (head.status >= 200)
        hold(read.keep_alive == (client.after == http::AfterAnswer::keep_alive),
             "the client knows whether the connection stays", written);
    if (client.minor_version == 0)
        hold(
            fuzz::values_of(fuzz::read_leniently(written, fuzz::LineEnds::any), "transfer-encoding")
                .empty(),
            "an HTTP/1.0 client gets no chunks", written);
}

void check_answer(const http::ResponseHead& head, std::string_view bytes, const Setting& setting) {
    const LenientHead sent = fuzz::read_leniently(bytes, fuzz::LineEnds::line_feed);
    check_reading(head, bytes, sent, setting);
    hold(head.upgrades_to_websocket ==
             (head.status == 101 && head.minor_version == 1 && fuzz::asks_for_websocket(sent)),
         "a WebSocket is opened by a 101 that says so", bytes);
    // The exchange passes no other upgrade on, and tells HTTP/1.0 clients of no interim answer.
    if (head.status == 101 && !head.upgrades_to_websocket) return;
    if (head.status < 200 && setting.minor_version == 0) return;

    static const std::array<http::TrailerNames, 2> trailers{
        http::TrailerNames{}, http::TrailerNames{{trailer_names().begin(), trailer_names().end()}}};
    const Framing framing = http::framing_for_client(head, setting.minor_version);
    hold(head.has_body == (framing != Framing::none), "a body is framed");
    const bool closes = setting.closes || framing == Framing::until_close;
    const http::ClientHead client{.minor_version = setting.minor_version,
                                  .after = closes ? http::AfterAnswer::close
                                                  : http::AfterAnswer::keep_alive,
                                  .date = date,
                                  .request_id = request_id,
                                  .trailers = &trailers[setting.passes_trailers ? 1 : 0]};
    std::string written;
    http::write_response(written, head, client);
    check_written(head, written, client, setting);
    const auto expected = expected_fields(head, sent, client, setting);
    for (const auto ends : {fuzz::LineEnds::line_feed, fuzz::LineEnds::any}) {
        const LenientHead seen = fuzz::read_leniently(written, ends);
        hold(!seen.has_strange_line && seen.fields == expected,
             "the client sees what was meant, and nothing else", written);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input{data, size};
    const unsigned choice = input.choice();
    const fuzz::Pieces pieces{input};
    const auto end = fuzz::find_end_in_any_pieces(input.text(), pieces, std::size_t{64} * 1024);
    if (end.state != http::HeadEnd::State::complete) return 0;
    const std::vector<char> bytes = fuzz::exact(input.text().substr(0, end.size));

    // One reader serves all answers of a thread: nothing of those before may be left in it.
    static http::ResponseReader used;
    for (const bool is_head_answer : {(choice & 1U) != 0, (choice & 1U) == 0}) {
        http::ResponseReader fresh;
        const auto head = fresh.read(fuzz::view(bytes), is_head_answer);
        const auto same = used.read(fuzz::view(bytes), is_head_answer);
        hold(head.has_value() == same.has_value(), "a reader keeps nothing of the head before",
             fuzz::view(bytes));
        if (!head) {
            hold(head.error().reason == Reason::upstream_invalid &&
                     same.error().reason == Reason::upstream_invalid,
                 "a bad answer has one reason");
            continue;
        }
        for (const std::uint8_t minor_version : {std::uint8_t{1}, std::uint8_t{0}}) {
            const Setting setting{.is_head_answer = is_head_answer,
                                  .closes = (choice & 2U) != 0,
                                  .passes_trailers = (choice & 4U) != 0,
                                  .minor_version = minor_version};
            check_answer(**head, fuzz::view(bytes), setting);
            check_answer(**same, fuzz::view(bytes), setting);
        }
    }
    return 0;
}
