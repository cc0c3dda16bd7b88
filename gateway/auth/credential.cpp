#include "auth/credential.hpp"

#include "base/ascii.hpp"
#include "base/wiping.hpp"
#include "http/fields.hpp"
#include "http/query.hpp"
#include "keys/format.hpp"

#include <algorithm>
#include <string_view>

namespace keygate::auth {
namespace {

using config::KeySource;
using Sources = std::span<const KeySource>;

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_token_char);
}

/// RFC 9110 11.2, RFC 6750 2.1: what a bearer credential can be written with at all.
bool is_token68(std::string_view text) {
    while (text.ends_with('='))
        text.remove_suffix(1);
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alnum(c) || std::string_view{"-._~+/"}.find(c) != std::string_view::npos;
    });
}

/// A second word, a list, or a tab: there are readers that would take another part of it than we.
Decision<std::string_view> single_word(std::string_view text) {
    const auto is_separator = [](char c) { return is_blank(c) || c == ','; };
    if (text.empty() || std::any_of(text.begin(), text.end(), is_separator))
        return Refusal{.reason = Reason::auth_malformed};
    return text;
}

bool is_in_authorization(const KeySource& source) {
    return source.kind == KeySource::Kind::bearer || source.kind == KeySource::Kind::scheme;
}

/// The one word after `Bearer`, or after another scheme that keys are sent with.
Decision<std::string_view> authorization_word(std::string_view value, Sources sources) {
    value = ascii::trimmed(value);
    const auto* const scheme_end = std::find_if(value.begin(), value.end(), is_blank);
    const std::string_view scheme{value.begin(), scheme_end};
    if (!is_token(scheme)) return Refusal{.reason = Reason::auth_malformed}; // also an empty field
    const bool is_ours = std::any_of(sources.begin(), sources.end(), [&](const KeySource& source) {
        return is_in_authorization(source) &&
               ascii::equal_ignoring_case(scheme, source.kind == KeySource::Kind::bearer
                                                      ? "Bearer"
                                                      : std::string_view{source.name});
    });
    if (!is_ours) return Refusal{.reason = Reason::auth_missing};

    std::string_view word{scheme_end, value.end()};
    while (word.starts_with(' '))
        word.remove_prefix(1);
    return single_word(word);
}

Decision<std::string_view> word_of_authorization(const http::RequestHead& head, Sources sources) {
    if (head.authorizations == 0) return Refusal{.reason = Reason::auth_missing};
    // RFC 9110 5.3: not a list, so two of them have no meaning, and we do not choose one.
    if (head.authorizations > 1) return Refusal{.reason = Reason::auth_duplicate};
    return authorization_word(head.authorization, sources);
}

/// Texts that are shorter could lie in the string object itself, which is not wiped.
constexpr std::size_t shortest_room = 64;

/// A value of the query without its escapes.
/// @param room  for it, where it has some: a copy of a key, and wiped as one.
std::string_view decoded(std::string_view value, WipingString& room) {
    if (value.find('%') == std::string_view::npos) return value;
    room.reserve(std::max(value.size(), shortest_room));
    while (!value.empty()) {
        const bool is_escape = value.front() == '%' && value.size() >= 3;
        room +=
            is_escape
                ? static_cast<char>(ascii::hex_value(value[1]) * 16 + ascii::hex_value(value[2]))
                : value.front();
        value.remove_prefix(is_escape ? 3 : 1);
    }
    return room;
}

constexpr std::string_view protocols_field = "Sec-WebSocket-Protocol";

/// Takes the next name off a list (RFC 9110 5.6.1). False where none is left.
bool take_name(std::string_view& list, std::string_view& name) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        name = ascii::trimmed(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        if (!name.empty()) return true;
    }
    return false;
}

/// Goes through the subprotocols that a request names, and tells what may be a key among them: each
/// one behind a source's name. The lines of the field are one list, also for a reader who counts
/// lines of other spellings to it.
class ProtocolWalk {
  public:
    explicit ProtocolWalk(Sources sources)
        : sources_(sources) {}

    [[nodiscard]] bool has_sources() const {
        return std::any_of(sources_.begin(), sources_.end(), [](const KeySource& source) {
            return source.kind == KeySource::Kind::websocket;
        });
    }

