#pragma once

#include "limit/address_book.hpp"
#include "limit/bill.hpp"
#include "policy/permit.hpp"

#include <cstdint>
#include <string_view>

namespace keygate::policy {

/// Where counts that are not a key's or an owner's are found.
struct Places {
    std::uint32_t route = 0; // number of the route's subject
    limit::AddressBook& addresses;
    std::string_view address; // of the client
};

/// Which limits a request that was permitted is charged to, and what it costs each: those of its
/// plan, or in their place those of its key's record or of test keys, and those of its route.
///
///     rates           what the key's record says; else `limits.test.rate` for a test key; else the
///                     plan's
///     quotas          of each meter what the key's record says, else the plan's; `requests`, and
///     the
///                     meter of the route. None for test keys, unless they spend them
///     meters that no quota counts   Api::counts
///     requests at once  the plan's
///
/// A route's weight is what a request costs rates and `requests`; a meter counts one.
[[nodiscard]] limit::Bill bill_of(const Permit& permit, const config::Api& api,
                                  const Places& places);

} // namespace keygate::policy
