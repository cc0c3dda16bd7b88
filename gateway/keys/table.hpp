#pragma once

#include "base/result.hpp"
#include "keys/catalog.hpp"
#include "keys/lease.hpp"
#include "keys/live_keys.hpp"
#include "keys/record.hpp"
#include "keys/restrictions.hpp"
#include "keys/subject.hpp"
#include "keys/usage.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

namespace keygate::keys {

/// What records were when an entry was made of them (`revocation_bound: 0`): each as
/// limit/redis_script.hpp's mark_of says it.
struct RecordMarks {
    std::string key;
    std::string owner;
};

/// Whether anybody looked something up since it was asked last. A copy is one that nobody has seen.
class UsedMark {
  public:
    UsedMark() = default;

    UsedMark(const UsedMark&) {}

    UsedMark& operator=(const UsedMark&) = delete;
    ~UsedMark() = default;

    void set() const {
        // Most look-ups find it set and do not take the cache line from the others.
        if (!is_set_.load(std::memory_order_relaxed))
            is_set_.store(true, std::memory_order_relaxed);
    }

    [[nodiscard]] bool take() const { return is_set_.exchange(false, std::memory_order_relaxed); }

  private:
    mutable std::atomic<bool> is_set_{false};
};

/// What only some keys have. Immutable.
struct Particulars : boost::intrusive_ref_counter<Particulars, boost::thread_safe_counter> {
    std::shared_ptr<const Restrictions> restrictions; // null: none
    /// Of a key that is found by its public part: the whole key's.
    std::optional<Digest> secret_digest;
    /// Of a key that was rotated: the field that says so, a whole line.
    std::string notice;
};

using ParticularsRef = boost::intrusive_ptr<const Particulars>;

/// A key as requests see it: the record and its owner, compiled against the catalog. Immutable;
/// shared between threads; a change makes a new one. The first two cache lines decide a request.
struct alignas(64) Entry : boost::intrusive_ref_counter<Entry, boost::thread_safe_counter> {
    static constexpr std::uint16_t no_plan = std::numeric_limits<std::uint16_t>::max();

    // What finds and decides a request stands together, in the first cache lines.
    std::uint32_t number = 0; // of the subject
    Digest digest;
    std::uint16_t api = 0;        // position in the catalog
    std::uint16_t plan = no_plan; // position in the API's plans
    KeyStatus status = KeyStatus::active;
    OwnerStatus owner_status = OwnerStatus::active;
    Mode mode = Mode::live;
    /// False: the record names what the configuration does not know (store_invalid).
    bool readable = true;
    std::int64_t expires_at = std::numeric_limits<std::int64_t>::max(); // Unix seconds
    /// What is the same in all entries of the key.
    SubjectRef subject;
    /// Until when it decides (keys/cache.hpp); nothing in a table that is complete.
    Stamp stamp;
    UsedMark is_used;
    std::uint32_t created_at = 0; // Unix seconds, up to 2106; 0: nobody knows
    /// `X-Key-Id: …\r\nX-Key-Owner: …\r\n` …, ready to be sent upstream. No value holds a control
    /// byte.
    std::string identity;
    std::uint32_t owner_number = 0; // of the owner's subject
    SubjectRef owner_subject;       // the same in all entries of all keys of the owner
    ParticularsRef particulars;     // null: none
    std::shared_ptr<const config::KeyLimits> limits; // that the record says; null: the plan's
    std::shared_ptr<const RecordMarks> marks;        // null but with a bound of 0
    ScopeSet scopes;                                 // with what they imply, and cut to the plan's
    std::string id;
    std::string owner;
};

using EntryRef = boost::intrusive_ptr<const Entry>;

/// All keys in memory, for all threads: digest -> entry. A look-up takes one striped lock for as
/// long as it takes to copy a reference. Complete with the embedded store: a key that is not here
/// is unknown.
class Table final : public LiveKeys {
  public:
    /// @param subjects  shared with the tables of other configurations.
    explicit Table(std::shared_ptr<const Catalog> catalog,
                   SubjectsRef subjects = SubjectsRef{new Subjects});
    ~Table() override;
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    /// The entry of a digest, or null. Any thread; never allocates.
    [[nodiscard]] EntryRef find(const Digest& digest) const;

    // All changes are effective for every look-up that begins after the return. Writers only: one
    // thread at a time.

    /// Brings one record in, new or changed. The key's subject, and so its spent limits, survive a
    /// change.
    /// @param before  the table of the configuration before, with the same subjects and by the same
    ///                writer: a key that is new here and was there keeps its subject.
    void put(const KeyRecord& record, const Table* before = nullptr);
    /// The key is gone; one that comes under the same id later is another. False if there is none.
    bool remove(const std::string& id);
    /// An owner's change re-compiles all of its keys.
    void put_owner(const OwnerRecord& owner);
    /// Its record is gone. Keys that require it become unreadable, others lose its plan and status.
    void remove_owner(const std::string& api, const std::string& id);

    void apply(const Change& change) override;
    void add_pending(Usage& usage, const std::string& id, Time now) const override;
    void add_pending(Usage& usage, const OwnerName& owner, Time now) const override;
    [[nodiscard]] SubjectRef subject_of(const SpentBy& by) const override;

    [[nodiscard]] const SubjectsRef& subjects() const;
    /// What its entries are compiled against.
    [[nodiscard]] const Catalog& catalog() const override;

    [[nodiscard]] std::size_t size() const;
    /// Entries whose record the configuration cannot read.
    [[nodiscard]] std::size_t unreadable() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace keygate::keys
