#pragma once

#include "keys/table.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

// Where requests look keys up. Readers and the writer share a stripe and nothing else: its lock is
// held by a reader for one look-up and one reference, by the writer for one assignment; whatever
// allocates happens before, whatever frees happens after. keys/table.cpp and keys/cache.cpp use it.
namespace keygate::keys {

/// Held for one look-up and never across a system call, so waiting is rare and short; it gives up
/// its time slice because the holder may have lost its own. A look-up among 100,000 keys that no
/// cache holds takes 50 ns on one thread and 110 on each of two (busy cores), with std::mutex 84
/// and 131 (tests/keys/measure_test.cpp).
class SpinLock {
  public:
    void lock() noexcept {
        while (is_held_.exchange(true, std::memory_order_acquire))
            while (is_held_.load(std::memory_order_relaxed))
                std::this_thread::yield();
    }

    void unlock() noexcept { is_held_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> is_held_ = false;
};

/// Entries are found by the digest in them. A slot is a pointer, so that the slots of 100,000 keys
/// fit a cache and a look-up waits for memory once: for the entry, which is needed anyway.
struct ByDigest {
    using is_transparent = void;
    using is_avalanching = void;

    static const Digest& digest_of(const Digest& digest) { return digest; }

    static const Digest& digest_of(const EntryRef& entry) { return entry->digest; }

    template <class T> std::size_t operator()(const T& key) const {
        return DigestHash{}(digest_of(key));
    }

    template <class A, class B> bool operator()(const A& a, const B& b) const {
        return digest_of(a) == digest_of(b);
    }
};

using Entries = boost::unordered_flat_set<EntryRef, ByDigest, ByDigest>;

class alignas(64) Stripe {
  public:
    [[nodiscard]] EntryRef find(const Digest& digest) const {
        const std::lock_guard lock{lock_};
        const auto found = entries_.find(digest);
        return found == entries_.end() ? nullptr : *found;
    }

    void set(EntryRef entry) {
        // Reading without the lock is right here: nobody but this thread writes. In each branch the
        // lock is taken last, so it is given back before the old entry or the old map is freed.
        if (const auto known = entries_.find(entry->digest); known != entries_.end()) {
            const std::lock_guard lock{lock_};
            exchange(known, entry);
            return;
        }
        if (entries_.size() < entries_.max_load()) {
            const std::lock_guard lock{lock_};
            entries_.insert(std::move(entry));
            return;
        }
        Entries grown;
        grown.reserve(std::max<std::size_t>(8, 2 * entries_.size()));
        grown.insert(entries_.begin(), entries_.end());
        grown.insert(std::move(entry));
        const std::lock_guard lock{lock_};
        entries_.swap(grown);
    }

    void erase(const Digest& digest) {
        EntryRef old;
        const std::lock_guard lock{lock_};
        const auto found = entries_.find(digest);
        if (found == entries_.end()) return;
        old = *found;
        entries_.erase(found);
    }

  private:
    /// The new entry has the digest of the old one, so the set stays what it is.
    static void exchange(Entries::iterator place, EntryRef& entry) {
        const_cast<EntryRef&>(*place).swap(entry);
    }

    Entries entries_;
    mutable SpinLock lock_;
};

static_assert(sizeof(Stripe) == 64, "neighbours would share a cache line, or a look-up need two");

} // namespace keygate::keys
