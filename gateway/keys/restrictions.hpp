#pragma once

#include "config/judged.hpp"
#include "keys/address_list.hpp"
#include "keys/endpoint_list.hpp"
#include "keys/record.hpp"
#include "keys/referrer_list.hpp"

#include <map>
#include <memory>
#include <string>

namespace keygate::keys {

/// From where, and for what, a key may be used, beside what its plan and scopes say. A list that is
/// empty restricts nothing. Immutable; any thread.
struct Restrictions {
    AddressList addresses;
    ReferrerList referrers;
    EndpointList endpoints;
    std::map<std::string, std::string, std::less<>> bind; // `store` -> `267418190`
};

/// What a record says of it; null where it says nothing. `wrong` begins with the name of the field,
/// as in `addresses: expected …`.
[[nodiscard]] config::Judged<std::shared_ptr<const Restrictions>>
read_restrictions(const KeyRecord& record);

/// Is a key with the restrictions `narrow` of use only where one with `wide` is, too? Null
/// restricts nothing. Says no where it would take more than comparing line by line to find out.
[[nodiscard]] bool covers(const Restrictions* wide, const Restrictions* narrow);

} // namespace keygate::keys
