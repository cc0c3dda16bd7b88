#include "config/read_profile.hpp"

#include "config/read_api_limits.hpp"
#include "config/read_key_format.hpp"
#include "config/read_key_rules.hpp"
#include "config/read_refusals.hpp"
#include "config/read_replies.hpp"
#include "config/read_sources.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::array<Word<TrailingSlash>, 2> slash_words{
    {{"strict", TrailingSlash::strict}, {"ignore", TrailingSlash::ignore}}};
constexpr std::array<Word<DefaultScopes>, 2> scope_words{
    {{"all", DefaultScopes::all}, {"none", DefaultScopes::none}}};

/// RFC 9110 5.6.4: the realm is sent as a quoted-string; without `"` and `\` it needs no escaping.
void read_realm(const std::optional<View>& view, std::string& realm) {
    constexpr std::string_view expected =
        "1 to 64 visible ASCII letters and spaces, without quotes and \\";
    if (!view) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    const bool is_good = text->size() <= 64 && std::all_of(text->begin(), text->end(), [](char c) {
                             return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
                         });
    if (is_good)
        realm = *text;
    else
        view->refuse(expected);
}

} // namespace

void read_profile(const Node& root, Basis basis, Profile& profile, Report& report) {
    const View view{root, {}, root.place, report};
    Fields fields{view};
    static_cast<void>(fields.take("extends")); // profiles.cpp
    const bool is_whole = basis == Basis::nothing;
    if (const auto key = is_whole ? fields.need("key") : fields.take("key"))
        profile.key = read_key_format(*key);
    const auto sources = fields.take("sources");
    read_sources(sources, profile.sources);
    const auto challenge = fields.take("challenge");
    if (sources && !challenge) profile.challenge = challenge_for(profile.sources);
    read_token(challenge, profile.challenge);
    read_word(fields.take("default_scopes"), profile.default_scopes, scope_words);
    read_word(fields.take("trailing_slash"), profile.trailing_slash, slash_words);
    read_realm(fields.take("realm"), profile.realm);
    read_max_age(fields.take("max_age"), profile.max_age);
    read_max_keys(fields.take("max_keys_per_owner"), profile.max_keys_per_owner);
    read_limit_fields(fields.take("limit_fields"), profile.fields);
    read_self_service(fields.take("self_service"), profile.self_service);
    AnswerPlaces places;
    places.show_reason = fields.take("show_reason");
    read_flag(places.show_reason, profile.show_reason);
    places.body = fields.take("body");
    read_body(places.body, profile.body);
    if (const auto refusals = is_whole ? fields.need("refusals") : fields.take("refusals")) {
        if (is_whole)
            read_all_answers(*refusals, profile, places);
        else
            static_cast<void>(read_changes(*refusals, profile, places));
    }
    if (const auto answers = is_whole ? fields.need("answers") : fields.take("answers"))
        read_replies(*answers, is_whole ? EachReply::needed : EachReply::optional, profile);
    fields.later({"storage", "cors", "owners"});
    fields.done();
    // What is wrong by itself cannot be compared.
    if (report.empty() && basis != Basis::unsound) check_hidden(profile, places, view);
}

void read_refusals(const std::optional<View>& view, Api& api) {
    if (!view) return;
    AnswerPlaces places;
    const std::size_t mistakes = view->report().size();
    api.refusals = read_changes(*view, api.profile, places);
    if (view->is_map() && view->node().entries.empty())
        view->complain("names no reason; leave `refusals` out");
    if (view->report().size() == mistakes) check_hidden(api.profile, places, *view);
}

} // namespace keygate::config
