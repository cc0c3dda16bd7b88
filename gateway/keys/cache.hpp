#pragma once

#include "keys/lease.hpp"
#include "keys/live_keys.hpp"
#include "keys/table.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace keygate::keys {

/// What all caches of a process have in common. Outlives them.
struct Freshness {
    std::chrono::nanoseconds bound{};            // `revocation_bound`
    std::chrono::nanoseconds stale_while_down{}; // added to it while the store is away
    Renewed renewed;
    std::atomic<bool> is_away{false};                      // the store cannot be asked
    mutable std::atomic<std::uint64_t> stale_decisions{0}; // that only `stale_while_down` allowed
};

/// Keys of a store that others write to, as far as requests have asked for them: digest -> entry,
/// bounded, each with a stamp that says until when it decides (keys/lease.hpp). Compiled against
/// one configuration. A look-up takes one striped lock for as long as it takes to copy a reference.
class Cache final : public LiveKeys {
  public:
    struct Bounds {
        std::size_t keys = 0;
        std::size_t unknown = 0; // digests that are known to be nobody's
    };

    struct Found {
        enum class Kind : std::uint8_t {
            known,   // the entry decides
            unknown, // there is no such key
            invalid, // there is a record that cannot be read: store_invalid
            ask      // the store must be asked; the entry, if any, is what was last known
        };

        Kind kind = Kind::ask;
        EntryRef entry;
        /// Only `stale_while_down` lets it decide. Nobody is refused by an absence that is stale:
        /// it says where else to look.
        bool is_stale = false;
    };

    /// How long an absence is believed at most, whatever renews it.
    static constexpr std::chrono::seconds absence_life{5};

    /// @param named      outlives all caches of the process.
    /// @param on_commit  what `apply` does: it returns when the change decides every later request.
    Cache(std::shared_ptr<const Catalog> catalog, SubjectsRef subjects, NamedSubjects& named,
          const Freshness& freshness, Bounds bounds, std::function<void(const Change&)> on_commit);
    ~Cache() override;
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;

    /// What decides about a key for a request that was read at `t`. Any thread; never allocates.
    [[nodiscard]] Found find(const Digest& digest, BootTime t) const;

    // What comes in and goes out. One thread at a time.

    /// Compiles a record. @param owner  null: there is none.
    [[nodiscard]] EntryRef make(const KeyRecord& record, const OwnerRecord* owner,
                                const Stamp& stamp,
                                std::shared_ptr<const RecordMarks> marks = {}) const;
    /// Keeps an entry that `make` has made; another one, not used lately, may have to go for it.
    void keep(const EntryRef& entry);
    void keep_absence(const Digest& digest, const Stamp& stamp, bool is_invalid);
    void forget(const Digest& digest);
    void forget_id(const std::string& id);
    void forget_owner(const OwnerName& owner);
    void forget_all();

    /// Digests of all that is kept.
    [[nodiscard]] std::vector<Digest> digests() const;

    // LiveKeys; any thread.

    [[nodiscard]] const Catalog& catalog() const override;
    void apply(const Change& change) override;
    void add_pending(Usage& usage, const std::string& id, Time now) const override;
    void add_pending(Usage& usage, const OwnerName& owner, Time now) const override;
    [[nodiscard]] SubjectRef subject_of(const SpentBy& by) const override;

    // Any thread.

    [[nodiscard]] const SubjectsRef& subjects() const;
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t absences() const;
    [[nodiscard]] std::size_t unreadable() const;
    [[nodiscard]] std::uint64_t evictions() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace keygate::keys
