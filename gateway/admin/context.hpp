#pragma once

#include "admin/reload_api.hpp"
#include "base/clock.hpp"
#include "config/settings.hpp"
#include "keys/catalog.hpp"
#include "keys/issue.hpp"
#include "keys/pepper.hpp"
#include "keys/store_thread.hpp"
#include "limit/counters.hpp"

#include <chrono>

namespace keygate::admin {

/// What the calls of the admin API work with, in one configuration. All of it outlives the calls.
struct Context {
    const config::Settings& settings;
    const keys::Catalog& catalog; // of the same settings
    const keys::Peppers& peppers;
    keys::StoreThread& store;
    const Clock& clock;
    const limit::Counters* counters = nullptr; // what limits have counted here; none as below
    Reload reload{};                           // none where no gateway runs
    const keys::Seals* seals = nullptr;        // of the same settings; none: nothing is sealed

    [[nodiscard]] keys::Mint mint() const { return {peppers, seals}; }

    [[nodiscard]] keys::Time now() const {
        return std::chrono::floor<std::chrono::seconds>(clock.now().wall);
    }
};

} // namespace keygate::admin