    /// Calls `visit(name, may_be_key, source)` for each subprotocol of the field; the last one is
    /// that of the name, or null.
    template <class Visit> void go(const http::Field& field, const Visit& visit) {
        const bool is_exact = ascii::equal_ignoring_case(field.name, protocols_field);
        std::string_view list = field.value;
        std::string_view name;
        while (take_name(list, name)) {
            const KeySource* const source = source_named(name);
            visit(name, follows_any_ || (is_exact && follows_exact_), source);
            follows_any_ = source != nullptr;
            if (is_exact) follows_exact_ = source != nullptr;
        }
    }

  private:
    [[nodiscard]] const KeySource* source_named(std::string_view name) const {
        const auto found =
            std::find_if(sources_.begin(), sources_.end(), [&](const KeySource& source) {
                return source.kind == KeySource::Kind::websocket && source.name == name;
            });
        return found == sources_.end() ? nullptr : &*found;
    }

    Sources sources_;
    bool follows_any_ = false;   // a source's name, in a field of any spelling
    bool follows_exact_ = false; // … of the right one
};

/// The one word that a request has in any of its places.
class Search {
  public:
    Search(const http::RequestHead& head, std::string_view query, Sources sources)
        : head_(head)
        , query_(query)
        , sources_(sources) {}

    /// @param room  that the word may lie in.
    Decision<std::string_view> word(WipingString& room) {
        if (std::any_of(sources_.begin(), sources_.end(), is_in_authorization))
            take(word_of_authorization(head_, sources_));
        for (const KeySource& source : sources_) {
            if (source.kind == KeySource::Kind::field) take_fields(source.name);
            if (source.kind == KeySource::Kind::query) take_parameters(source.name);
            if (source.kind == KeySource::Kind::websocket) take_protocols(source.name);
        }
        if (found_ == 0) return Refusal{.reason = Reason::auth_missing};
        if (found_ > 1) return Refusal{.reason = Reason::auth_duplicate};
        if (!is_in_query_ || !first_) return first_;
        return single_word(decoded(*first_, room));
    }

  private:
    void take(const Decision<std::string_view>& word) {
        if (!word && word.error().reason == Reason::auth_missing) return;
        if (found_++ == 0) first_ = word;
    }

    void take_fields(std::string_view name) {
        for (const http::Field& field : head_.all())
            if (ascii::equal_ignoring_case(field.name, name)) take(single_word(field.value));
    }

    /// RFC 6455 4.1: names of subprotocols have a case, and all lines are one list.
    void take_protocols(std::string_view name) {
        if (!head_.upgrades_to_websocket) return;
        bool is_key = false;
        for (const http::Field& field : head_.all()) {
            if (!ascii::equal_ignoring_case(field.name, protocols_field)) continue;
            std::string_view list = field.value;
            std::string_view protocol;
            while (take_name(list, protocol)) {
                if (is_key) take(single_word(protocol));
                is_key = protocol == name;
            }
        }
        if (is_key) take(Refusal{.reason = Reason::auth_malformed});
    }

    void take_parameters(std::string_view name) {
        http::QueryParameter parameter;
        for (http::QueryReader reader{query_}; reader.next(parameter);) {
            if (!http::is_named(parameter, name)) continue;
            if (found_ == 0) is_in_query_ = true;
            take(single_word(parameter.value));
        }
    }

    const http::RequestHead& head_;
    std::string_view query_;
    Sources sources_;
    std::size_t found_ = 0;
    Decision<std::string_view> first_ = Refusal{.reason = Reason::auth_missing};
    bool is_in_query_ = false;
};

bool is_plain_bearer(Sources sources) {
    return sources.size() == 1 && sources.front().kind == KeySource::Kind::bearer;
}

std::uint8_t digest_key(Credential::Digests& digests, std::string_view key,
                        const keys::Peppers& peppers) {
    std::uint8_t count = 0;
    for (std::size_t i = 0; i < peppers.size(); ++i)
        digests[count++] = peppers.digest_of(i, key);
    digests[count++] = keys::digest_of(key);
    return count;
}

