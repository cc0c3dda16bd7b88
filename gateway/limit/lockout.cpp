#include "limit/lockout.hpp"

#include "config/limit_names.hpp"
#include "net/admission.hpp"

namespace keygate::limit {

config::Limit failed_auth_limit(const config::Rate& rate) {
    config::Limit limit;
    limit.name = "failed_auth";
    limit.by = config::LimitBy::address;
    limit.rule = rate;
    limit.text = rate.text;
    // Named as a route's would be, and no route is called so: nothing else counts there.
    config::name_state(limit, "failed_auth");
    return limit;
}

Bill Failures::bill() const {
    Bill bill;
    bill.add({.limit = &limit_,
              .subject = addresses_.number_of(api_, net::address_group(address_)),
              .cost = 1});
    return bill;
}

std::optional<Refusal> Failures::check(Instant now, Calendar& calendar) const {
    const Outcome outcome = counters_.test(bill(), now, calendar);
    if (outcome.is_admitted()) return std::nullopt;
    return Refusal{.reason = Reason::lockout,
                   .retry_after = seconds_until(outcome.retry_at, outcome.now)};
}

void Failures::count(Instant now, Calendar& calendar) const {
    (void)counters_.charge(bill(), now, calendar);
}

} // namespace keygate::limit
