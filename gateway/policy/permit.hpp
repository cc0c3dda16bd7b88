#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "keys/identity.hpp"
#include "policy/facts.hpp"
#include "policy/route.hpp"

#include <optional>

namespace keygate::policy {

/// The right to forward one request. Only the functions below make one, so forwarding an unchecked
/// request does not compile.
class Permit {
  public:
    [[nodiscard]] const Route& route() const { return *route_; }

    /// The caller; none on a public route, and where one without a credential was let in.
    [[nodiscard]] const keys::Entry* caller() const {
        return identity_ ? &identity_->entry() : nullptr;
    }

    /// The caller's plan; none without a caller, and where the API has no plans.
    [[nodiscard]] const config::Plan* plan() const { return plan_; }

  private:
    friend Decision<Permit> admit(keys::Identity identity, const Route& route, const Facts& facts,
                                  const Rules& rules);
    friend Permit admit_public(const Route& route);
    friend Permit admit_preflight(const Route& route);

    Permit(keys::Identity identity, const Route& route, const config::Plan* plan)
        : identity_(std::move(identity))
        , route_(&route)
        , plan_(plan) {}

    explicit Permit(const Route& route)
        : route_(&route) {}

    std::optional<keys::Identity> identity_;
    const Route* route_;
    const config::Plan* plan_ = nullptr;
};

/// The whole policy in its fixed order: owner, plan, tenant, restrictions, scope. Limits come after
/// it.
/// @param rules  of the route's API.
[[nodiscard]] Decision<Permit> admit(keys::Identity identity, const Route& route,
                                     const Facts& facts, const Rules& rules);

/// A public route needs no key, and one with `auth: optional` none either, where none was sent. The
/// route must be one of these.
[[nodiscard]] Permit admit_public(const Route& route);

/// A browser's question whether it may send another request (Fetch 3.2.2), to an upstream that
/// answers it: it carries no key, and does nothing.
[[nodiscard]] Permit admit_preflight(const Route& route);

} // namespace keygate::policy
