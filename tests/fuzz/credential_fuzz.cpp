// `Authorization` values, and subprotocols of a WebSocket. A credential is the digest of exactly
// the one word that a plain reading of RFC 6750 finds, in the shape of the API's keys; everything
// else is refused, nothing that is a key goes to an upstream, and a wiped head holds nothing of it.

#include "auth/credential.hpp"
#include "base/secret.hpp"
#include "config/load.hpp"
#include "config/profiles.hpp"
#include "config/shipped_profiles.hpp"
#include "http/head_reader.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "fuzz/input.hpp"
#include "fuzz/lenient.hpp"

using namespace keygate;
using config::Alphabet;
using fuzz::hold;

namespace {

/// All shipped formats, one with prefixes of which one begins with the other's letters, and the
/// smallest one that keys can have.
std::vector<config::KeyFormat> make_formats() {
    std::vector<config::KeyFormat> formats;
    for (const config::ShippedProfile& shipped : config::shipped_profiles()) {
        const std::string text = "version: 1\nlisteners: [{address: \"127.0.0.1:1\"}]\n"
                                 "apis: {a: {profile: " +
                                 std::string{shipped.name} +
                                 ", upstreams: {live: {servers: [\"http://127.0.0.1:2\"]}}, "
                                 "routes: {GET /: public}}}\n";
        const auto nothing = [](const std::string&) { return std::optional<std::string>{}; };
        const config::Loaded loaded = config::load(text, "a.yaml", {nothing, nothing});
        hold(loaded.settings.has_value(), "shipped profiles load", shipped.name);
        formats.push_back(loaded.settings->apis.front().profile.key);
    }
    config::KeyFormat modes;
    modes.live_prefix = "sk_";
    modes.test_prefix = "sk_test_";
    modes.body = {Alphabet::token, 12, 128};
    formats.push_back(modes);
    config::KeyFormat small;
    small.prefix = "k";
    small.body = {Alphabet::hex, 1, 4};
    formats.push_back(small);
    return formats;
}

bool is_letter(char c, Alphabet alphabet) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool is_upper = c >= 'A' && c <= 'Z';
    switch (alphabet) {
    case Alphabet::hex:
        return is_digit || (c >= 'a' && c <= 'f');
    case Alphabet::base36:
        return is_digit || is_lower;
    case Alphabet::base62:
        return is_digit || is_lower || is_upper;
    case Alphabet::token:
        return is_digit || is_lower || is_upper || c == '.' || c == '_' || c == '-';
    }
    return false;
}

bool is_run(std::string_view text, const config::Run& run) {
    return text.size() >= run.min && text.size() <= run.max &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_letter(c, run.alphabet); });
}

/// Takes the beginning off a text, if it is that.
bool takes(std::string_view& text, std::string_view beginning) {
    if (text.substr(0, beginning.size()) != beginning) return false;
    text.remove_prefix(beginning.size());
    return true;
}

bool has_shape(std::string_view word, const std::string& prefix, const config::KeyFormat& format) {
    if (!takes(word, prefix)) return false;
    if (format.lookup.max > 0) {
        const std::string_view open = word.substr(0, format.lookup.max);
        if (!is_run(open, format.lookup) || !takes(word, open)) return false;
        if (!takes(word, format.separator)) return false;
    }
    return is_run(word, format.body);
}

bool is_key(std::string_view word, const config::KeyFormat& format) {
    if (format.live_prefix.empty()) return has_shape(word, format.prefix, format);
    return has_shape(word, format.live_prefix, format) ||
           has_shape(word, format.test_prefix, format);
}

/// The key in a value, by a plain reading: `bearer`, spaces, one word to the end.
std::optional<std::string> key_in(std::string_view value, const config::KeyFormat& format) {
    const auto first = value.find_first_not_of(" \t");
    if (first == value.npos) return std::nullopt;
    value = value.substr(first, value.find_last_not_of(" \t") - first + 1);
    if (value.size() < 7) return std::nullopt;
    std::string scheme{value.substr(0, 6)};
    std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (scheme != "bearer" || value[6] != ' ') return std::nullopt;
    const auto word = value.find_first_not_of(' ', 6);
    if (word == value.npos || !is_key(value.substr(word), format)) return std::nullopt;
    return std::string{value.substr(word)};
}

/// Is there a key among the words of a text, however they are separated?
bool holds_key(std::string_view text, const config::KeyFormat& format) {
    while (!text.empty()) {
        const auto end = std::find_if_not(text.begin(), text.end(),
                                          [](char c) { return is_letter(c, Alphabet::token); });
        const auto size = static_cast<std::size_t>(end - text.begin());
        if (size > 0 && is_key(text.substr(0, size), format)) return true;
        text.remove_prefix(std::min(text.size(), size + 1));
    }
    return false;
}

bool is_known_refusal(Reason reason) {
    return reason == Reason::auth_missing || reason == Reason::auth_malformed ||
           reason == Reason::auth_duplicate || reason == Reason::key_bad_format;
}

bool is_digest_of(const keys::Digest& digest, std::string_view text) {
    unsigned char expected[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), expected);
    return std::memcmp(expected, digest.bytes.data(), sizeof expected) == 0;
}

config::Profile with(const config::KeyFormat& format) {
    config::Profile profile;
    profile.key = format;
    return profile;
}

