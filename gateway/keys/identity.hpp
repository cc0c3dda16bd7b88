#pragma once

#include "keys/table.hpp"

#include <utility>

namespace keygate::auth {
struct Identifier;
}

namespace keygate::keys {

/// A caller whose key was found valid at one instant. Only auth/key.cpp makes one, so a policy that
/// asks for an Identity cannot be given an unchecked key.
class Identity {
  public:
    [[nodiscard]] const Entry& entry() const { return *entry_; }

  private:
    friend struct auth::Identifier;

    explicit Identity(EntryRef entry)
        : entry_(std::move(entry)) {}

    EntryRef entry_;
};

} // namespace keygate::keys
