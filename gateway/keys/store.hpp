#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "keys/record.hpp"
#include "keys/usage.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The seam between the gateway and where records are kept (store_*: a store that is away or a
// record that cannot be read is 503, never a verdict on the key).
namespace keygate::keys {

/// Why a store would not do something; everything else is a Fault of the machine around it.
enum class StoreError {
    conflict = 1, // an id or digest that exists already
    not_found,
    in_use,     // another process has the file
    unreadable, // not a keygate store, a newer schema, a damaged record
    bad_cursor, // not one that this store gave
    raced,      // somebody else changed what was read; nothing was done, and it may be tried again
};
[[nodiscard]] const boost::system::error_category& store_category();
[[nodiscard]] boost::system::error_code make_error_code(StoreError error);

/// Which keys a page shows; empty members do not filter.
struct KeyFilter {
    std::string api;
    std::string owner;
    std::string prefix; // exactly the letters that are shown
    std::optional<KeyStatus> status;
    std::optional<bool> expired;      // at `now`
    std::optional<Time> unused_since; // made before, and not used from then on
    Time now{};
    std::string cursor; // of the page before; empty: the first
    std::size_t limit = 100;
};

/// A key and what it did.
struct KeyRow {
    KeyRecord record;
    Usage usage;
};

/// A part of a list, in the order of creation. A page may hold fewer rows than were asked for, even
/// none, and still not be the last: the work for one page is bounded.
template <class Row> struct Page {
    std::vector<Row> rows;
    std::optional<std::string> next; // cursor of the page behind this one
};

/// How a call that was given a name of its own was answered, so that its repetition changes
/// nothing.
struct Receipt {
    std::string name;    // of the caller and its call
    std::string request; // digest of what was asked for
    unsigned status = 0;
    std::string answer; // the body, without any secret
    std::string location;
    Time at{};

    bool operator==(const Receipt&) const = default;
};

/// How long a repeated call is known.
inline constexpr std::chrono::hours receipt_life{24};

/// What is to be done together: all of it or nothing.
struct Change {
    std::vector<KeyRecord> insert;
    std::vector<KeyRecord> update;   // whole records, found by their ids
    std::vector<std::string> remove; // ids; what the keys used stays with their owner
    std::optional<OwnerRecord> put_owner;
    std::optional<OwnerName> remove_owner; // with all usage
    std::vector<SpentBy> forget_spent; // what limits have counted; what was used stays in totals
    std::optional<Receipt> receipt;
};

/// A copy of the store that is being made while the store goes on. Steps on the store's thread.
class StoreBackup {
  public:
    virtual ~StoreBackup() = default;
    /// Copies a part. True when the copy is complete and durable under its name; what is not
    /// complete when this object dies is taken away again.
    virtual Result<bool> step() = 0;
};

/// By which pepper some digests were made, and a proof that it is still the same.
struct PepperUse {
    std::string name;
    std::string proof;    // 64 hexadecimal digits
    std::size_t keys = 0; // that were made with it
};

/// Records at rest. Calls block and may touch a disk: never from a thread that carries requests.
/// A write that returned is durable. One thread at a time.
class KeyStore {
  public:
    virtual ~KeyStore() = default;

    /// Hands every record to the callbacks: owners first. Used to fill a table. A damaged row does
    /// not take the others with it: it is handed on with what can be read and `readable` = false,
    /// and the table makes it store_invalid.
    virtual Result<void> each(const std::function<void(OwnerRecord&&)>& on_owner,
                              const std::function<void(KeyRecord&&)>& on_key) = 0;

    /// Begins to read for a change: if anything that `find`, `find_same`, `find_owner`, `has_keys`
    /// and `find_receipt` tell from here on is changed by somebody else before `commit`, that fails
    /// with StoreError::raced. Ends with `commit` or `forget`. Nothing where nobody else writes.
    virtual Result<void> watch() = 0;
    virtual void forget() = 0;

    /// With StoreError::conflict, Fault::step is the id that exists already; for a digest that
    /// exists already, the id of its record. StoreError::not_found where something to be updated or
    /// removed is not there.
    virtual Result<void> commit(const Change& change) = 0;

    // Single records and pages hold damaged ones as `each` does.
    virtual Result<KeyRow> find(const std::string& id) = 0;
    /// The id of a record that stands in the way of a new one: with its id, else with its digest.
    virtual Result<std::optional<std::string>> find_same(const KeyRecord& key) = 0;
    virtual Result<Page<KeyRow>> list(const KeyFilter& filter) = 0;
    virtual Result<OwnerRecord> find_owner(const OwnerName& name) = 0;
    /// By API and id. @param api  empty: of all.
    virtual Result<Page<OwnerRecord>> list_owners(const std::string& api, const std::string& cursor,
                                                  std::size_t limit) = 0;
    virtual Result<bool> has_keys(const OwnerName& owner) = 0;
    /// All keys of an owner, in the order of their creation; damaged ones too. In a watched section
    /// each of them is watched, and that no other is made.
    virtual Result<std::vector<KeyRecord>> keys_of(const OwnerName& owner) = 0;

    /// Of all keys of an owner, also of those that were deleted.
    virtual Result<Usage> usage_of(const OwnerName& owner) = 0;
    /// Adds what keys did; a key that was deleted meanwhile counts for its owner. What quotas have
    /// counted is kept by the embedded store alone: in Redis gateways count there themselves.
    virtual Result<void> add(std::span<const UsageDelta> uses) = 0;
    /// Hands on what quotas have counted, as far as `add` has kept it.
    virtual Result<void>
    each_spent(const std::function<void(const SpentBy&, std::span<const Spent>)>& on_spent) = 0;
    /// What limits have counted for one, by the store: one for each of them, nothing used where
    /// nothing is known. In Redis it is what is counted there (`kg:rl:`); a bucket's state is as
    /// limit/state.hpp has it.
    virtual Result<std::vector<Spent>> spent(const SpentBy& by,
                                             std::span<const config::Limit> limits) = 0;
    /// When the oldest key that is still active was made; nothing without such keys.
    virtual Result<std::optional<Time>> oldest_key() = 0;

    /// The receipt of that name, unless it is older than `since`.
    virtual Result<std::optional<Receipt>> find_receipt(const std::string& name, Time since) = 0;

    virtual Result<std::vector<PepperUse>> peppers() = 0;
    /// Remembers a pepper by its proof.
    virtual Result<void> put_pepper(const PepperUse& pepper) = 0;

    /// Begins a copy in a new file, mode 0600. @errors file_exists; operation_not_supported where
    /// the store is copied by its own means.
    virtual Result<std::unique_ptr<StoreBackup>> backup(const std::string& file) = 0;
};

} // namespace keygate::keys

template <> struct boost::system::is_error_code_enum<keygate::keys::StoreError> : std::true_type {};
