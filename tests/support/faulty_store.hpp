#pragma once

#include "keys/store.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace keygate::test {

/// A store that can be told to fail: a fault that is set answers every call.
class FaultyStore final : public keys::KeyStore {
  public:
    /// `fault` outlives the store; set it only while the store's thread has no work.
    FaultyStore(std::unique_ptr<keys::KeyStore> store, const std::optional<Fault>& fault)
        : store_(std::move(store))
        , fault_(fault) {}

    Result<void> each(const std::function<void(keys::OwnerRecord&&)>& on_owner,
                      const std::function<void(keys::KeyRecord&&)>& on_key) override {
        if (fault_) return *fault_;
        return store_->each(on_owner, on_key);
    }

    Result<void> watch() override {
        if (fault_) return *fault_;
        return store_->watch();
    }

    void forget() override { store_->forget(); }

    Result<void> commit(const keys::Change& change) override {
        if (fault_) return *fault_;
        return store_->commit(change);
    }

    Result<keys::KeyRow> find(const std::string& id) override {
        if (fault_) return *fault_;
        return store_->find(id);
    }

    Result<std::optional<std::string>> find_same(const keys::KeyRecord& key) override {
        if (fault_) return *fault_;
        return store_->find_same(key);
    }

    Result<keys::Page<keys::KeyRow>> list(const keys::KeyFilter& filter) override {
        if (fault_) return *fault_;
        return store_->list(filter);
    }

    Result<std::vector<keys::KeyRecord>> keys_of(const keys::OwnerName& owner) override {
        if (fault_) return *fault_;
        return store_->keys_of(owner);
    }

    Result<keys::OwnerRecord> find_owner(const keys::OwnerName& name) override {
        if (fault_) return *fault_;
        return store_->find_owner(name);
    }

    Result<keys::Page<keys::OwnerRecord>>
    list_owners(const std::string& api, const std::string& cursor, std::size_t limit) override {
        if (fault_) return *fault_;
        return store_->list_owners(api, cursor, limit);
    }

    Result<bool> has_keys(const keys::OwnerName& owner) override {
        if (fault_) return *fault_;
        return store_->has_keys(owner);
    }

    Result<keys::Usage> usage_of(const keys::OwnerName& owner) override {
        if (fault_) return *fault_;
        return store_->usage_of(owner);
    }

    Result<void> add(std::span<const keys::UsageDelta> uses) override {
        if (fault_) return *fault_;
        return store_->add(uses);
    }

    Result<void> each_spent(
        const std::function<void(const keys::SpentBy&, std::span<const keys::Spent>)>& on_spent)
        override {
        if (fault_) return *fault_;
        return store_->each_spent(on_spent);
    }

    Result<std::vector<keys::Spent>> spent(const keys::SpentBy& by,
                                           std::span<const config::Limit> limits) override {
        if (fault_) return *fault_;
        return store_->spent(by, limits);
    }

    Result<std::optional<keys::Time>> oldest_key() override {
        if (fault_) return *fault_;
        return store_->oldest_key();
    }

    Result<std::optional<keys::Receipt>> find_receipt(const std::string& name,
                                                      keys::Time since) override {
        if (fault_) return *fault_;
        return store_->find_receipt(name, since);
    }

    Result<std::vector<keys::PepperUse>> peppers() override {
        if (fault_) return *fault_;
        return store_->peppers();
    }

    Result<void> put_pepper(const keys::PepperUse& pepper) override {
        if (fault_) return *fault_;
        return store_->put_pepper(pepper);
    }

    Result<std::unique_ptr<keys::StoreBackup>> backup(const std::string& file) override {
        if (fault_) return *fault_;
        return store_->backup(file);
    }

  private:
    std::unique_ptr<keys::KeyStore> store_;
    const std::optional<Fault>& fault_;
};

} // namespace keygate::test
