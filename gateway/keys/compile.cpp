#include "keys/compile.hpp"

#include "config/check_limits.hpp"
#include "config/read_limits.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <variant>

namespace keygate::keys {
namespace {

constexpr std::int64_t last_created = std::numeric_limits<std::uint32_t>::max();

/// Appends a value as it may stand in a field: visible ASCII as it is, all else and `%` as %XX.
/// Ids, plans and scopes pass unchanged unless somebody wrote strange ones; nothing can begin a new
/// line.
/// @param quotes  what else is escaped.
void append_value(std::string& line, std::string_view value, std::string_view quotes = {}) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char c : value) {
        if (c > ' ' && c < 0x7f && c != '%' && quotes.find(c) == std::string_view::npos) {
            line += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        line += '%';
        line += hex[byte >> 4];
        line += hex[byte & 0x0f];
    }
}

/// Writes the identity headers of one entry.
class IdentityLines {
  public:
    explicit IdentityLines(std::string_view prefix)
        : prefix_(prefix) {}

    void add(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        begin(name);
        append_value(text_, value);
        text_ += "\r\n";
    }

    void add_all_scopes() {
        begin("Scopes");
        text_ += "*\r\n";
    }

    /// @param names  sorted, by number in the set.
    void add_scopes(const ScopeSet& scopes, const std::vector<std::string>& names) {
        if (scopes == ScopeSet{}) return;
        begin("Scopes");
        for (std::size_t i = 0, shown = 0; i < names.size(); ++i) {
            if (!scopes.has(i)) continue;
            if (shown++ > 0) text_ += ' ';
            append_value(text_, names[i]);
        }
        text_ += "\r\n";
    }

    /// A copy of exactly the length: entries are many and stay long.
    [[nodiscard]] std::string text() const { return {text_.begin(), text_.end()}; }

  private:
    void begin(std::string_view name) { (text_ += prefix_).append(name) += ": "; }

    std::string_view prefix_;
    std::string text_;
};

/// `*` stands for all scopes, now and later, and so does its absence where the profile says so.
void read_scopes(const KeyRecord& record, const ApiNames& api, KeySaid& said) {
    if (!record.scopes) {
        said.has_all_scopes = api.default_scopes == config::DefaultScopes::all;
        if (said.has_all_scopes) said.scopes = api.every_scope();
        return;
    }
    const auto rights = api.rights_of(*record.scopes);
    if (!rights) {
        said.is_readable = false;
        return;
    }
    said.scopes = *rights;
    said.has_all_scopes =
        std::find(record.scopes->begin(), record.scopes->end(), "*") != record.scopes->end();
}

/// Tells whoever uses a key that was rotated which one replaces it, and when this one ends.
std::string notice_of(const KeyRecord& record, std::string_view prefix) {
    if (!record.rotated_to) return {};
    std::string line{prefix};
    append_value(line += "Notice: rotated;successor=\"", *record.rotated_to, "\"\\");
    line += '"';
    if (record.expires_at) line.append(";ends=\"").append(to_text(*record.expires_at)) += '"';
    return line += "\r\n";
}

ParticularsRef particulars_of(const KeyRecord& record, const Catalog& catalog, KeySaid& said) {
    auto restrictions = read_restrictions(record);
    if (!restrictions.value) said.is_readable = false;
    const bool has_restrictions = restrictions.value && *restrictions.value;
    if (!has_restrictions && !record.secret_digest && !record.rotated_to) return nullptr;
    const boost::intrusive_ptr<Particulars> made{new Particulars};
    if (has_restrictions) made->restrictions = std::move(*restrictions.value);
    made->secret_digest = record.secret_digest;
    made->notice = notice_of(record, catalog.identity_prefix);
    return made;
}

/// The key's plan, else the owner's, else the API's default. An API without plans asks for none.
void assign_plan(Entry& entry, const KeySaid& said, const OwnerSaid& owner, const ApiNames& api) {
    if (api.plans.empty()) return;
    NamedPlan plan = said.plan.kind != NamedPlan::absent ? said.plan : owner.plan;
    if (plan.kind == NamedPlan::absent && api.default_plan)
        plan = {NamedPlan::known, *api.default_plan};
    if (plan.kind == NamedPlan::known)
        entry.plan = plan.number;
    else
        entry.readable = false;
}

std::string identity_of(const Entry& entry, const KeySaid& said, const ApiNames& api,
                        std::string_view prefix) {
    IdentityLines lines{prefix};
    lines.add("Id", entry.id);
    lines.add("Owner", entry.owner);
    if (entry.plan != Entry::no_plan) lines.add("Plan", api.plans[entry.plan]);
    if (said.has_all_scopes && entry.scopes == api.every_scope())
        lines.add_all_scopes();
    else
        lines.add_scopes(entry.scopes, api.scopes);
    lines.add("Mode", to_string(entry.mode));
    lines.add("Name", said.name);
    return lines.text();
}

} // namespace

