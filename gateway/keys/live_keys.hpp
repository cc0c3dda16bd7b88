#pragma once

#include "keys/catalog.hpp"
#include "keys/record.hpp"
#include "keys/subject.hpp"
#include "keys/usage.hpp"

#include <string>

namespace keygate::keys {

struct Change;

/// What requests see of the store, from the operator's side. The store's thread.
class LiveKeys {
  public:
    virtual ~LiveKeys() = default;

    /// What records are read by.
    [[nodiscard]] virtual const Catalog& catalog() const = 0;

    /// Takes over what was committed: it decides every request that begins after the return.
    virtual void apply(const Change& change) = 0;

    // What a key or all keys of an owner did here and the store does not know yet.
    virtual void add_pending(Usage& usage, const std::string& id, Time now) const = 0;
    virtual void add_pending(Usage& usage, const OwnerName& owner, Time now) const = 0;

    /// Where limits count for a key or an owner here; null where it is not in memory.
    [[nodiscard]] virtual SubjectRef subject_of(const SpentBy& by) const = 0;
};

} // namespace keygate::keys
