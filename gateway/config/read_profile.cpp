#include "config/read_profile.hpp"

#include "config/read_key_format.hpp"
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

Answer read_answer(const View& view) {
    Answer answer;
    Fields fields{view};
    read_number(fields.need("status"), answer.status, 400, 599);
    const auto code = fields.need("code");
    read_text(code, answer.code, a_code);
    if (!answer.code.empty() && !is_plain_name(answer.code)) code->refuse(a_code);
    const auto message = fields.need("message");
    read_text(message, answer.message, "a sentence for the client's developer");
    if (answer.message.size() > longest_message)
        message->complain("a message has at most " + std::to_string(longest_message) + " bytes");
    fields.later({"headers", "body", "challenge"});
    fields.done();
    return answer;
}

void read_answers(const std::optional<View>& view, Profile& profile) {
    if (!view) return;
    std::vector<std::string> names;
    for (const Reason reason : all_reasons())
        names.emplace_back(name(reason));

    std::array<bool, reason_count> answered{};
    for (const View::Member& member : view->members("a mapping from every reason to its answer")) {
        const auto reason = reason_named(member.name);
        if (!reason) {
            view->report().add(member.view.name_place(), member.view.path(),
                               "unknown reason " + quoted(member.name) +
                                   did_you_mean(member.name, names));
            continue;
        }
        answered[index(*reason)] = true;
        profile.answers[index(*reason)] = read_answer(member.view);
    }
    if (!view->is_map()) return;
    std::vector<std::string> missing;
    for (const Reason reason : all_reasons())
        if (!answered[index(reason)]) missing.emplace_back(name(reason));
    if (!missing.empty())
        view->report().add(view->name_place(), view->path(),
                           "every reason needs an answer; missing: " + joined(missing));
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

void read_profile(const Node& root, Profile& profile, Report& report) {
    const View view{root, {}, root.place, report};
    Fields fields{view};
    if (const auto key = fields.need("key")) profile.key = read_key_format(*key);
    read_word(fields.take("default_scopes"), profile.default_scopes, scope_words);
    read_word(fields.take("trailing_slash"), profile.trailing_slash, slash_words);
    read_flag(fields.take("show_reason"), profile.show_reason);
    read_realm(fields.take("realm"), profile.realm);
    read_answers(fields.need("refusals"), profile);
    fields.later(
        {"extends", "body", "storage", "sources", "rate_fields", "cors", "answers", "owners"});
    fields.done();
}

} // namespace keygate::config
