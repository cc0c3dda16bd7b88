#pragma once

#include "keys/cache.hpp"
#include "keys/table.hpp"

#include <memory>

namespace keygate::keys {

/// The keys that requests are judged by in one configuration: all of them, or those of a store that
/// others write to as far as they were asked for. One of the two is there.
struct ServedKeys {
    std::shared_ptr<Table> table;
    std::shared_ptr<Cache> cache;

    [[nodiscard]] LiveKeys& live() const {
        if (cache) return *cache;
        return *table;
    }

    [[nodiscard]] std::size_t size() const { return cache ? cache->size() : table->size(); }

    [[nodiscard]] std::size_t unreadable() const {
        return cache ? cache->unreadable() : table->unreadable();
    }
};

} // namespace keygate::keys