/// Does a word of the text have the shape of a key, where words end at each byte that `ends_word`
/// names?
template <class Predicate>
bool holds_key(std::string_view text, const config::KeyFormat& format, Predicate ends_word) {
    while (!text.empty()) {
        const auto end = std::find_if(text.begin(), text.end(), ends_word);
        if (keys::has_shape({text.begin(), end}, format)) return true;
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
        if (!text.empty()) text.remove_prefix(1);
    }
    return false;
}

} // namespace

Decision<Credential> read_credential(const http::RequestHead& head, std::string_view query,
                                     const config::Profile& profile, const keys::Peppers& peppers) {
    const config::KeyFormat& format = profile.key;
    WipingString room;
    const auto word = is_plain_bearer(profile.sources)
                          ? word_of_authorization(head, profile.sources)
                          : Search{head, query, profile.sources}.word(room);
    if (!word) return word.error();
    if (!is_token68(*word) || !keys::has_shape(*word, format))
        return Refusal{.reason = Reason::key_bad_format};
    Credential credential;
    if (format.is_found_by_lookup) {
        credential.digests[credential.count++] =
            keys::digest_of(keys::lookup_part(*word, format).value());
        credential.proof_count = digest_key(credential.proofs, *word, peppers);
    } else {
        credential.count = digest_key(credential.digests, *word, peppers);
    }
    credential.stated_mode = keys::stated_mode(*word, format);
    return credential;
}

std::vector<std::string_view> credentials_in(const http::RequestHead& head, std::string_view query,
                                             Sources sources) {
    std::vector<std::string_view> found;
    const auto is_named = [&](const auto& names, KeySource::Kind kind) {
        return std::any_of(sources.begin(), sources.end(), [&](const KeySource& source) {
            return source.kind == kind && names(source.name);
        });
    };
    http::QueryParameter parameter;
    for (http::QueryReader reader{query}; reader.next(parameter);)
        if (is_named([&](std::string_view name) { return http::is_named(parameter, name); },
                     KeySource::Kind::query))
            found.push_back(parameter.value);
    ProtocolWalk protocols{sources};
    const bool has_protocols = protocols.has_sources();
    for (const http::Field& field : head.all()) {
        if (field.id == http::FieldName::authorization ||
            is_named([&](std::string_view name) { return http::is_read_as(field.name, name); },
                     KeySource::Kind::field))
            found.push_back(field.value);
        else if (has_protocols && http::is_read_as(field.name, protocols_field))
            protocols.go(field, [&](std::string_view name, bool may_be_key, const KeySource*) {
                if (may_be_key) found.push_back(name);
            });
    }
    std::erase_if(found, [](std::string_view text) { return text.empty(); });
    return found;
}

WebsocketProtocols websocket_protocols_without_keys(const http::RequestHead& head, Sources sources,
                                                    std::string& out) {
    WebsocketProtocols protocols;
    ProtocolWalk walk{sources};
    if (!walk.has_sources()) return protocols;
    const std::size_t begin = out.size();
    for (const http::Field& field : head.all()) {
        if (!http::is_read_as(field.name, protocols_field)) continue;
        const bool is_exact = ascii::equal_ignoring_case(field.name, protocols_field);
        walk.go(field, [&](std::string_view name, bool may_be_key, const KeySource* source) {
            if (may_be_key || source != nullptr) {
                protocols.are_changed = true;
                if (is_exact && source != nullptr) protocols.name = source->name;
            } else if (is_exact) {
                out.append(out.size() == begin ? "" : ", ").append(name);
            }
        });
    }
    return protocols;
}

bool may_pass(const http::RequestHead& head, const config::KeyFormat& format) {
    if (head.authorizations != 1) return head.authorizations == 0;
    // Words as people write them, and again between all bytes that no key has inside:
    // `key="…"`, `user:…`, `Bearer:…`.
    const auto is_space_or_comma = [](char c) { return is_blank(c) || c == ','; };
    const auto is_punctuation = [](char c) {
        return !ascii::is_alnum(c) && c != '.' && c != '_' && c != '-';
    };
    return !holds_key(head.authorization, format, is_space_or_comma) &&
           !holds_key(head.authorization, format, is_punctuation);
}

} // namespace keygate::auth
