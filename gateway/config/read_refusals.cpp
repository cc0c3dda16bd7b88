#include "config/read_refusals.hpp"

#include "base/ascii.hpp"
#include "config/template.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::string_view a_code = "a code: 1 to 64 letters, digits, `.`, `_` or `-`";
constexpr std::string_view a_media_type =
    "a media type of JSON such as application/json or application/vnd.shop.v1+json";
constexpr std::size_t longest_message = 500;
constexpr std::size_t longest_field = 1'000;
constexpr std::size_t most_fields = 16; // of one answer

/// A message is put together when the configuration is loaded.
constexpr std::array<std::string_view, 5> message_variables{"api", "code", "plans_with_access",
                                                            "realm", "status"};
constexpr std::array<std::string_view, 10> answer_variables{
    "api",         "code",  "message", "plans_with_access", "realm", "reason", "request_id",
    "retry_after", "scope", "status"};

/// Fields that the gateway sets itself, or that say how a message is framed and kept.
constexpr std::array<std::string_view, 18> own_fields{"connection",
                                                      "keep-alive",
                                                      "proxy-connection",
                                                      "te",
                                                      "trailer",
                                                      "upgrade",
                                                      "date",
                                                      "www-authenticate",
                                                      "allow",
                                                      "age",
                                                      "retry-after",
                                                      "cache-control",
                                                      "x-request-id",
                                                      "expires",
                                                      "set-cookie",
                                                      "x-content-type-options",
                                                      "via",
                                                      "x-key-notice"};
constexpr std::array<std::string_view, 5> own_families{"content-", "transfer-", "proxy-",
                                                       "x-ratelimit", "ratelimit"};

bool is_own_field(std::string_view name) {
    const auto is_same = [&](std::string_view known) {
        return ascii::equal_ignoring_case(known, name);
    };
    const auto begins = [&](std::string_view family) {
        return name.size() >= family.size() &&
               ascii::equal_ignoring_case(family, name.substr(0, family.size()));
    };
    return std::any_of(own_fields.begin(), own_fields.end(), is_same) ||
           std::any_of(own_families.begin(), own_families.end(), begins);
}

void read_field(const View::Member& member, std::vector<AnswerField>& out) {
    const std::string& name = member.name;
    const bool is_plain = !name.empty() && name.size() <= 64 &&
                          std::all_of(name.begin(), name.end(),
                                      [](char c) { return ascii::is_alnum(c) || c == '-'; });
    if (!is_plain)
        return member.view.complain_of_name("a header's name has 1 to 64 letters, digits or `-`");
    if (is_own_field(name))
        return member.view.complain_of_name(quoted(name) + " is set by the gateway itself, or "
                                                           "says how a message is framed or kept");
    if (std::any_of(out.begin(), out.end(), [&](const AnswerField& other) {
            return ascii::equal_ignoring_case(other.name, name);
        }))
        return member.view.complain_of_name(quoted(name) + " is listed twice");
    const std::string* value = member.view.text("a header's value");
    if (!value) return;
    check_text(member.view, answer_variables);
    if (value->size() > longest_field)
        member.view.complain("a header's value has at most " + std::to_string(longest_field) +
                             " bytes");
    // RFC 9110 5.5: blanks at its ends are not part of a value.
    if (ascii::trimmed(*value).size() != value->size())
        member.view.refuse("a header's value without spaces at its ends");
    out.push_back({name, *value});
}

void read_fields(const std::optional<View>& view, std::vector<AnswerField>& out) {
    if (!view) return;
    out.clear();
    for (const View::Member& member :
         view->members("a mapping such as {X-Docs: \"https://docs.example.com/{code}\"}"))
        read_field(member, out);
    if (out.size() > most_fields)
        view->complain("an answer has at most " + std::to_string(most_fields) + " headers");
}

