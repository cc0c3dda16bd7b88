#include "config/read_sources.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::size_t most_sources = 8;
constexpr std::string_view a_list =
    "a list such as [bearer, {header: X-Api-Key}, {scheme: Token}, {query: api_key}, "
    "{websocket: bearer}]";

/// Fields that say something else already: how a message is framed and routed, what it holds, who
/// sent it.
constexpr std::array<std::string_view, 24> taken_fields{"authorization",
                                                        "proxy-authorization",
                                                        "host",
                                                        "connection",
                                                        "keep-alive",
                                                        "proxy-connection",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "content-length",
                                                        "content-type",
                                                        "content-encoding",
                                                        "expect",
                                                        "cookie",
                                                        "date",
                                                        "via",
                                                        "origin",
                                                        "referer",
                                                        "forwarded",
                                                        "x-request-id",
                                                        "x-real-ip",
                                                        "client-cert",
                                                        "client-cert-chain"};

bool is_taken(std::string_view name) {
    constexpr std::string_view forwarded = "x-forwarded-";
    if (name.size() >= forwarded.size() &&
        ascii::equal_ignoring_case(name.substr(0, forwarded.size()), forwarded))
        return true;
    return std::any_of(taken_fields.begin(), taken_fields.end(), [&](std::string_view known) {
        return ascii::equal_ignoring_case(known, name);
    });
}

std::string read_field(const View& view) {
    std::string name;
    read_token(view, name);
    // `_` and `.` are how a name means one thing to us and another to the next reader.
    const bool is_plain = std::all_of(name.begin(), name.end(),
                                      [](char c) { return ascii::is_alnum(c) || c == '-'; });
    if (ascii::equal_ignoring_case(name, "authorization"))
        view.complain("of `Authorization` write `bearer`, or `{scheme: NAME}`");
    else if (ascii::equal_ignoring_case(name, "sec-websocket-protocol"))
        view.complain("of `Sec-WebSocket-Protocol` write `{websocket: NAME}`");
    else if (!is_plain)
        view.refuse("a field name of letters, digits and `-`");
    else if (is_taken(name))
        view.complain(view.seen() + " says something else in a request; expected a field of its "
                                    "own such as X-Api-Key");
    else
        return name;
    return {};
}

std::string read_scheme(const View& view) {
    std::string name;
    read_token(view, name);
    if (ascii::equal_ignoring_case(name, "bearer"))
        view.complain("of this scheme write `bearer`");
    else if (ascii::equal_ignoring_case(name, "basic"))
        view.complain("`Basic` carries a user and a password in base64, not a key");
    else
        return name;
    return {};
}

std::string read_parameter(const View& view) {
    constexpr std::string_view expected =
        "a parameter's name: 1 to 64 letters, digits, `.`, `_`, `~` or `-`";
    const std::string* text = view.text(expected);
    if (!text) return {};
    const bool is_good =
        text->size() <= 64 && std::all_of(text->begin(), text->end(), [](char c) {
            return ascii::is_alnum(c) || c == '.' || c == '_' || c == '~' || c == '-';
        });
    if (is_good) return *text;
    view.refuse(expected);
    return {};
}

/// Nothing, and a mistake, where it is none.
std::optional<KeySource> read_source(const View& view) {
    using Kind = KeySource::Kind;
    if (!view.is_map()) {
        Kind kind = Kind::bearer;
        read_word(view, kind, std::array<Word<Kind>, 1>{{{"bearer", Kind::bearer}}});
        if (view.is_scalar() && view.node().text == "bearer") return KeySource{};
        return std::nullopt;
    }
    Fields fields{view};
    const auto header = fields.take("header");
    const auto scheme = fields.take("scheme");
    const auto query = fields.take("query");
    const auto websocket = fields.take("websocket");
    fields.done();
    const int count = int{header.has_value()} + int{scheme.has_value()} + int{query.has_value()} +
                      int{websocket.has_value()};
    if (count > 1 || view.node().entries.empty())
        view.complain("a source is `bearer`, `{header: NAME}`, `{scheme: NAME}`, `{query: NAME}` "
                      "or `{websocket: NAME}`");
    if (count != 1) return std::nullopt;
    KeySource source;
    if (header) source = {Kind::field, read_field(*header)};
    if (scheme) source = {Kind::scheme, read_scheme(*scheme)};
    if (query) source = {Kind::query, read_parameter(*query)};
    if (websocket) {
        source.kind = Kind::websocket;
        read_token(websocket, source.name);
    }
    if (source.name.empty()) return std::nullopt;
    return source;
}

bool is_same(const KeySource& a, const KeySource& b) {
    if (a.kind != b.kind) return false;
    // RFC 6455 4.1 has the names of subprotocols in the letters that they are registered in.
    const bool is_exact = a.kind == KeySource::Kind::query || a.kind == KeySource::Kind::websocket;
    return is_exact ? a.name == b.name : ascii::equal_ignoring_case(a.name, b.name);
}

} // namespace

void read_sources(const std::optional<View>& view, std::vector<KeySource>& sources) {
    if (!view) return;
    std::vector<KeySource> read;
    for (const View& item : view->items(a_list)) {
        auto source = read_source(item);
        if (!source) continue;
        if (std::any_of(read.begin(), read.end(),
                        [&](const KeySource& other) { return is_same(other, *source); }))
            item.complain("this source is listed twice");
        else
            read.push_back(std::move(*source));
    }
    if (view->is_list() && view->node().items.empty())
        view->complain("lists no source; expected " + std::string{a_list});
    if (read.size() > most_sources)
        view->complain("a profile has at most " + std::to_string(most_sources) + " sources");
    if (!read.empty()) sources = std::move(read);
}

std::string challenge_for(const std::vector<KeySource>& sources) {
    std::string scheme;
    for (const KeySource& source : sources) {
        if (source.kind == KeySource::Kind::bearer) return "Bearer";
        if (source.kind == KeySource::Kind::scheme && scheme.empty()) scheme = source.name;
    }
    return scheme.empty() ? "ApiKey" : scheme;
}

} // namespace keygate::config
