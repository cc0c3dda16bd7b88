// A refusal is what its profile says with variables in it. All that is known when the configuration
// is loaded is put in then; what is left for a request is its id nearly always, and then the length
// of the body is known too and stands in the page. Where more is left (`{scope}`, `{retry_after}`)
// the body is written first and measured.

#include "http/refusal_pages.hpp"

#include "base/ascii.hpp"
#include "config/template.hpp"
#include "http/proxy_status.hpp"
#include "http/request_id.hpp"

#include <optional>
#include <utility>

namespace keygate::http {

namespace {

using config::Body;
using Shape = config::Template;

Shape text(std::string value) {
    return {.kind = Shape::Kind::text, .text = std::move(value), .items = {}, .members = {}};
}

Shape object(std::vector<std::pair<std::string, Shape>> members) {
    return {.kind = Shape::Kind::object, .text = {}, .items = {}, .members = std::move(members)};
}

Shape error_object() {
    return object({{"code", text("{code}")},
                   {"reason", text("{reason}")},
                   {"message", text("{message}")},
                   {"request_id", text("{request_id}")}});
}

/// The bodies that a profile names by a word. `{title}` is theirs alone: it is the status' phrase.
Shape shape_of(const Body& body) {
    switch (body.kind) {
    case Body::Kind::code:
        return object({{"error", error_object()}});
    case Body::Kind::envelope:
        return object(
            {{"success",
              {.kind = Shape::Kind::literal, .text = "false", .items = {}, .members = {}}},
             {"error", error_object()}});
    case Body::Kind::problem: // RFC 9457 4.2.1: `about:blank` has the phrase as its title
        return object({{"type", text("about:blank")},
                       {"title", text("{title}")},
                       {"status", text("{status}")},
                       {"detail", text("{message}")},
                       {"code", text("{code}")},
                       {"reason", text("{reason}")},
                       {"request_id", text("{request_id}")}});
    case Body::Kind::plain:
    case Body::Kind::custom:
        break;
    }
    return body.shape;
}

std::string media_type(const Body& body) {
    switch (body.kind) {
    case Body::Kind::code:
    case Body::Kind::envelope:
        return "application/json";
    case Body::Kind::problem:
        return "application/problem+json";
    case Body::Kind::plain:
        return "text/plain; charset=utf-8";
    case Body::Kind::custom:
        break;
    }
    return body.type;
}

Shape without_reason(Shape shape) {
    std::erase_if(shape.members,
                  [](const auto& member) { return is_variable(member.second, "reason"); });
    for (auto& member : shape.members)
        member.second = without_reason(std::move(member.second));
    for (Shape& item : shape.items)
        item = without_reason(std::move(item));
    return shape;
}

Template body_template(const Body& body, bool show_reason) {
    if (body.kind == Body::Kind::plain)
        return Template::plain("{message}\nRequest id: {request_id}\n");
    Shape shape = shape_of(body);
    return Template::json(show_reason ? shape : without_reason(std::move(shape))).then("\n");
}

/// RFC 6750 3.1: which error a challenge names; empty where the client sent no credential.
std::string_view challenge_error(Reason reason) {
    switch (reason) {
    case Reason::auth_missing:
        return "";
    case Reason::auth_malformed:
    case Reason::auth_duplicate:
        return "invalid_request";
    case Reason::scope_missing:
        return "insufficient_scope";
    default:
        return "invalid_token";
    }
}

bool is_bearer(const config::Profile& profile) {
    return ascii::equal_ignoring_case(profile.challenge, "Bearer");
}

std::string challenge_with(const config::Profile& profile, std::string_view error) {
    std::string challenge =
        "WWW-Authenticate: " + profile.challenge + " realm=\"" + profile.realm + '"';
    if (!error.empty()) challenge.append(", error=\"").append(error).append("\"");
    return challenge;
}

/// RFC 9110 15.5.2: every 401 carries a challenge. A missing scope carries one with any status
/// where the scheme has a word for it.
std::string challenge_for(const config::Profile& profile, Reason reason, unsigned status) {
    const bool tells_scope = reason == Reason::scope_missing && is_bearer(profile);
    if (status != 401 && !tells_scope) return {};
    return challenge_with(profile, challenge_error(reason));
}

/// RFC 6750 3: the letters of a scope; a path can have a part in its name.
void append_scope(std::string& out, std::string_view scopes) {
    for (const char c : scopes) {
        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\')
            out += c;
        else
            ascii::append_percent(out, c);
    }
}

/// `Bloom or Thrive`, `a, b or c`
std::string plans_with_access(const std::vector<config::Plan>& plans) {
    std::vector<std::string_view> names;
    for (const config::Plan& plan : plans)
        if (plan.api_access) names.push_back(plan.name);
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
        out += names[i];
    }
    return out;
}

/// A client that is told to come back should be told when; our own trouble may be over soon.
std::uint64_t retry_after_of(unsigned status, const Refusal& refusal) {
    const auto seconds = refusal.retry_after.count();
    if (seconds > 0) return static_cast<std::uint64_t>(seconds);
    return status == 503 ? 1 : 0;
}

/// What of a refusal only its request knows.
struct Known {
    std::string_view request_id;
    std::string_view scope;
    std::uint64_t retry_after = 0;

