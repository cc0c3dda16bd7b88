#include "keys/fill.hpp"

namespace keygate::keys {

Result<void> fill(KeyStore& store, Table& table, const Table* before) {
    return store.each([&table](OwnerRecord&& owner) { table.put_owner(owner); },
                      [&table, before](KeyRecord&& key) { table.put(key, before); });
}

} // namespace keygate::keys
