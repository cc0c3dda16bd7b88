#include "policy/restriction.hpp"

namespace keygate::policy {
namespace {

keys::Referral referral_of(const http::RequestHead& head) {
    keys::Referral referral;
    for (const http::Field& field : head.all()) {
        if (field.id == http::FieldName::origin && referral.origins++ == 0)
            referral.origin = field.value;
        if (field.id == http::FieldName::referer && referral.referers++ == 0)
            referral.referer = field.value;
    }
    return referral;
}

} // namespace

std::optional<Refusal> check_restrictions(const keys::Identity& identity, const Facts& facts,
                                          const Rules& rules) {
    const keys::ParticularsRef& particulars = identity.entry().particulars;
    if (!particulars || !particulars->restrictions) return std::nullopt;
    const keys::Restrictions& restrictions = *particulars->restrictions;
    if (!restrictions.addresses.is_empty() && !restrictions.addresses.contains(facts.address))
        return Refusal{.reason = Reason::restriction_address};
    if (!restrictions.referrers.is_empty() &&
        !restrictions.referrers.admits(referral_of(facts.head)))
        return Refusal{.reason = Reason::restriction_referrer};
    if (!restrictions.endpoints.is_empty() &&
        !restrictions.endpoints.admits(facts.head.method, facts.path, rules.names.trailing_slash))
        return Refusal{.reason = Reason::restriction_endpoint};
    return std::nullopt;
}

} // namespace keygate::policy
