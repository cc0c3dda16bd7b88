#pragma once

#include "admin/status_pages.hpp"
#include "app/worker.hpp"
#include "keys/keeper.hpp"
#include "observe/metrics.hpp"

// What operators see of keys that are kept in Redis.
namespace keygate::app {

/// To the process' log.
[[nodiscard]] keys::Keeper::Log log_of_keeper();

/// `store` of `/readyz`. @param keeper  null with the embedded store, which is always there.
[[nodiscard]] admin::ReadyCheck store_check(const keys::Keeper* keeper);

/// `limits` of `/readyz`: passes also while Redis is away, because `when_away` decides then.
[[nodiscard]] admin::ReadyCheck limits_check(const std::vector<std::unique_ptr<Worker>>& workers);

/// `keeper` outlives the metrics.
void add_redis_metrics(observe::Metrics& metrics, const keys::Keeper& keeper);

} // namespace keygate::app
