#pragma once

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "keys/catalog.hpp"
#include "keys/pepper.hpp"
#include "keys/store_thread.hpp"

#include <chrono>

namespace keygate::admin {

/// What the calls of the admin API work with. All of it outlives the API.
struct Context {
    const config::Settings& settings;
    const keys::Catalog& catalog; // of the same settings
    const keys::Peppers& peppers;
    keys::StoreThread& store;
    const Clock& clock;

    [[nodiscard]] keys::Time now() const {
        return std::chrono::floor<std::chrono::seconds>(clock.now().wall);
    }
};

} // namespace keygate::admin
