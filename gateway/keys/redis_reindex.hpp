#pragma once

#include "keys/store.hpp"
#include "redis/session.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace keygate::keys {

/// What a comparison of the index with the records has found.
struct ReindexReport {
    std::size_t keys = 0; // records
    std::size_t owners = 0;
    std::size_t added = 0;         // entries that were missing
    std::size_t removed = 0;       // entries that nothing stands behind
    std::size_t duplicate_ids = 0; // keys whose id another record bears as well: found by one only
    std::size_t unreadable = 0;    // records
    std::vector<std::string> reasons; // `kg:key:… has no `status``, of the first 100 of them

    bool operator==(const ReindexReport&) const = default;
};

enum class Reindex {
    look,   // changes nothing
    correct // adds what is missing and removes what is wrong
};

/// How many records and entries were looked at so far.
using ReindexProgress = std::function<void(std::size_t)>;

/// Compares the indexes with the records, entry by entry, and corrects them in place, while
/// gateways go on. An index of a wrong type is dropped and made anew.
[[nodiscard]] Result<ReindexReport> reindex(redis::Session& session, Reindex what,
                                            const ReindexProgress& progress);

} // namespace keygate::keys
