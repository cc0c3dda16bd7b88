#include "keys/fill.hpp"

namespace keygate::keys {

Result<void> fill(KeyStore& store, Table& table) {
    return store.each([&table](OwnerRecord&& owner) { table.put_owner(owner); },
                      [&table](KeyRecord&& key) { table.put(key); });
}

} // namespace keygate::keys
