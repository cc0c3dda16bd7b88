#include "config/read_limits.hpp"

#include "base/ascii.hpp"
#include "config/limit_names.hpp"
#include "config/scalars.hpp"

#include <algorithm>
#include <set>

namespace keygate::config {

namespace {

constexpr std::size_t most_of_a_kind = 8;
constexpr std::uint64_t highest_burst = 1'000'000'000;
constexpr std::uint64_t highest_concurrency = 1'000'000;

constexpr std::string_view a_rate = "a rate such as 100/1m, 10/s or 1000/day: at most 1000000000 "
                                    "requests in a window of 1s to 366d";
constexpr std::string_view a_quota = "a quota such as 1000/month: 1 to 1000000000000 in each "
                                     "minute, hour, day, week, month or year";
constexpr std::string_view a_name = "1 to 64 letters, digits, `.`, `_`, `-`, `/` or `:`";

bool is_limit_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alnum(c) || std::string_view{"._-/:"}.find(c) != std::string_view::npos;
    });
}

/// The numbers of a limit, without anything beside them; false if they cannot be read.
struct NumbersOf {
    const View& view;

    bool operator()(Rate& rate) const {
        auto read = read_plain_rate(view);
        if (read) rate = std::move(*read);
        return read.has_value();
    }

    bool operator()(Quota& quota) const {
        const std::string* text = view.text(a_quota);
        if (!text) return false;
        const auto read = parse_quota(*text);
        if (!read) {
            refuse(*text);
            return false;
        }
        quota.limit = read->limit;
        quota.period = read->period;
        return true;
    }

    bool operator()(Concurrency& concurrency) const {
        const auto read = number_in(view, 1, highest_concurrency);
        if (read) concurrency.limit = *read;
        return read.has_value();
    }

  private:
    void refuse(std::string_view text) const {
        static const std::vector<std::string> periods{"minute", "hour",  "day",
                                                      "week",   "month", "year"};
        const std::string_view period = text.substr(std::min(text.find('/'), text.size() - 1) + 1);
        const bool is_known = std::find(periods.begin(), periods.end(), period) != periods.end();
        const bool is_shown = view.node().written.empty();
        view.refuse(std::string{a_quota} +
                    (is_shown && !is_known ? did_you_mean(period, periods) : std::string{}));
    }
};

/// What only one kind of limit may say.
struct MoreOf {
    Fields& fields;

    bool operator()(Rate& rate) const {
        const auto view = fields.take("burst");
        if (!view) return true;
        rate.burst = number_in(*view, 1, highest_burst);
        return rate.burst.has_value();
    }

    bool operator()(Quota& quota) const {
        const auto view = fields.take("time_zone");
        if (view) quota.time_zone = read_time_zone(*view, quota.zone);
        return quota.time_zone != nullptr;
    }

    bool operator()(Concurrency&) const { return true; }
};

bool may_count_by(LimitBy by, const LimitHome& home, bool is_quota) {
    switch (by) {
    case LimitBy::key:
    case LimitBy::owner:
        return !home.is_public;
    case LimitBy::route:
        return home.of == LimitOf::route;
    case LimitBy::address:
        return !is_quota;
    }
    return false;
}

std::string_view why_not_by(LimitBy by, const LimitHome& home, bool is_quota) {
    if (is_quota) return "; quotas by address or route are not available";
    if (by == LimitBy::route) return "; what counts all requests of one route stands at the route";
    if (home.is_public) return "; where no key is needed there may be nobody to count by";
    return {};
}

bool read_by(const std::optional<View>& view, const LimitHome& home, Limit& limit) {
    if (!view) return true;
    const bool is_quota = std::holds_alternative<Quota>(limit.rule);
    std::vector<std::string> allowed;
    std::string_view why;
    for (const auto& [word, by] : by_words) {
        const bool is_it = view->is_scalar() && view->node().text == word;
        if (!may_count_by(by, home, is_quota)) {
            if (is_it && view->node().written.empty()) why = why_not_by(by, home, is_quota);
            continue;
        }
        allowed.emplace_back(word);
        if (!is_it) continue;
        limit.by = by;
        return true;
    }
    refuse_word(*view, allowed, why);
    return false;
}

bool read_name(const std::optional<View>& view, Limit& limit) {
    if (!view) return true;
    const std::string* text = view->text(a_name);
    if (!text) return false;
    limit.name = *text;
    if (is_limit_name(*text)) return true;
    view->refuse(a_name);
    return false;
}

std::string_view what_is_equal(const Limit& limit) {
    if (std::holds_alternative<Rate>(limit.rule)) return "kind, window and `by` are";
    if (std::holds_alternative<Quota>(limit.rule)) return "meter, period, time zone and `by` are";
    return "`by` is";
}

std::string place_of(const Limit& limit) {
    return "line " + std::to_string(limit.place.line) + ", column " +
           std::to_string(limit.place.column);
}

/// @param name  where its name is written, if it is.
void add(const View& view, const std::optional<View>& name, const LimitHome& home, Limit limit,
         std::vector<Limit>& limits) {
    limit.place = view.place();
    if (!name) limit.name = default_name(limit, limits);
    name_state(limit, home.route, home.of == LimitOf::test);
    const auto counts_the_same = [&](const Limit& other) {
        return other.state == limit.state && other.by == limit.by;
    };
    const auto is_called_the_same = [&](const Limit& other) { return other.name == limit.name; };
    const auto twin = std::find_if(limits.begin(), limits.end(), counts_the_same);
    const auto namesake = std::find_if(limits.begin(), limits.end(), is_called_the_same);
    // No names here: one that is made of a value may come from the environment.
    if (twin != limits.end())
        view.complain("counts the same as the limit in " + place_of(*twin) + ": " +
                      std::string{what_is_equal(limit)} + " equal; expected one of them");
    else if (namesake != limits.end())
        (name ? *name : view)
            .complain("is called like the limit in " + place_of(*namesake) +
                      "; give one of them another `name`");
    else if (!is_limit_name(limit.name))
        view.complain("give it a `name` of " + std::string{a_name});
    limits.push_back(std::move(limit));
}

