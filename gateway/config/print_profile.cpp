#include "config/print_profile.hpp"

#include "base/reason.hpp"
#include "config/read_refusals.hpp"
#include "config/template.hpp"

namespace keygate::config {

namespace {

void print_body(Printer& out, const Body& body) {
    if (body.kind != Body::Kind::custom) return out.field("body", word_of(body.kind, body_words));
    out.open("body");
    out.field("type", body.type);
    out.line("template", template_yaml(out, body.shape, child_path(out.here(), "template")));
    out.close();
}

void print_headers(Printer& out, const std::vector<AnswerField>& fields) {
    if (fields.empty()) return out.line("headers", "{}");
    out.open("headers");
    for (const AnswerField& field : fields)
        out.field(field.name, field.value);
    out.close();
}

void print_refusals(Printer& out, const std::vector<AnswerChange>& refusals) {
    out.open("refusals");
    for (const AnswerChange& change : refusals) {
        out.open(name(change.reason));
        if (change.status) out.number("status", *change.status);
        if (change.code) out.field("code", *change.code);
        if (change.message) out.field("message", *change.message);
        if (change.fields) print_headers(out, *change.fields);
        if (change.body) print_body(out, *change.body);
        out.close();
    }
    out.close();
}

void print_max_age(Printer& out, const MaxAge& age) {
    if (!age.warn && !age.refuse) return out.field("max_age", "none");
    out.open("max_age");
    if (age.warn) out.duration("warn", *age.warn);
    if (age.refuse) out.duration("refuse", *age.refuse);
    out.close();
}

} // namespace

void print_profile(Printer& out, const Api& api) {
    const Profile& profile = api.profile;
    out.field("profile", profile.name);
    if (!api.refusals.empty()) print_refusals(out, api.refusals);
    print_max_age(out, profile.max_age);
    out.field("max_keys_per_owner",
              profile.max_keys_per_owner ? std::to_string(*profile.max_keys_per_owner) : "none");
    out.open("self_service");
    out.flag("cap_expiry", profile.self_service.caps_expiry);
    out.close();
}

} // namespace keygate::config
