#pragma once

#include "admin/message.hpp"

#include <functional>
#include <string>
#include <vector>

namespace keygate::admin {

/// One thing that must hold before requests should be sent here.
struct ReadyCheck {
    std::string name; // `store`
    bool is_passing = false;
    std::string detail; // why not, in a few words
};

/// Where the pages get what they show. Called on the server's loop: they must be quick.
struct StatusHooks {
    std::function<std::vector<ReadyCheck>()> checks;
    std::function<std::string()> metrics; // Prometheus text format 0.0.4
};

/// `/livez` (200 while the process answers at all), `/readyz` and its alias `/healthz` (200
/// `ready`, or 503 with one line for each failing check; all of them with `?verbose`), `/metrics`.
/// Anything else is 404, methods other than GET and HEAD are 405.
[[nodiscard]] Handler status_pages(StatusHooks hooks);

} // namespace keygate::admin
