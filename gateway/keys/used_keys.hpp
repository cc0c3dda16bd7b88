#pragma once

#include "base/clock.hpp"
#include "keys/store.hpp"
#include "keys/table.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

// From requests to the store: what keys did is counted where the request is, listed once until it
// is stored, and stored in the background (keys/tally.hpp has the count).
namespace keygate::keys {

/// A key that has something to be stored, and the names that its entry was compiled with.
struct UsedKey {
    EntryRef entry;
    std::shared_ptr<const Catalog> catalog;
};

/// The keys that one thread has used. Filled by that thread, emptied by the store's.
class UsedKeys {
  public:
    /// Counts one allowed request of a key.
    void count(const EntryRef& entry, const std::shared_ptr<const Catalog>& catalog, WallTime now);

    /// Something came back to a key: what quotas have counted for it is to be stored again.
    void touch(const EntryRef& entry, const std::shared_ptr<const Catalog>& catalog);

    /// All that were listed, in their order. Any thread.
    [[nodiscard]] std::vector<UsedKey> take();

  private:
    void list(const EntryRef& entry, const std::shared_ptr<const Catalog>& catalog);

    // Of the thread that fills.
    Month month_{};
    WallTime month_begins_ = WallTime::max();
    WallTime month_ends_ = WallTime::min();

    std::mutex mutex_; // taken once for each key that was not listed, never across anything else
    std::vector<UsedKey> listed_;
};

/// Stores what was listed. On the store's thread alone.
class UsageWriter {
  public:
    /// Adds what quotas have counted for a key and its owner by now, as it is to be stored.
    using AddSpent = std::function<void(const UsedKey&, UsageDelta&)>;

    /// @param lists  one for each thread; they outlive the writer.
    explicit UsageWriter(std::vector<UsedKeys*> lists, AddSpent add_spent = {})
        : lists_(std::move(lists))
        , add_spent_(std::move(add_spent)) {}

    /// Stores the oldest of what waits, at most `most` keys. After a Fault nothing is lost: it
    /// waits.
    [[nodiscard]] Result<void> write(KeyStore& store, Time now, std::size_t most);

    /// Keys that wait.
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  private:
    [[nodiscard]] Result<void> write_batch(KeyStore& store, Month month, std::size_t size);

    std::vector<UsedKeys*> lists_;
    AddSpent add_spent_;
    std::deque<UsedKey> waiting_;
};

} // namespace keygate::keys
