#include "config/read_key_rules.hpp"

namespace keygate::config {

namespace {

constexpr std::uint64_t most_keys = 1'000'000;
constexpr milliseconds second{1'000};
constexpr milliseconds day = 24 * 3'600 * second;
constexpr milliseconds longest_age = 36'500 * day;

bool is_none(const View& view) {
    return view.is_scalar() && view.node().text == "none";
}

std::optional<seconds> read_age(const std::optional<View>& view) {
    milliseconds age{0};
    read_duration(view, age, second, longest_age);
    if (!view || age < second) return std::nullopt;
    if (age % second != milliseconds{0}) view->refuse("an age in whole seconds, such as 90d");
    return std::chrono::duration_cast<seconds>(age);
}

} // namespace

void read_max_age(const std::optional<View>& view, MaxAge& out) {
    if (!view) return;
    out = {};
    if (is_none(*view)) return;
    if (!view->is_map())
        return view->refuse("a mapping such as {warn: 90d, refuse: 120d}, or none");
    Fields fields{*view};
    const auto warn = fields.take("warn");
    const auto refuse = fields.take("refuse");
    fields.done();
    if (!warn && !refuse)
        return view->complain("says no age; expected `warn`, `refuse` or both, or none");
    out = {read_age(warn), read_age(refuse)};
    if (out.warn && out.refuse && *out.warn >= *out.refuse)
        warn->complain("nobody would be warned before keys are refused; expected an age below that "
                       "of `refuse`");
}

void read_max_keys(const std::optional<View>& view, std::optional<std::uint32_t>& out) {
    if (!view) return;
    out.reset();
    if (is_none(*view)) return;
    if (const auto number = number_in(*view, 1, most_keys))
        out = static_cast<std::uint32_t>(*number);
}

void read_self_service(const std::optional<View>& view, SelfService& out) {
    if (!view) return;
    out = {};
    Fields fields{*view};
    read_flag(fields.take("cap_expiry"), out.caps_expiry);
    fields.done();
}

} // namespace keygate::config