    void operator()(std::string_view name, Slot& slot) const {
        if (name == "request_id") slot.text(request_id);
        if (name == "retry_after" && retry_after > 0) slot.number(retry_after);
        if (name == "scope" && !scope.empty()) slot.text(scope);
    }
};

} // namespace

/// Puts in what is known when the configuration is loaded.
class RefusalPages::Renderer {
  public:
    Renderer(const config::Profile& profile, std::string_view api, std::string plans,
             std::string_view via, config::ProxyStatus tells)
        : profile_(profile)
        , via_(via)
        , tells_(tells)
        , api_(api)
        , plans_(std::move(plans)) {}

    [[nodiscard]] Page page(Reason reason) const {
        const config::Answer& answer = profile_.answers[index(reason)];
        const std::string message = message_of(answer);
        const auto known = [&](std::string_view name, Slot& slot) {
            if (name == "status") slot.number(answer.status);
            if (name == "title") slot.text(status_phrase(answer.status));
            if (name == "code") slot.text(answer.code);
            if (name == "reason") slot.text(keygate::name(reason));
            if (name == "message") slot.text(message);
            fill(name, slot);
        };
        const Body& body = answer.body ? *answer.body : profile_.body;
        Page page;
        page.status = answer.status;
        page.body = body_template(body, profile_.show_reason).filled(known);
        std::optional<std::size_t> length;
        if (page.body.count() == page.body.count("request_id")) {
            page.around_ids = page.body.letters();
            length = length_of(page.around_ids);
        }
        write_own_head(page.head, answer.status, media_type(body), length);
        page.head += proxy_status(reason, answer.status);
        page.fields = fields_of(answer).filled(known);
        if (page.fields.count() == 0) {
            page.fields.render(page.head, known);
            page.fields = {};
        }
        page.challenge = challenge_for(profile_, reason, answer.status);
        return page;
    }

    [[nodiscard]] Template problem_body() const {
        return body_template(profile_.body, profile_.show_reason)
            .filled([&](std::string_view name, Slot& slot) { fill(name, slot); });
    }

  private:
    void fill(std::string_view name, Slot& slot) const {
        if (name == "realm") slot.text(profile_.realm);
        if (name == "api") slot.text(api_);
        if (name == "plans_with_access") slot.text(plans_);
    }

    [[nodiscard]] std::string message_of(const config::Answer& answer) const {
        std::string out;
        Template::plain(answer.message).render(out, [&](std::string_view name, Slot& slot) {
            if (name == "status") slot.number(answer.status);
            if (name == "code") slot.text(answer.code);
            fill(name, slot);
        });
        return out;
    }

