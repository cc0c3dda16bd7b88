#pragma once

#include "base/refusal.hpp"
#include "config/settings.hpp"
#include "limit/address_book.hpp"
#include "limit/counters.hpp"

#include <optional>
#include <string_view>

// lockout: an address that has sent too many unknown keys is not looked up any more.
namespace keygate::limit {

/// What `failed_auth` counts, as a limit.
[[nodiscard]] config::Limit failed_auth_limit(const config::Rate& rate);

/// One address' failures in one API. Any thread.
class Failures {
  public:
    /// @param limit  of failed_auth_limit. All outlive it.
    Failures(Counters& counters, AddressBook& addresses, const config::Limit& limit,
             std::string_view api, std::string_view address)
        : counters_(counters)
        , addresses_(addresses)
        , limit_(limit)
        , api_(api)
        , address_(address) {}

    /// Before a key is looked up: no more of them for now?
    [[nodiscard]] std::optional<Refusal> check(Instant now, Calendar& calendar) const;
    /// A key was unknown.
    void count(Instant now, Calendar& calendar) const;

  private:
    [[nodiscard]] Bill bill() const;

    Counters& counters_;
    AddressBook& addresses_;
    const config::Limit& limit_;
    std::string_view api_;
    std::string_view address_;
};

} // namespace keygate::limit
