#pragma once

#include "config/settings.hpp"
#include "http/head.hpp"
#include "keys/catalog.hpp"

#include <span>
#include <string_view>

namespace keygate::policy {

/// What a request is judged by, beside its key and its route.
struct Facts {
    const http::RequestHead& head;
    std::string_view path;    // canonical, without query
    std::string_view address; // of the client: the peer of its connection
};

/// What an API says to all of its keys.
struct Rules {
    std::span<const config::Plan> plans; // empty: it has none
    const keys::ApiNames& names;
};

} // namespace keygate::policy