    [[nodiscard]] std::string proxy_status(Reason reason, unsigned status) const {
        using config::ProxyStatus;
        const bool tells =
            tells_ == ProxyStatus::all || (tells_ == ProxyStatus::errors && status >= 500);
        return tells ? proxy_status_line(via_, reason, profile_.show_reason) : std::string{};
    }

    static std::size_t length_of(const std::vector<std::string>& around_ids) {
        std::size_t length = (around_ids.size() - 1) * RequestId::size;
        for (const std::string& letters : around_ids)
            length += letters.size();
        return length;
    }

    static Template fields_of(const config::Answer& answer) {
        Template lines;
        for (const config::AnswerField& field : answer.fields)
            lines.then(field.name).then(": ").then(Template::field(field.value)).then("\r\n");
        return lines;
    }

    const config::Profile& profile_;
    std::string_view via_;
    config::ProxyStatus tells_;
    std::string_view api_;
    std::string plans_;
};

RefusalPages::RefusalPages(const config::Api& api, std::string_view via, config::ProxyStatus tells)
    : RefusalPages(Renderer{api.profile, api.name, plans_with_access(api.plans), via, tells},
                   api.profile) {}

RefusalPages::RefusalPages(const config::Profile& profile, std::string_view via,
                           config::ProxyStatus tells)
    : RefusalPages(Renderer{profile, {}, {}, via, tells}, profile) {}

RefusalPages::RefusalPages(const Renderer& renderer, const config::Profile& profile)
    : problem_body_(renderer.problem_body())
    , problem_type_(media_type(profile.body))
    , problem_challenge_(challenge_with(profile, {}) + "\r\n")
    , challenge_takes_scope_(is_bearer(profile)) {
    for (const Reason reason : all_reasons())
        pages_[index(reason)] = renderer.page(reason);
}

void RefusalPages::write(std::string& out, const Refusal& refusal, const Request& request) const {
    const Page& page = pages_[index(refusal.reason)];
    const bool tells_scope = refusal.reason == Reason::scope_missing;
    const Known known{.request_id = request.request_id,
                      .scope = tells_scope ? refusal.detail : std::string_view{},
                      .retry_after = retry_after_of(page.status, refusal)};
    out.append(page.head);
    if (!page.challenge.empty()) {
        out.append(page.challenge);
        if (challenge_takes_scope_ && !known.scope.empty()) {
            out.append(", scope=\"");
            append_scope(out, known.scope);
            out.append("\"");
        }
        out.append("\r\n");
    }
    if (page.status == 405) { // RFC 9110 10.2.1: present even if no method is allowed
        const bool tells_methods = refusal.reason == Reason::route_method;
        out.append("Allow: ").append(tells_methods ? refusal.detail : std::string_view{});
        out.append("\r\n");
    }
    if (known.retry_after > 0)
        out.append("Retry-After: ").append(std::to_string(known.retry_after)).append("\r\n");
    page.fields.render(out, known);
    write_asked_fields(out, request);
    if (page.around_ids.empty())
        return write_measured_body(out, request,
                                   [&](std::string& to) { page.body.render(to, known); });
    out.append("\r\n");
    if (request.is_head) return;
    out.append(page.around_ids.front());
    // It is made of letters that stand for themselves anywhere (request_id.hpp).
    for (std::size_t i = 1; i < page.around_ids.size(); ++i)
        out.append(request.request_id).append(page.around_ids[i]);
}

void RefusalPages::write_problem(std::string& out, const Problem& problem,
                                 const Request& request) const {
    const auto known = [&](std::string_view name, Slot& slot) {
        if (name == "status") slot.number(problem.status);
        if (name == "title") slot.text(status_phrase(problem.status));
        if (name == "code") slot.text(problem.code);
        if (name == "reason") slot.text(problem.reason);
        if (name == "message") slot.text(problem.message);
        if (name == "request_id") slot.text(request.request_id);
    };
    write_own_answer(out, problem.status, problem_type_,
                     problem.status == 401 ? std::string_view{problem_challenge_}
                                           : std::string_view{},
                     request, [&](std::string& to) { problem_body_.render(to, known); });
}

} // namespace keygate::http
