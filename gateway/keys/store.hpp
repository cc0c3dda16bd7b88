#pragma once

#include "base/result.hpp"
#include "keys/record.hpp"

#include <functional>
#include <optional>
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
};
[[nodiscard]] const boost::system::error_category& store_category();
[[nodiscard]] boost::system::error_code make_error_code(StoreError error);

/// Which keys a list shows; empty members do not filter.
struct KeyFilter {
    std::string api;
    std::string owner;
    std::optional<KeyStatus> status;
    std::string after; // cursor: the id of the last key already shown
    std::size_t limit = 100;
};

/// Records at rest. Calls block and may touch a disk: never from a thread that carries requests.
/// A write that returned is durable. One thread at a time.
class KeyStore {
  public:
    virtual ~KeyStore() = default;

    /// Hands every record to the callbacks: owners first. Used once, to fill the table. A damaged
    /// row does not take the others with it: it is handed on with what can be read and `readable` =
    /// false, and the table makes it store_invalid. (The calls below answer StoreError::unreadable
    /// for it.)
    virtual Result<void> each(const std::function<void(OwnerRecord&&)>& on_owner,
                              const std::function<void(KeyRecord&&)>& on_key) = 0;

    /// All of them or none. With StoreError::conflict, Fault::step is the id that exists already;
    /// for a digest that exists already, the id of its record.
    virtual Result<void> insert(const std::vector<KeyRecord>& records) = 0;
    /// Returns the record as it now stands; revoking twice is not an error.
    virtual Result<KeyRecord> set_status(const std::string& id, KeyStatus status) = 0;
    virtual Result<KeyRecord> find(const std::string& id) = 0;
    /// In the order of creation; at most `limit`. StoreError::not_found where `after` is no key's
    /// id.
    virtual Result<std::vector<KeyRecord>> list(const KeyFilter& filter) = 0;

    /// Creates or replaces; true when it was created.
    virtual Result<bool> put_owner(const OwnerRecord& owner) = 0;
    virtual Result<OwnerRecord> find_owner(const std::string& api, const std::string& id) = 0;
    virtual Result<std::vector<OwnerRecord>> list_owners(const std::string& api) = 0;
};

} // namespace keygate::keys

template <> struct boost::system::is_error_code_enum<keygate::keys::StoreError> : std::true_type {};
