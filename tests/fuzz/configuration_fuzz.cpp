// Configurations: any text, any profile file beside it and any value in the environment. Loading
// ends; a refusal names a mistake and its place in words that can be printed; what is accepted
// prints to a text that is accepted as the same; what the environment holds is not shown.
//
// The same text is also read as `rate` and `quota` of a key's record: there are limits, or a
// sentence that can be printed.
//
// The input is up to three parts with 0x1c between them: the configuration, the profile
// `profiles/own.yaml`, and the value of the variable SECRET. No real file or variable is read.

#include "config/load.hpp"
#include "config/read_limits.hpp"
#include "config/text.hpp"
#include "http/fields.hpp"
#include "http/refusal_pages.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "fuzz/input.hpp"

using namespace keygate;
using fuzz::hold;

namespace {

// Shows that a value comes from the environment, wherever it turns up.
constexpr std::string_view mark = "s3cr3t";

std::string_view take_part(std::string_view& text) {
    const std::string_view part = text.substr(0, text.find('\x1c'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    return part;
}

config::Surroundings world(std::string profile, std::string secret) {
    std::map<std::string, std::string> variables{
        {"PORT", "8080"},    {"HOST", "127.0.0.1"}, {"EMPTY", ""},   {"RATE", "100/1m"},
        {"ODD", "a\"b\\$'"}, {"WORD", "free"},      {"TRUE", "true"}};
    variables["SECRET"] = std::move(secret);
    const auto variable = [variables](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional{found->second};
    };
    const auto file = [profile = std::move(profile)](const std::string& path) {
        return path == "etc/profiles/own.yaml" ? std::optional{profile} : std::nullopt;
    };
    return {variable, file};
}

bool is_printable(std::string_view text) {
    return config::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
           });
}

std::string listed(const config::Loaded& loaded) {
    std::string out;
    for (const config::Mistake& mistake : loaded.mistakes)
        out += to_string(mistake) + "\n";
    return out;
}

void check_mistakes(const config::Loaded& loaded, std::string_view text, std::string_view profile) {
    hold(!loaded.mistakes.empty(), "a refusal names a mistake", text);
    for (const config::Mistake& mistake : loaded.mistakes) {
        const std::string line = to_string(mistake);
        hold(is_printable(line), "a mistake can be printed", line);
        hold(!mistake.message.empty() && !mistake.file.empty(), "a mistake says what is wrong",
             line);
        const std::string_view source = mistake.file == "etc/keygate.yaml" ? text : profile;
        const auto lines = std::count(source.begin(), source.end(), '\n') + 1;
        // Of a text without its last line end, a mistake may be seen on the line after.
        hold(mistake.place.line >= 1 && mistake.place.line <= lines + 1, "a mistake has a line",
             line);
        hold(mistake.place.column >= 1 &&
                 mistake.place.column <= static_cast<int>(source.size()) + 2,
             "a mistake has a column", line);
    }
}

/// What a list of limits promises to whoever counts.
void check_list(const std::vector<config::Limit>& limits, std::size_t most) {
    hold(limits.size() <= most, "limits are bounded");
    for (std::size_t i = 0; i < limits.size(); ++i) {
        const config::Limit& limit = limits[i];
        hold(!limit.name.empty() && limit.name.size() <= 64 && is_printable(limit.name),
             "a limit has a name", limit.name);
        hold(!limit.state.empty() && limit.tag != 0 && !limit.policy.empty(),
             "what a limit counts has a name", limit.name);
        if (const auto* quota = std::get_if<config::Quota>(&limit.rule))
            hold(quota->time_zone && quota->limit > 0, "a quota knows its time zone", limit.name);
        for (std::size_t j = 0; j < i; ++j)
            hold(limits[j].name != limit.name &&
                     (limits[j].state != limit.state || limits[j].by != limit.by),
                 "no two limits count the same or are called the same", limit.name);
    }
}

void check_limits(const config::Api& api) {
    for (const config::Plan& plan : api.plans)
        check_list(plan.limits, 16);
    for (const config::Route& route : api.routes) {
        check_list(route.limits, 8);
        hold(route.weight >= 1 && route.weight <= 10'000, "a route has a weight", route.text);
        hold(route.meter.empty() || route.access != config::Access::open,
             "public routes spend nobody's quota", route.text);
        for (const config::Limit& limit : route.limits)
            hold(route.access != config::Access::open || limit.by == config::LimitBy::route ||
                     limit.by == config::LimitBy::address,
                 "public routes know no keys", route.text);
    }
    if (api.limits.test_rates) check_list(*api.limits.test_rates, 8);
}

/// Both read the same, wherever it was written.
void check_same_limits(const config::Api& api, const config::Api& again) {
    const config::Limits& a = api.limits;
    const config::Limits& b = again.limits;
    hold(a.truth.value_or(*b.truth) == *b.truth && a.rates_away == b.rates_away &&
             a.quotas_away == b.quotas_away && a.concurrency_away == b.concurrency_away &&
             a.zone == b.zone && a.fields == b.fields &&
             a.test_spends_quota == b.test_spends_quota && a.test_rates == b.test_rates &&
             api.failed_auth == again.failed_auth,
         "how limits are counted stays what it is", api.name);
    for (std::size_t i = 0; i < api.plans.size(); ++i)
        hold(api.plans[i].limits == again.plans[i].limits, "plans stay what they are",
             api.plans[i].name);
    for (std::size_t i = 0; i < api.routes.size(); ++i)
        hold(api.routes[i].limits == again.routes[i].limits &&
                 api.routes[i].weight == again.routes[i].weight &&
                 api.routes[i].meter == again.routes[i].meter,
             "routes stay what they are", api.routes[i].text);
}

void check_same_way(const config::Api& api, const config::Api& again) {
    hold(api.cors == again.cors, "who may ask from elsewhere stays what it is", api.name);
    for (std::size_t i = 0; i < api.routes.size(); ++i)
        hold(api.routes[i].cors == again.routes[i].cors &&
                 api.routes[i].rewrite == again.routes[i].rewrite &&
                 api.routes[i].live_upstream == again.routes[i].live_upstream &&
                 api.routes[i].test_upstream == again.routes[i].test_upstream &&
                 api.routes[i].max_body == again.routes[i].max_body,
             "ways stay what they are", api.routes[i].text);
}

void check_record(const std::string& rate, const std::string& quota) {
    const auto judged = config::read_key_limits(rate, quota);
    hold(judged.value.has_value() == judged.wrong.empty(), "limits or a mistake", judged.wrong);
    hold(is_printable(judged.wrong), "a mistake can be printed", judged.wrong);
    if (!judged.value) return;
    if (judged.value->rates) check_list(*judged.value->rates, 8);
    check_list(judged.value->quotas, 8);
}

/// A refusal is a head without strange bytes, and as long as it says, whatever its profile makes of
/// it.
void check_refusals(const config::Api& api) {
    const http::RefusalPages pages{api};
    const std::string id(36, 'i');
    for (const Reason reason : all_reasons()) {
        const bool is_ours = reason == Reason::route_method; // its detail stands in `Allow`
        std::string answer;
        pages.write(answer,
                    {.reason = reason,
                     .retry_after = std::chrono::seconds{7},
                     .detail = is_ours ? "GET" : "a\"\r\nX: \xff"},
                    {.date = "now", .request_id = id});
        const std::size_t end = answer.find("\r\n\r\n");
        hold(end != answer.npos, "a refusal has a head", answer);
        std::string_view head = std::string_view{answer}.substr(0, end);
        const std::string length =
            "\r\nContent-Length: " + std::to_string(answer.size() - end - 4) + "\r\n";
        const auto lines = std::count(head.begin(), head.end(), '\n');
        hold(lines <= 32 && std::all_of(head.begin(), head.end(),
                                        [](char c) {
                                            return (c >= 0x20 && c < 0x7f) || c == '\r' ||
                                                   c == '\n';
                                        }),
             "a head is visible", answer);
        hold(head.find("\r\nX:") == head.npos, "no value begins a line", answer);
        hold((std::string{head} + "\r\n").find(length) != head.npos,
             "a refusal is as long as it says", answer);
    }
}

void check_upstream(const config::Upstream& upstream, std::string_view name) {
    hold(!upstream.servers.empty(), "an upstream has a server", name);
    hold(upstream.queue.max == 0 || upstream.max_connections, "who waits, waits for something",
         name);
    hold(upstream.ejection.time <= upstream.ejection.max_time && upstream.retries.budget <= 100,
         "bounds are bounds", name);
    for (const config::Server& server : upstream.servers) {
        const bool is_socket = server.scheme == config::Server::Scheme::unix_socket;
        hold(is_socket ? !server.path.empty() : !server.host.empty() && server.port != 0,
             "a server can be reached", name);
        hold(server.weight > 0, "a server has a share", name);
    }
}

/// Where a route leads, and who may ask from elsewhere.
void check_way(const config::Api& api, const config::Route& route) {
    const auto is_known = [&](const std::string& name) {
        return name.empty() || name == "live" || (name == "test" && api.test) ||
               std::any_of(api.others.begin(), api.others.end(),
                           [&](const auto& other) { return other.name == name; });
    };
    hold(is_known(route.live_upstream) && is_known(route.test_upstream) &&
             (route.test_upstream.empty() || !route.live_upstream.empty()),
         "a route leads somewhere", route.text);
    hold(!route.rewrite || route.pattern == route.rewrite->prefix ||
             route.pattern.starts_with(route.rewrite->prefix + "/"),
         "what is rewritten is there", route.text);
    hold(!route.cors || ((route.cors->any_origin != !route.cors->origins.empty()) &&
                         !(route.cors->any_origin && route.cors->credentials)),
         "pages are named, or have no cookies", route.text);
}

/// What later parts of the gateway rely on.
void check_settings(const config::Settings& settings) {
    hold(!settings.listeners.empty() && !settings.apis.empty(), "there is something to do");
    const http::ReservedNames reserved{settings.identity.prefix};
    for (const config::Api& api : settings.apis) {
        check_upstream(api.live, api.name);
        if (api.test) check_upstream(*api.test, api.name);
        for (const config::NamedUpstream& other : api.others)
            check_upstream(other.upstream, other.name);
        hold(!api.default_plan || std::any_of(api.plans.begin(), api.plans.end(),
                                              [&](const config::Plan& plan) {
                                                  return plan.name == *api.default_plan;
                                              }),
             "the default plan is one of the plans", api.name);
        const std::vector<std::string> vocabulary = api.vocabulary();
        hold(std::is_sorted(vocabulary.begin(), vocabulary.end()), "scopes are sorted", api.name);
        for (const config::Route& route : api.routes) {
            hold((route.access == config::Access::scope) == !route.scopes.empty(),
                 "a route asks for scopes or for none", route.text);
            for (const std::string& scope : route.scopes)
                hold(std::binary_search(vocabulary.begin(), vocabulary.end(), scope),
                     "a route asks for known scopes", route.text);
            hold(!route.pass_authorization || route.access == config::Access::open,
                 "credentials pass on public routes only", route.text);
            check_way(api, route);
            hold(route.pattern.starts_with('/') && is_printable(route.text), "a route is a path",
                 route.text);
        }
        check_limits(api);
        check_refusals(api);
        for (const std::string& trailer : api.trailers)
            hold(!reserved.contains(trailer), "no trailer says who calls, or frames", trailer);
        for (const config::Answer& answer : api.profile.answers)
            hold(answer.status >= 400 && answer.status <= 599 && is_printable(answer.code) &&
                     is_printable(answer.message),
                 "each reason has its answer", api.name);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest = fuzz::Input{data, size}.text();
    const std::string_view text = take_part(rest);
    const std::string_view profile = take_part(rest);
    const std::string_view secret = take_part(rest);
    const config::Surroundings surroundings = world(std::string{profile}, std::string{secret});
    const bool is_secret = secret.find(mark) != secret.npos && text.find(mark) == text.npos &&
                           profile.find(mark) == profile.npos;

    check_record(std::string{text}, {});
    check_record({}, std::string{text});
    check_record(std::string{profile}, std::string{secret});

    const config::Loaded loaded = config::load(text, "etc/keygate.yaml", surroundings);
    hold(loaded.settings.has_value() == loaded.mistakes.empty(), "settings or mistakes");
    if (is_secret) {
        const std::string said = listed(loaded);
        hold(said.find(mark) == said.npos, "mistakes do not show the environment", said);
    }
    if (!loaded.settings) {
        check_mistakes(loaded, text, profile);
        return 0;
    }
    check_settings(*loaded.settings);
    const std::string printed = config::print(*loaded.settings);
    if (is_secret)
        hold(printed.find(mark) == printed.npos, "what is printed does not show the environment",
             printed);
    const config::Loaded again = config::load(printed, "etc/keygate.yaml", surroundings);
    hold(again.settings.has_value(), "what is printed loads again", printed + listed(again));
    check_settings(*again.settings);
    for (std::size_t i = 0; i < loaded.settings->apis.size(); ++i) {
        const config::Api& api = loaded.settings->apis[i];
        check_same_limits(api, again.settings->apis[i]);
        check_same_way(api, again.settings->apis[i]);
        hold(api.profile == again.settings->apis[i].profile, "profiles stay what they are",
             printed);
    }
    const std::string twice = config::print(*again.settings);
    hold(twice == printed, "what is printed prints the same",
         printed + "\n-- and then --\n" + twice);
    hold(again.settings->store.file == loaded.settings->store.file &&
             again.settings->log.access == loaded.settings->log.access,
         "paths stay what they are", printed);
    return 0;
}
