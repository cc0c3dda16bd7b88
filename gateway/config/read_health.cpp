#include "config/read_health.hpp"

#include "base/ascii.hpp"
#include "config/addresses.hpp"
#include "config/scalars.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr milliseconds hour{3'600'000};
constexpr milliseconds day = 24 * hour;
constexpr std::size_t longest_target = 1'024;

void read_statuses(const std::optional<View>& view, std::uint64_t low, std::uint64_t high,
                   std::vector<std::uint16_t>& out) {
    if (!view) return;
    for (const View& item : view->items("a list of status codes such as [503]")) {
        const auto status = number_in(item, low, high);
        if (!status) continue;
        if (std::find(out.begin(), out.end(), *status) != out.end())
            item.complain(item.seen() + " is listed twice");
        else
            out.push_back(static_cast<std::uint16_t>(*status));
    }
    if (view->is_list() && view->node().items.empty())
        view->complain("lists no status; leave `statuses` out");
}

void read_causes(const std::optional<View>& view, Retries& out) {
    if (!view) return;
    for (const View& item : view->items("a list such as [closed, timeout, invalid]")) {
        bool Retries::*cause = nullptr;
        read_word(item, cause, retry_words);
        if (!cause) continue;
        if (out.*cause) item.complain(item.seen() + " is listed twice");
        out.*cause = true;
    }
    if (view->is_list() && view->node().items.empty())
        view->complain("lists nothing; leave `on` out");
}

/// RFC 9112 3.2.1, origin-form: a path and perhaps a query.
bool is_target(std::string_view text) {
    constexpr std::string_view odd = "\"#<>\\^`{|}";
    return text.starts_with('/') && !text.starts_with("//") && text.size() <= longest_target &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return c > 0x20 && c < 0x7f && odd.find(c) == std::string_view::npos;
           });
}

void read_target(const std::optional<View>& view, std::string& out) {
    static constexpr std::string_view expected =
        "a path of visible ASCII letters that begins with one `/`, such as /health";
    std::string text;
    read_text(view, text, expected);
    if (text.empty()) return;
    if (is_target(text))
        out = std::move(text);
    else
        view->refuse(expected);
}

void read_host_field(const std::optional<View>& view, std::string& out) {
    static constexpr std::string_view expected = "a host such as api.internal or api.internal:8080";
    std::string text;
    read_text(view, text, expected);
    if (text.empty()) return;
    Judged<std::string> host = parse_host_and_port(text);
    if (host.value)
        out = std::move(*host.value);
    else
        view->refuse(expected);
}

} // namespace

void read_retries(const std::optional<View>& view, Retries& out) {
    if (!view) return;
    Fields fields{*view};
    read_number(fields.take("attempts"), out.attempts, 0, 10);
    const auto causes = fields.take("on");
    const auto statuses = fields.take("statuses");
    read_causes(causes, out);
    read_statuses(statuses, 500, 599, out.statuses);
    read_percentage(fields.take("budget"), out.budget, 0);
    fields.done();
    if (out.attempts > 0) return;
    for (const auto& idle : {causes, statuses})
        if (idle) idle->complain_of_name("has no meaning where `attempts` is 0");
}

void read_ejection(const std::optional<View>& view, Ejection& out) {
    if (!view) return;
    if (!view->is_map()) {
        constexpr std::string_view expected =
            "off, or a mapping such as {failures: 5, time: 5s, max_time: 5m}";
        const std::string* text = view->text(expected);
        if (!text) return;
        if (*text != "off") return view->refuse(expected);
        out.failures = 0;
        return;
    }
    Fields fields{*view};
    read_number(fields.take("failures"), out.failures, 1, 1'000);
    read_duration(fields.take("time"), out.time, milliseconds{1}, hour);
    const auto max_time = fields.take("max_time");
    read_duration(max_time, out.max_time, milliseconds{1}, day);
    read_statuses(fields.take("statuses"), 500, 599, out.statuses);
    fields.done();
    if (out.max_time >= out.time) return;
    if (max_time)
        max_time->complain(max_time->seen() + " is less than `time`, which is " +
                           duration_text(out.time));
    else
        out.max_time = out.time;
}

void read_check(const std::optional<View>& view, std::optional<HealthCheck>& out) {
    if (!view) return;
    HealthCheck check;
    Fields fields{*view};
    read_target(fields.need("path"), check.path);
    read_host_field(fields.take("host"), check.host);
    read_duration(fields.take("interval"), check.interval, milliseconds{10}, hour);
    read_duration(fields.take("timeout"), check.timeout, milliseconds{1}, hour);
    read_statuses(fields.take("statuses"), 200, 599, check.statuses);
    read_number(fields.take("passes"), check.passes, 1, 100);
    read_number(fields.take("failures"), check.failures, 1, 100);
    fields.done();
    out = std::move(check);
}

void read_breaker(const std::optional<View>& view, std::optional<Breaker>& out) {
    if (!view) return;
    Breaker breaker;
    Fields fields{*view};
    read_percentage(fields.take("failures"), breaker.failures, 1);
    read_number(fields.take("requests"), breaker.requests, 1, 1'000'000);
    read_duration(fields.take("window"), breaker.window, seconds{1}, hour);
    read_duration(fields.take("open"), breaker.open, milliseconds{1}, hour);
    read_number(fields.take("trials"), breaker.trials, 1, 100);
    fields.done();
    out = breaker;
}

} // namespace keygate::config
