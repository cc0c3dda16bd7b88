#include "auth/credential.hpp"

#include "base/ascii.hpp"
#include "keys/format.hpp"

#include <algorithm>
#include <string_view>

namespace keygate::auth {
namespace {

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

/// The one word after `Bearer`.
Decision<std::string_view> bearer_word(std::string_view value) {
    value = ascii::trimmed(value);
    const auto* const scheme_end = std::find_if(value.begin(), value.end(), is_blank);
    const std::string_view scheme{value.begin(), scheme_end};
    if (!is_token(scheme)) return Refusal{.reason = Reason::auth_malformed}; // also an empty field
    if (!ascii::equal_ignoring_case(scheme, "Bearer"))
        return Refusal{.reason = Reason::auth_missing};

    std::string_view word{scheme_end, value.end()};
    while (word.starts_with(' '))
        word.remove_prefix(1);
    // A second word, a list, or a tab: there are readers that would take another part of it than
    // we.
    const auto is_separator = [](char c) { return is_blank(c) || c == ','; };
    if (word.empty() || std::any_of(word.begin(), word.end(), is_separator))
        return Refusal{.reason = Reason::auth_malformed};
    return word;
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

Decision<Credential> read_credential(const http::RequestHead& head, const config::KeyFormat& format,
                                     const keys::Peppers& peppers) {
    if (head.authorizations == 0) return Refusal{.reason = Reason::auth_missing};
    // RFC 9110 5.3: not a list, so two of them have no meaning, and we do not choose one.
    if (head.authorizations > 1) return Refusal{.reason = Reason::auth_duplicate};

    const auto word = bearer_word(head.authorization);
    if (!word) return word.error();
    if (!is_token68(*word) || !keys::has_shape(*word, format))
        return Refusal{.reason = Reason::key_bad_format};
    Credential credential;
    for (std::size_t i = 0; i < peppers.size(); ++i)
        credential.digests[credential.count++] = peppers.digest_of(i, *word);
    credential.digests[credential.count++] = keys::digest_of(*word);
    credential.stated_mode = keys::stated_mode(*word, format);
    return credential;
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
