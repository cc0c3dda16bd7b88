#pragma once

#include "config/judged.hpp"
#include "keys/table.hpp"

#include <memory>
#include <string>

// From records to entries (store_invalid: what the configuration does not know is never guessed).
// The work is in two parts, because owners change: `read` once for each key record, `finish` again
// for each change of its owner. keys/table.cpp and keys/cache.cpp
// use it.
namespace keygate::keys {

/// `Entry::api` of a key whose API the configuration does not have.
inline constexpr std::uint16_t no_api = std::numeric_limits<std::uint16_t>::max();

/// The plan that a record names.
struct NamedPlan {
    enum Kind : std::uint8_t { absent, known, unknown };

    Kind kind = absent;
    std::uint16_t number = 0; // if known
};

[[nodiscard]] NamedPlan plan_named(const std::optional<std::string>& plan, const ApiNames& api);

/// What a key's record says by itself and its entry does not tell.
struct KeySaid {
    std::string name;
    NamedPlan plan;
    ScopeSet scopes; // with what they imply; the plan may cut them
    bool has_all_scopes = false;
    bool is_readable = true; // whatever the owner says
    bool needs_owner = false;
};

/// What is known of an owner.
struct OwnerSaid {
    bool has_record = false;
    bool is_readable = true;
    OwnerStatus status = OwnerStatus::active;
    NamedPlan plan;
};

/// What a record says of its key's limits, instead of the plan: null where it says nothing. `wrong`
/// names the field, as in `rate: expected …`.
/// @param api  the key's; where it is not known, one without a name.
[[nodiscard]] config::Judged<std::shared_ptr<const config::KeyLimits>>
own_limits(const KeyRecord& record, const ApiNames& api);

/// Starts an entry: everything but its number and what `finish` adds.
[[nodiscard]] boost::intrusive_ptr<Entry> read(const KeyRecord& record, const Catalog& catalog,
                                               KeySaid& said);

/// Adds the owner's part, the plan and the identity headers: to what `read` has made, or to a copy
/// of an older entry of the same record.
void finish(Entry& entry, const KeySaid& said, const OwnerSaid& owner, const Catalog& catalog);

} // namespace keygate::keys
