#pragma once

#include "app/command.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

// `keygate store doctor`, `reindex` and `copy`: they speak to the store itself, not to a gateway.
namespace keygate::app {

struct CopyStore : CommonOptions {
    std::string to; // the configuration whose store is copied to
};

// Each returns the exit status (app/command.hpp).

/// Looks at what keygate relies on in the store. Refused (1) if a problem was found.
[[nodiscard]] int examine_store(const config::Store& store, bool json, Console& console);
/// Makes the indexes of a Redis anew from its records, while gateways go on.
[[nodiscard]] int reindex_store(const config::Store& store, bool json, Console& console);
/// Copies keys, owners, their uses and the peppers' proofs to another store; what quotas have
/// counted is not copied: stores do not keep it in the same form. Nothing is written if
/// the target has another record under a same name; what is there already and alike is left as it
/// is, so that a copy that was cut is just started again. Receipts of calls are not copied.
[[nodiscard]] int copy_store(const config::Store& from, const config::Store& to, bool json,
                             Console& console);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_store_care(CLI::App& store, std::function<int()>& chosen);

} // namespace keygate::app
