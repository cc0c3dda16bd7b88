#include "admin/key_changes.hpp"

#include "admin/json.hpp"
#include "admin/new_key.hpp"
#include "admin/own_limits.hpp"
#include "admin/restrictions.hpp"

#include <algorithm>

namespace keygate::admin {

namespace {

constexpr std::int64_t longest_grace = 366 * 24 * 3600;

} // namespace

Checked<void> may_change(const keys::KeyRecord& record) {
    if (!record.readable)
        return conflict("record_unreadable",
                        "the record is damaged: it can be deleted, and nothing else");
    if (record.status == keys::KeyStatus::revoked)
        return conflict("key_revoked", "the key is revoked, which is final");
    return {};
}

Checked<KeyPatch> KeyPatch::read(const boost::json::object& body, const keys::ApiNames& api,
                                 keys::Time now) {
    Members in(body, "",
               {"name", "plan", "scopes", "expires_at", "metadata", "rate", "quota", "addresses",
                "referrers", "endpoints", "bind"},
               {"limits", "tenants", "concurrency"});
    KeyPatch patch;
    if (in.mentions("name")) patch.name_ = read_label(in);
    if (in.mentions("plan")) patch.plan_ = read_plan(in, api);
    if (in.mentions("scopes")) patch.scopes_ = read_scopes(in, api);
    if (in.mentions("expires_at")) patch.expires_at_ = read_expiry(in, now);
    if (in.mentions("metadata")) patch.metadata_ = read_metadata(in).value_or("{}");
    if (in.mentions("rate")) patch.rate_ = read_rate(in);
    if (in.mentions("quota")) patch.quota_ = read_quota(in);
    if (in.mentions("addresses")) patch.addresses_ = read_restriction(in, "addresses");
    if (in.mentions("referrers")) patch.referrers_ = read_restriction(in, "referrers");
    if (in.mentions("endpoints")) patch.endpoints_ = read_restriction(in, "endpoints");
    if (in.mentions("bind")) patch.bind_ = read_bind(in, api);
    if (in.problem()) return *in.problem();
    return patch;
}

Checked<keys::KeyRecord> KeyPatch::apply(keys::KeyRecord record, const keys::ApiNames& api) const {
    if (const auto may = may_change(record); !may) return may.error();
    if (expires_at_ && record.rotated_to)
        return unprocessable("expires_at", "the key is being replaced by " + *record.rotated_to +
                                               "; its end is fixed");
    if (name_) record.name = *name_;
    if (plan_) record.plan = *plan_;
    if (scopes_) record.scopes = *scopes_;
    if (expires_at_) record.expires_at = *expires_at_;
    if (metadata_) record.metadata = *metadata_;
    if (rate_) record.rate = *rate_;
    if (quota_) record.quota = *quota_;
    if (addresses_) record.addresses = *addresses_;
    if (referrers_) record.referrers = *referrers_;
    if (endpoints_) record.endpoints = *endpoints_;
    if (bind_) record.bind = *bind_;
    // Only what is changed now: a name may be changed whatever was written before.
    if (rate_ || quota_)
        if (const auto judged = judge_limits(record, api, ""); !judged) return judged.error();
    if (addresses_ || referrers_ || endpoints_ || bind_)
        if (const auto judged = judge_restrictions(record, ""); !judged) return judged.error();
    return record;
}

Checked<keys::KeyRecord> with_status(keys::KeyRecord record, keys::KeyStatus status) {
    if (record.readable && record.status == status) return record;
    if (const auto may = may_change(record); !may) return may.error();
    record.status = status;
    return record;
}

Checked<Rotation> read_rotation(const std::string& text, keys::Time now) {
    Rotation rotation;
    if (text.empty()) return rotation;
    const auto body = parse_object(text);
    if (!body) return body.error();
    Members in(*body, "", {"grace_seconds", "expires_at", "name"});
    rotation.grace = std::chrono::seconds{in.number("grace_seconds", 0, longest_grace).value_or(0)};
    if (in.mentions("expires_at")) rotation.expires_at = read_expiry(in, now);
    if (in.mentions("name")) rotation.name = read_label(in);
    if (in.problem()) return *in.problem();
    return rotation;
}

Checked<Rotated> rotate(const keys::KeyRecord& record, const Rotation& rotation,
                        const std::string& new_id, keys::Time now) {
    if (const auto may = may_change(record); !may) return may.error();
    if (record.status != keys::KeyStatus::active)
        return conflict("key_disabled", "the key is disabled; enable it first");
    if (record.rotated_to)
        return conflict("key_rotated",
                        "the key is being replaced already, by " + *record.rotated_to);
    if (record.expires_at && *record.expires_at <= now)
        return conflict("key_expired", "the key has expired; make a new one");

    Rotated rotated{.old = record, .fresh = record};
    rotated.fresh.id = new_id;
    rotated.fresh.created_at = now;
    if (rotation.expires_at) rotated.fresh.expires_at = *rotation.expires_at;
    if (rotation.name) rotated.fresh.name = *rotation.name;

    rotated.old.rotated_to = new_id;
    const keys::Time end = now + rotation.grace;
    if (rotation.grace.count() == 0)
        rotated.old.status = keys::KeyStatus::revoked;
    else
        rotated.old.expires_at = record.expires_at ? std::min(*record.expires_at, end) : end;
    return rotated;
}

} // namespace keygate::admin