/// RFC 9110 8.3.1, but only what a body of JSON can be called.
bool is_json_type(std::string_view type) {
    const std::string_view name = type.substr(0, type.find(';'));
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos || slash == 0 || type.size() > 100) return false;
    const std::string_view kind = name.substr(slash + 1);
    const auto are_tokens = [](std::string_view text) {
        return std::all_of(text.begin(), text.end(),
                           [](char c) { return ascii::is_token_char(c); });
    };
    const bool are_parameters_good = std::all_of(type.begin(), type.end(), [](char c) {
        return c == ' ' || c == ';' || c == '=' || c == '/' || ascii::is_token_char(c);
    });
    return are_tokens(name.substr(0, slash)) && are_tokens(kind) && are_parameters_good &&
           (ascii::equal_ignoring_case(kind, "json") || ascii::lowered(kind).ends_with("+json"));
}

void read_custom_body(const View& view, Body& body) {
    Fields fields{view};
    body.kind = Body::Kind::custom;
    body.type = "application/json";
    const auto type = fields.take("type");
    read_text(type, body.type, a_media_type);
    if (type && !is_json_type(body.type)) type->refuse(a_media_type);
    if (const auto shape = fields.need("template"))
        body.shape = read_template(*shape, answer_variables);
    fields.done();
}

struct AnswerViews {
    std::optional<View> status;
    std::optional<View> code;
    std::optional<View> message;
    std::optional<View> headers;
    std::optional<View> body;
};

/// Leaves alone what is not there.
void read_answer(const AnswerViews& views, Answer& answer) {
    read_number(views.status, answer.status, 400, 599);
    read_text(views.code, answer.code, a_code);
    if (views.code && !answer.code.empty() && !is_plain_name(answer.code))
        views.code->refuse(a_code);
    std::string message;
    read_text(views.message, message, "a sentence for the client's developer");
    if (!message.empty()) check_text(*views.message, message_variables);
    if (message.size() > longest_message)
        views.message->complain("a message has at most " + std::to_string(longest_message) +
                                " bytes");
    if (!message.empty()) answer.message = std::move(message);
    read_fields(views.headers, answer.fields);
    if (views.body) read_body(views.body, answer.body.emplace());
}

Answer read_whole_answer(const View& view) {
    Answer answer;
    Fields fields{view};
    const AnswerViews views{fields.need("status"), fields.need("code"), fields.need("message"),
                            fields.take("headers"), fields.take("body")};
    read_answer(views, answer);
    fields.done();
    return answer;
}

AnswerChange read_change(const View& view, Reason reason) {
    Answer answer;
    Fields fields{view};
    const AnswerViews views{fields.take("status"), fields.take("code"), fields.take("message"),
                            fields.take("headers"), fields.take("body")};
    read_answer(views, answer);
    fields.done();
    AnswerChange change;
    change.reason = reason;
    if (views.status) change.status = answer.status;
    if (views.code) change.code = std::move(answer.code);
    if (views.message) change.message = std::move(answer.message);
    if (views.headers) change.fields = std::move(answer.fields);
    if (views.body) change.body = std::move(answer.body);
    if (view.is_map() && view.node().entries.empty())
        view.complain("changes nothing; it may have `status`, `code`, `message`, `headers` and "
                      "`body`");
    return change;
}

void apply(const AnswerChange& change, Answer& answer) {
    if (change.status) answer.status = *change.status;
    if (change.code) answer.code = *change.code;
    if (change.message) answer.message = *change.message;
    if (change.fields) answer.fields = *change.fields;
    if (change.body) answer.body = *change.body;
}

/// `each(reason, view)` for every reason that is named.
template <class Each>
void read_reasons(const View& view, std::string_view expected, AnswerPlaces& places,
                  const Each& each) {
    std::vector<std::string> names;
    for (const Reason reason : all_reasons())
        names.emplace_back(name(reason));
    places.refusals = view;
    for (const View::Member& member : view.members(expected)) {
        if (const auto reason = reason_named(member.name)) {
            places.answers[index(*reason)] = member.view;
            each(*reason, member.view);
        } else {
            member.view.complain_of_name("unknown reason " + quoted(member.name) +
                                         did_you_mean(member.name, names));
        }
    }
}

// ---- what hidden reasons must not be seen by

/// Answers to these tell whether a key exists, and what has become of it.
constexpr std::array<Reason, 6> alike{Reason::key_unknown, Reason::key_bad_format,
                                      Reason::key_revoked, Reason::key_disabled,
                                      Reason::key_expired, Reason::tenant_mismatch};