/// @param limit  what is known before it is read: its kind, the meter of a quota.
void read_limit(const View& view, const LimitHome& home, Limit limit, std::vector<Limit>& limits) {
    bool is_whole = true;
    std::optional<View> name;
    limit.by = default_by(home, limit);
    if (view.is_map()) {
        Fields fields{view};
        const bool is_rate = std::holds_alternative<Rate>(limit.rule);
        const auto numbers = fields.need(is_rate ? "rate" : "limit");
        is_whole = numbers && std::visit(NumbersOf{*numbers}, limit.rule);
        is_whole = std::visit(MoreOf{fields}, limit.rule) && is_whole;
        is_whole = read_by(fields.take("by"), home, limit) && is_whole;
        name = fields.take("name");
        is_whole = read_name(name, limit) && is_whole;
        read_flag(fields.take("dry_run"), limit.dry_run);
        if (is_rate) fields.later({"weight"});
        fields.done();
        if (is_whole) limit.text = numbers->node().text;
    } else {
        is_whole = std::visit(NumbersOf{view}, limit.rule);
        limit.text = view.node().text;
    }
    // One that is half read would be told to count what another one counts.
    if (is_whole) add(view, name, home, std::move(limit), limits);
}

/// @param kind  `rates`, for the message.
void read_one_or_list(const View& view, std::string_view kind, const LimitHome& home,
                      const Limit& begun, std::vector<Limit>& limits) {
    if (!view.is_list()) return read_limit(view, home, begun, limits);
    std::size_t count = 0;
    for (const View& item : view.items({})) {
        if (++count > most_of_a_kind)
            return view.complain("at most " + std::to_string(most_of_a_kind) + " " +
                                 std::string{kind} + " are possible here");
        read_limit(item, home, begun, limits);
    }
}

void read_meter(const View::Member& member, const LimitHome& home, const std::string& zone,
                std::vector<Limit>& limits) {
    if (!is_plain_name(member.name))
        return member.view.complain_of_name(
            "a meter's name has 1 to 64 letters, digits, `.`, `_` or `-`");
    if (member.view.is_list() && member.view.node().items.empty())
        return member.view.complain("lists no quota; leave the meter out");
    Quota quota;
    quota.meter = member.name;
    quota.zone = zone;
    quota.time_zone = find_time_zone(zone);
    Limit limit;
    limit.rule = std::move(quota);
    read_one_or_list(member.view, "quotas", home, limit, limits);
}

} // namespace

LimitBy default_by(const LimitHome& home, const Limit& limit) {
    if (home.is_public) return LimitBy::address;
    const bool is_quota = std::holds_alternative<Quota>(limit.rule);
    return is_quota && home.of == LimitOf::plan ? LimitBy::owner : LimitBy::key;
}

std::string default_name(const Limit& limit, std::span<const Limit> before) {
    if (std::holds_alternative<Concurrency>(limit.rule)) return "concurrency";
    const auto* quota = std::get_if<Quota>(&limit.rule);
    if (!quota) return std::get<Rate>(limit.rule).text;
    const bool is_first = std::none_of(before.begin(), before.end(), [&](const Limit& other) {
        const auto* of = std::get_if<Quota>(&other.rule);
        return of && of->meter == quota->meter;
    });
    if (is_first) return quota->meter;
    return quota->meter + '-' + std::string{to_string(quota->period)};
}

const TimeZone* read_time_zone(const View& view, std::string& zone) {
    static constexpr std::string_view expected =
        "a time zone of the IANA database that this machine knows, such as Europe/Berlin";
    const std::string* text = view.text(expected);
    if (!text) return nullptr;
    const TimeZone* known = find_time_zone(*text);
    if (known)
        zone = *text;
    else
        view.refuse(expected);
    return known;
}

std::optional<Rate> read_plain_rate(const View& view) {
    const std::string* text = view.text(a_rate);
    if (!text) return std::nullopt;
    std::optional<Rate> rate = parse_rate(*text);
    if (!rate) view.refuse(a_rate);
    return rate;
}

void read_rates(const std::optional<View>& view, const LimitHome& home,
                std::vector<Limit>& limits) {
    Limit limit;
    limit.rule = Rate{};
    if (view) read_one_or_list(*view, "rates", home, limit, limits);
}

void read_quotas(const std::optional<View>& view, const LimitHome& home, const std::string& zone,
                 std::vector<Limit>& limits) {
    if (!view) return;
    if (!find_time_zone(zone))
        return view->complain("this machine does not know the time zone " + quoted(zone) +
                              ": is its table of time zones (tzdata) installed?");
    const std::size_t before = limits.size();
    std::set<std::string> meters;
    for (const View::Member& member :
         view->members("a mapping from meters to quotas such as {requests: 1000/month}")) {
        if (meters.insert(member.name).second)
            read_meter(member, home, zone, limits);
        else
            member.view.complain_of_name(quoted(member.name) + " is written twice");
        if (limits.size() - before > most_of_a_kind)
            return view->complain("at most " + std::to_string(most_of_a_kind) +
                                  " quotas are possible here");
    }
}

void read_concurrency(const std::optional<View>& view, const LimitHome& home,
                      std::vector<Limit>& limits) {
    Limit limit;
    limit.rule = Concurrency{};
    if (view) read_one_or_list(*view, "limits", home, limit, limits);
}

} // namespace keygate::config