void check(const http::RequestHead& head, const config::KeyFormat& format) {
    const auto read = auth::read_credential(head, {}, with(format), {});
    const auto key = head.authorizations == 1 ? key_in(head.authorization, format) : std::nullopt;
    hold(read.has_value() == key.has_value(), "accepted is what a plain reading accepts",
         head.authorization);
    const bool passes = auth::may_pass(head, format);
    hold(passes || head.authorizations != 0, "where nothing is, nothing is held back");
    if (passes && head.authorizations != 0)
        hold(head.authorizations == 1 && !holds_key(head.authorization, format),
             "no key goes to the upstream", head.authorization);
    if (!read) {
        hold(is_known_refusal(read.error().reason), "a reason of credentials");
        hold((read.error().reason == Reason::auth_duplicate) == (head.authorizations > 1),
             "two credentials are called so");
        return;
    }
    hold(is_digest_of(read->digests[0], *key), "the digest of exactly the key", *key);
    hold(!passes, "what is accepted does not go to the upstream", *key);
    if (!format.live_prefix.empty()) {
        hold(read->stated_mode.has_value(), "a format with modes shows them", *key);
        const std::string& prefix =
            *read->stated_mode == keys::Mode::live ? format.live_prefix : format.test_prefix;
        hold(key->starts_with(prefix), "the mode that the key shows", *key);
    }
}

/// The same value in a whole head, and what is left of it when it has served.
void check_in_head(std::string_view value, const config::KeyFormat& format) {
    if (value.find_first_of(std::string_view{"\r\n\0", 3}) != value.npos) return;
    std::vector<char> bytes = fuzz::exact(
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: " + std::string{value} + "\r\nA: b\r\n\r\n");
    const std::string before{fuzz::view(bytes)};
    static http::RequestReader reader{{}, "keygate"};
    const auto head = reader.read(fuzz::view(bytes));
    if (!head) return;
    hold((*head)->authorizations == 1, "one credential", value);
    check(**head, format);

    const auto key = key_in(value, format);
    const auto read = auth::read_credential(**head, {}, with(format), {});
    hold(read.has_value() == key.has_value(), "the same value in a head", value);
    // As gate/exchange.cpp does it.
    const std::string_view served = (*head)->authorization;
    wipe(const_cast<char*>(served.data()), served.size());
    const std::string_view after = fuzz::view(bytes);
    if (key && key->size() > 4)
        hold(after.find(*key) == after.npos, "a key that has served is gone");
    const auto at = static_cast<std::size_t>(served.data() - bytes.data());
    hold(served.empty() || (after.substr(0, at) == before.substr(0, at) &&
                            after.substr(at + served.size()) == before.substr(at + served.size()) &&
                            served.find_first_not_of('\0') == served.npos),
         "the value is wiped, and nothing else");
}

/// The same value as a list of subprotocols: the one behind `bearer` is the key.
void check_protocols(std::string_view value, const config::KeyFormat& format) {
    const bool is_text = std::all_of(value.begin(), value.end(), [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    });
    if (!is_text) return;
    const std::string bytes{value};
    http::RequestHead head;
    head.upgrades_to_websocket = true;
    head.fields[head.field_count++] = {.id = http::FieldName::sec_websocket_protocol,
                                       .name = "Sec-WebSocket-Protocol",
                                       .value = bytes};
    config::Profile profile = with(format);
    profile.sources = {{config::KeySource::Kind::websocket, "bearer"}};

    fuzz::LenientHead lenient;
    lenient.fields.push_back({"a", bytes});
    std::vector<std::string> members = fuzz::members_of(lenient, "a");
    std::erase(members, "");
    std::vector<std::string> keys;
    std::string rest;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const bool follows = i > 0 && members[i - 1] == "bearer";
        if (follows) keys.push_back(members[i]);
        if (!follows && members[i] != "bearer") rest += (rest.empty() ? "" : ", ") + members[i];
    }
    const auto names = std::count(members.begin(), members.end(), "bearer");

    const auto read = auth::read_credential(head, {}, profile, {});
    hold(read.has_value() == (names == 1 && keys.size() == 1 && is_key(keys[0], format)),
         "accepted is what a plain reading of the list accepts", bytes);
    if (read) hold(is_digest_of(read->digests[0], keys[0]), "the digest of exactly the key", bytes);
    std::string written;
    const auto protocols = auth::websocket_protocols_without_keys(head, profile.sources, written);
    hold(written == rest, "what goes to the upstream holds no key", written);
    hold(protocols.are_changed == (names > 0) && protocols.name == (names > 0 ? "bearer" : ""),
         "what was taken out is told", bytes);
    std::vector<std::string> found;
    for (const std::string_view one : auth::credentials_in(head, {}, profile.sources)) {
        hold(one.data() >= bytes.data() && one.data() + one.size() <= bytes.data() + bytes.size(),
             "a part of the head", bytes);
        found.emplace_back(one);
    }
    hold(found == keys, "whatever may be a key is found", bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<config::KeyFormat> formats = make_formats();
    fuzz::Input input{data, size};
    const config::KeyFormat& format = formats[input.choice() % formats.size()];
    const std::uint8_t count = input.choice();
    const std::vector<char> value = fuzz::exact(input.text());

    http::RequestHead head;
    head.authorizations = count < 240 ? 1 : static_cast<std::uint8_t>(count % 3);
    if (head.authorizations > 0) head.authorization = fuzz::view(value);
    check(head, format);
    check_in_head(fuzz::view(value), format);
    check_protocols(fuzz::view(value), format);
    return 0;
}
