#pragma once

#include "keys/store.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace keygate::test {

/// A KeyStore in memory. A fault that is set answers every call.
class MemoryStore final : public keys::KeyStore {
  public:
    struct Contents {
        std::vector<keys::KeyRecord> keys; // in the order of creation
        std::map<std::pair<std::string, std::string>, keys::OwnerRecord> owners;
        std::optional<Fault> fault;
    };

    /// `contents` outlives the store; look at it only while the store's thread has no work.
    explicit MemoryStore(Contents& contents)
        : contents_(contents) {}

    Result<void> each(const std::function<void(keys::OwnerRecord&&)>& on_owner,
                      const std::function<void(keys::KeyRecord&&)>& on_key) override;
    Result<void> insert(const std::vector<keys::KeyRecord>& records) override;
    Result<keys::KeyRecord> set_status(const std::string& id, keys::KeyStatus status) override;
    Result<keys::KeyRecord> find(const std::string& id) override;
    Result<std::vector<keys::KeyRecord>> list(const keys::KeyFilter& filter) override;
    Result<bool> put_owner(const keys::OwnerRecord& owner) override;
    Result<keys::OwnerRecord> find_owner(const std::string& api, const std::string& id) override;
    Result<std::vector<keys::OwnerRecord>> list_owners(const std::string& api) override;

  private:
    keys::KeyRecord* at(const std::string& id);

    Contents& contents_;
};

} // namespace keygate::test
