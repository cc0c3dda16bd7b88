#pragma once

#include "config/settings.hpp"
#include "keys/used_keys.hpp"
#include "limit/counters.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace keygate::app {

/// With the embedded store: what quotas have counted in this process outlives it. It is stored with
/// what keys did, once a second and at an orderly end in whole, and counted on at the next start,
/// whatever the plans say by then: a quota is known by what it counts, not by its number. A crash
/// loses at most the last second, so that somebody may use so much more than he has bought. Rates
/// and requests at once begin anew.
///
/// The store's thread, or before it runs.
class SpentKeeper {
  public:
    /// @param counters  outlive it.
    explicit SpentKeeper(limit::Counters& counters)
        : counters_(counters) {}

    /// The configuration whose quotas are kept from here on.
    void serve(const config::Settings& settings);

    /// Counts on from what was stored. Once in the life of a process: a reload keeps what it finds
    /// in `counters`.
    /// @param table  filled: it knows where keys and owners count.
    [[nodiscard]] Result<void> restore(keys::KeyStore& store, const keys::Table& table);

    /// What the quotas of a key and of its owner have counted by now.
    void add_spent(const keys::UsedKey& used, keys::UsageDelta& delta) const;

  private:
    [[nodiscard]] std::vector<keys::Spent> spent_by(const keys::Subject& subject,
                                                    const std::vector<std::uint64_t>& tags) const;

    limit::Counters& counters_;
    std::unordered_map<std::string, std::vector<std::uint64_t>> tags_; // of quotas, by API
};

} // namespace keygate::app
