#include "http/cors.hpp"

#include "base/ascii.hpp"
#include "base/host_labels.hpp"

#include <algorithm>
#include <iterator>

namespace keygate::http {

namespace {

constexpr std::string_view vary_of_answers = "Vary: Origin\r\n";
constexpr std::string_view vary_of_preflights =
    "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";

/// Names that one preflight may ask for.
constexpr std::size_t most_asked = 64;

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_token_char);
}

bool holds(std::span<const std::string> names, std::string_view name) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& one) {
        return ascii::equal_ignoring_case(one, name);
    });
}

bool begins_ignoring_case(std::string_view text, std::string_view beginning) {
    return text.size() >= beginning.size() &&
           ascii::equal_ignoring_case(text.substr(0, beginning.size()), beginning);
}

/// RFC 6454 4: the port that a scheme has anyway need not be said.
std::string_view without_usual_port(std::string_view origin) {
    for (const auto& [scheme, port] :
         {std::pair{std::string_view{"https://"}, std::string_view{":443"}},
          std::pair{std::string_view{"http://"}, std::string_view{":80"}}})
        if (begins_ignoring_case(origin, scheme) && origin.ends_with(port))
            origin.remove_suffix(port.size());
    return origin;
}

std::string joined(std::span<const std::string> names) {
    std::string list;
    for (const std::string& name : names)
        list.append(list.empty() ? "" : ", ").append(name);
    return list;
}

std::string_view only_value(const Head& head, FieldName id) {
    std::string_view value;
    std::size_t count = 0;
    for (const Field& field : head.all()) {
        if (field.id != id) continue;
        value = field.value;
        ++count;
    }
    return count == 1 ? value : std::string_view{};
}

/// The names that a preflight asks for; nothing where one of them is none, or there are too many.
std::optional<std::vector<std::string_view>> asked_headers(const Head& head) {
    std::vector<std::string_view> names;
    for (const Field& field : head.all()) {
        if (field.id != FieldName::access_control_request_headers) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            const std::string_view name = ascii::trimmed(rest.substr(0, comma));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
            if (name.empty()) continue; // RFC 9110 5.6.1
            if (!is_token(name) || names.size() == most_asked) return std::nullopt;
            names.push_back(name);
        }
    }
    return names;
}

} // namespace

std::vector<std::string> fields_for_clients(std::string_view identity_prefix,
                                            std::span<const config::LimitFields> families) {
    std::vector<std::string> names{"X-Request-Id", "Retry-After", "WWW-Authenticate",
                                   std::string{identity_prefix}.append("Notice")};
    const auto add = [&](std::string_view prefix, std::initializer_list<std::string_view> words) {
        for (const std::string_view word : words)
            if (std::string name = std::string{prefix}.append(word); !holds(names, name))
                names.push_back(std::move(name));
    };
    for (const config::LimitFields family : families) {
        switch (family) {
        case config::LimitFields::draft10:
            add("RateLimit", {"", "-Policy"});
            break;
        case config::LimitFields::ietf:
            add("RateLimit-", {"Limit", "Remaining", "Reset"});
            break;
        case config::LimitFields::delta:
        case config::LimitFields::epoch:
            add("X-RateLimit-", {"Limit", "Remaining", "Reset"});
            break;
        }
    }
    return names;
}

CorsRules::CorsRules(const config::Cors& settings, std::span<const std::string> exposed)
    : any_origin_(settings.any_origin)
    , answers_preflight_(settings.answers_preflight)
    , headers_(settings.headers)
    , max_age_("Access-Control-Max-Age: " + std::to_string(settings.max_age.count()) + "\r\n") {
    std::transform(settings.origins.begin(), settings.origins.end(), std::back_inserter(origins_),
                   read_origin);
    if (headers_) header_list_ = joined(*headers_);
    // Fetch 3.2.5: cookies and `*` do not go together.
    if (settings.credentials && !any_origin_)
        credentials_ = "Access-Control-Allow-Credentials: true\r\n";
    std::vector<std::string> names{exposed.begin(), exposed.end()};
    for (const std::string& name : settings.expose)
        if (!holds(names, name)) names.push_back(name);
    if (!names.empty()) exposed_ = "Access-Control-Expose-Headers: " + joined(names) + "\r\n";
}

CorsRules::Origin CorsRules::read_origin(const std::string& text) {
    Origin origin{.text = ascii::lowered(without_usual_port(text)), .end = {}};
    const std::size_t star = origin.text.find("://*.");
    if (star == std::string::npos) return origin;
    origin.end = origin.text.substr(star + 4);
    origin.text.resize(star + 3);
    return origin;
}

bool CorsRules::is_preflight(const RequestHead& head) {
    return head.method == "OPTIONS" && !origin_of(head).empty() &&
           is_token(only_value(head, FieldName::access_control_request_method));
}

std::string_view CorsRules::origin_of(const Head& head) {
    return only_value(head, FieldName::origin);
}

/// What is compared letter by letter needs no reading: there is nothing else in it.
bool CorsRules::is_of(std::string_view origin, const Origin& allowed) {
    if (allowed.end.empty()) return ascii::equal_ignoring_case(origin, allowed.text);
    if (!begins_ignoring_case(origin, allowed.text)) return false;
    origin.remove_prefix(allowed.text.size());
    return is_below(origin, allowed.end);
}

bool CorsRules::allows(std::string_view origin) const {
    if (any_origin_) return true;
    const std::string_view plain = without_usual_port(origin);
    return std::any_of(origins_.begin(), origins_.end(),
                       [&](const Origin& allowed) { return is_of(plain, allowed); });
}

void CorsRules::write_allowed(std::string& out, std::string_view origin) const {
    out.append("Access-Control-Allow-Origin: ").append(any_origin_ ? "*" : origin).append("\r\n");
    out.append(credentials_);
}

void CorsRules::write_fields(std::string& out, std::string_view origin) const {
    if (allows(origin)) {
        write_allowed(out, origin);
        out.append(exposed_);
    }
    // What is the same for all is kept as the same by caches.
    if (!any_origin_) out.append(vary_of_answers);
}

bool CorsRules::may_send(std::string_view name) const {
    return !headers_ || holds(*headers_, name);
}

/// What was asked for, if that is all right; else what would have been.
void CorsRules::write_asked_headers(std::string& out, const RequestHead& head) const {
    const auto asked = asked_headers(head);
    const bool is_good = asked && std::all_of(asked->begin(), asked->end(),
                                              [this](auto name) { return may_send(name); });
    if (is_good ? asked->empty() : header_list_.empty()) return;
    out.append("Access-Control-Allow-Headers: ");
    if (!is_good) {
        out.append(header_list_).append("\r\n");
        return;
    }
    for (std::size_t i = 0; i < asked->size(); ++i)
        out.append(i == 0 ? "" : ", ").append((*asked)[i]);
    out.append("\r\n");
}

void CorsRules::write_preflight(std::string& out, const RequestHead& head,
                                const Asked& asked) const {
    std::string fields;
    const std::string_view origin = origin_of(head);
    if (is_preflight(head) && allows(origin)) {
        write_allowed(fields, origin);
        fields.append("Access-Control-Allow-Methods: ");
        fields.append(only_value(head, FieldName::access_control_request_method)).append("\r\n");
        write_asked_headers(fields, head);
        fields.append(max_age_);
    }
    fields.append(vary_of_preflights);
    write_empty_answer(out, fields, asked);
}

} // namespace keygate::http