NamedPlan plan_named(const std::optional<std::string>& plan, const ApiNames& api) {
    if (!plan) return {};
    const auto number = api.plan_number(*plan);
    return number ? NamedPlan{NamedPlan::known, *number} : NamedPlan{NamedPlan::unknown, 0};
}

config::Judged<std::shared_ptr<const config::KeyLimits>> own_limits(const KeyRecord& record,
                                                                    const ApiNames& api) {
    using Own = config::Judged<std::shared_ptr<const config::KeyLimits>>;
    if (record.rate.empty() && record.quota.empty()) return Own::good(nullptr);
    auto limits = config::read_key_limits(record.rate, record.quota, api.zone);
    if (!limits.value) return Own::bad(std::move(limits.wrong));
    if (api.counts_in_redis && limits.value->rates)
        for (const config::Limit& limit : *limits.value->rates)
            if (!config::is_exact_in_redis(std::get<config::Rate>(limit.rule), api.heaviest))
                return Own::bad("rate: `" + limit.text +
                                "` cannot be counted exactly in Redis: lower the `burst`, or leave "
                                "it out");
    return Own::good(std::make_shared<const config::KeyLimits>(std::move(*limits.value)));
}

boost::intrusive_ptr<Entry> read(const KeyRecord& record, const Catalog& catalog, KeySaid& said) {
    boost::intrusive_ptr<Entry> entry{new Entry};
    entry->digest = record.digest;
    entry->id = record.id;
    entry->owner = record.owner;
    entry->status = record.status;
    entry->mode = record.mode;
    if (record.expires_at) entry->expires_at = record.expires_at->time_since_epoch().count();
    entry->created_at = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(record.created_at.time_since_epoch().count(), 0, last_created));
    entry->api = catalog.api_number(record.api).value_or(no_api);

    said.name = record.name;
    said.needs_owner = record.owner_record_required;
    // Id and owner are what the upstream goes by: a caller without them is nobody.
    said.is_readable =
        record.readable && entry->api != no_api && !record.id.empty() && !record.owner.empty();
    if (entry->api == no_api) return entry;
    const ApiNames& api = catalog.apis[entry->api];
    said.plan = plan_named(record.plan, api);
    read_scopes(record, api, said);
    entry->particulars = particulars_of(record, catalog, said);
    // A record that is found in another way than its API's keys are is none of theirs.
    if (record.secret_digest.has_value() != api.format.is_found_by_lookup) said.is_readable = false;
    const auto limits = own_limits(record, api);
    if (limits.value)
        entry->limits = *limits.value;
    else
        said.is_readable = false;
    return entry;
}

void finish(Entry& entry, const KeySaid& said, const OwnerSaid& owner, const Catalog& catalog) {
    entry.owner_status = owner.status;
    entry.readable =
        said.is_readable && owner.is_readable && (owner.has_record || !said.needs_owner);
    entry.plan = Entry::no_plan;
    entry.scopes = {};
    entry.identity.clear();
    // What is not readable is never forwarded, and needs neither scopes nor headers.
    if (!entry.readable) return;
    const ApiNames& api = catalog.apis[entry.api];
    assign_plan(entry, said, owner, api);
    if (!entry.readable) return;
    entry.scopes = said.scopes;
    if (entry.plan != Entry::no_plan)
        if (const auto& most = api.rights[entry.plan].scopes) entry.scopes.cut_to(*most);
    entry.identity = identity_of(entry, said, api, catalog.identity_prefix);
}

} // namespace keygate::keys
