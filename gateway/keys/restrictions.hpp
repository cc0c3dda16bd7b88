#pragma once

#include "config/judged.hpp"
#include "keys/record.hpp"

#include <memory>

namespace keygate::keys {

struct Restrictions;

/// What a record says of from where and for what its key may be used; null where it says nothing.
/// `wrong` begins with the name of the field, as in `addresses: expected …`.
[[nodiscard]] config::Judged<std::shared_ptr<const Restrictions>>
read_restrictions(const KeyRecord& record);

} // namespace keygate::keys
