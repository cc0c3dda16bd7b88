#include "config/read_profile.hpp"

#include "config/read_api_limits.hpp"
#include "config/read_key_format.hpp"
#include "config/read_key_rules.hpp"
#include "config/read_sources.hpp"
#include "config/reader.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::array<Word<TrailingSlash>, 2> slash_words{
    {{"strict", TrailingSlash::strict}, {"ignore", TrailingSlash::ignore}}};
constexpr std::array<Word<DefaultScopes>, 2> scope_words{
    {{"all", DefaultScopes::all}, {"none", DefaultScopes::none}}};

constexpr std::string_view a_code = "a code: 1 to 64 letters, digits, `.`, `_` or `-`";
constexpr std::size_t longest_message = 500;

struct AnswerFields {
    std::optional<View> status;
    std::optional<View> code;
    std::optional<View> message;
};

/// Leaves alone what is not there.
void read_answer(const AnswerFields& views, Answer& answer) {
    read_number(views.status, answer.status, 400, 599);
    read_text(views.code, answer.code, a_code);
    if (views.code && !answer.code.empty() && !is_plain_name(answer.code))
        views.code->refuse(a_code);
    read_text(views.message, answer.message, "a sentence for the client's developer");
    if (views.message && answer.message.size() > longest_message)
        views.message->complain("a message has at most " + std::to_string(longest_message) +
                                " bytes");
}

Answer read_whole_answer(const View& view) {
    Answer answer;
    Fields fields{view};
    const AnswerFields views{fields.need("status"), fields.need("code"), fields.need("message")};
    read_answer(views, answer);
    fields.later({"headers", "body", "challenge"});
    fields.done();
    return answer;
}

AnswerChange read_change(const View& view, Reason reason) {
    Answer answer;
    Fields fields{view};
    const AnswerFields views{fields.take("status"), fields.take("code"), fields.take("message")};
    read_answer(views, answer);
    fields.later({"headers", "body", "challenge"});
    fields.done();
    AnswerChange change;
    change.reason = reason;
    if (views.status) change.status = answer.status;
    if (views.code) change.code = std::move(answer.code);
    if (views.message) change.message = std::move(answer.message);
    if (view.is_map() && view.node().entries.empty())
        view.complain("changes nothing; it may have `status`, `code` and `message`");
    return change;
}

void apply(const AnswerChange& change, Profile& profile) {
    Answer& answer = profile.answers[index(change.reason)];
    if (change.status) answer.status = *change.status;
    if (change.code) answer.code = *change.code;
    if (change.message) answer.message = *change.message;
}

/// `each(reason, view)` for every reason that is named.
template <class Each>
void read_reasons(const View& view, std::string_view expected, const Each& each) {
    std::vector<std::string> names;
    for (const Reason reason : all_reasons())
        names.emplace_back(name(reason));
    for (const View::Member& member : view.members(expected)) {
        if (const auto reason = reason_named(member.name))
            each(*reason, member.view);
        else
            member.view.complain_of_name("unknown reason " + quoted(member.name) +
                                         did_you_mean(member.name, names));
    }
}

void read_all_answers(const View& view, Profile& profile) {
    std::array<bool, reason_count> answered{};
    read_reasons(view, "a mapping from every reason to its answer",
                 [&](Reason reason, const View& answer) {
                     answered[index(reason)] = true;
                     profile.answers[index(reason)] = read_whole_answer(answer);
                 });
    if (!view.is_map()) return;
    std::vector<std::string> missing;
    for (const Reason reason : all_reasons())
        if (!answered[index(reason)]) missing.emplace_back(name(reason));
    if (!missing.empty())
        view.complain_of_name("every reason needs an answer; missing: " + joined(missing));
}

void read_answers(const std::optional<View>& view, Basis basis, Profile& profile) {
    if (!view) return;
    if (basis == Basis::nothing) return read_all_answers(*view, profile);
    read_reasons(
        *view, "a mapping such as {key_revoked: {status: 401, code: UNAUTHORIZED}}",
        [&](Reason reason, const View& answer) { apply(read_change(answer, reason), profile); });
}

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
    read_flag(fields.take("show_reason"), profile.show_reason);
    read_realm(fields.take("realm"), profile.realm);
    read_max_age(fields.take("max_age"), profile.max_age);
    read_max_keys(fields.take("max_keys_per_owner"), profile.max_keys_per_owner);
    read_limit_fields(fields.take("limit_fields"), profile.fields);
    read_self_service(fields.take("self_service"), profile.self_service);
    read_answers(is_whole ? fields.need("refusals") : fields.take("refusals"), basis, profile);
    fields.later({"body", "storage", "cors", "answers", "owners"});
    fields.done();
}

void read_refusals(const std::optional<View>& view, Api& api) {
    if (!view) return;
    read_reasons(*view, "a mapping such as {key_revoked: {status: 401, code: UNAUTHORIZED}}",
                 [&](Reason reason, const View& answer) {
                     api.refusals.push_back(read_change(answer, reason));
                     apply(api.refusals.back(), api.profile);
                 });
    if (view->is_map() && view->node().entries.empty())
        view->complain("names no reason; leave `refusals` out");
}

} // namespace keygate::config