bool mentions_reason(std::string_view text) {
    const auto pieces = pieces_of(text).value;
    return pieces && std::any_of(pieces->begin(), pieces->end(), [](const TextPiece& piece) {
               return piece.is_variable && piece.text == "reason";
           });
}

/// A member that is nothing but the reason is left out by itself.
bool shows_reason(const Template& shape) {
    if (shape.kind == Template::Kind::text && mentions_reason(shape.text)) return true;
    return std::any_of(shape.items.begin(), shape.items.end(), shows_reason) ||
           std::any_of(shape.members.begin(), shape.members.end(), [](const auto& member) {
               return !is_variable(member.second, "reason") && shows_reason(member.second);
           });
}

bool shows_reason(const Answer& answer) {
    return (answer.body && shows_reason(answer.body->shape)) ||
           std::any_of(answer.fields.begin(), answer.fields.end(),
                       [](const AnswerField& field) { return mentions_reason(field.value); });
}

std::string difference(const Answer& a, const Answer& b, const Body& by_default) {
    std::vector<std::string> members;
    if (a.status != b.status) members.emplace_back("status");
    if (a.code != b.code) members.emplace_back("code");
    if (a.message != b.message) members.emplace_back("message");
    if (a.fields != b.fields) members.emplace_back("headers");
    if (a.body.value_or(by_default) != b.body.value_or(by_default)) members.emplace_back("body");
    return joined(members);
}

/// The nearest that this file says of it.
const View& place_of(Reason reason, const AnswerPlaces& places, const View& otherwise) {
    if (const auto& answer = places.answers[index(reason)]) return *answer;
    if (places.show_reason) return *places.show_reason;
    return places.refusals ? *places.refusals : otherwise;
}

} // namespace

void read_body(const std::optional<View>& view, Body& body) {
    if (!view) return;
    body = {};
    if (view->is_map()) return read_custom_body(*view, body);
    std::vector<std::string> words;
    for (const auto& [word, kind] : body_words) {
        words.emplace_back(word);
        if (!view->is_scalar() || view->node().text != word) continue;
        body.kind = kind;
        return;
    }
    refuse_word(*view, words, "; or a mapping such as {type: application/json, template: …}");
}

void read_all_answers(const View& view, Profile& profile, AnswerPlaces& places) {
    std::array<bool, reason_count> answered{};
    read_reasons(view, "a mapping from every reason to its answer", places,
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

std::vector<AnswerChange> read_changes(const View& view, Profile& profile, AnswerPlaces& places) {
    std::vector<AnswerChange> changes;
    read_reasons(view, "a mapping such as {key_revoked: {status: 401, code: UNAUTHORIZED}}", places,
                 [&](Reason reason, const View& answer) {
                     changes.push_back(read_change(answer, reason));
                     apply(changes.back(), profile.answers[index(reason)]);
                 });
    return changes;
}

void check_hidden(const Profile& profile, const AnswerPlaces& places, const View& otherwise) {
    if (profile.show_reason) return;
    constexpr std::string_view hidden = "with `show_reason: false` ";
    if (shows_reason(profile.body.shape)) {
        const View& body = places.body          ? *places.body
                           : places.show_reason ? *places.show_reason
                                                : otherwise;
        body.complain(std::string{hidden} +
                      "no body can hold `{reason}`, but as a member of its own, which is left out");
    }
    for (const Reason reason : all_reasons())
        if (shows_reason(profile.answers[index(reason)]))
            place_of(reason, places, otherwise)
                .complain(std::string{hidden} + "the answer to " + quoted(name(reason)) +
                          " cannot hold `{reason}`");
    const Answer& unknown = profile.answers[index(alike.front())];
    for (const Reason reason : alike) {
        const std::string members =
            difference(profile.answers[index(reason)], unknown, profile.body);
        if (members.empty()) continue;
        const bool is_other_ours =
            !places.answers[index(reason)] && places.answers[index(alike.front())];
        place_of(is_other_ours ? alike.front() : reason, places, otherwise)
            .complain(std::string{hidden} + "the answers to " + quoted(name(reason)) + " and " +
                      quoted(name(alike.front())) + " must be the same; they differ in " + members);
    }
}

} // namespace keygate::config
