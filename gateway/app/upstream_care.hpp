#pragma once

#include "gate/snapshot.hpp"
#include "observe/metrics.hpp"
#include "proxy/checker.hpp"
#include "proxy/resolver.hpp"

#include <memory>
#include <mutex>

namespace keygate::app {

/// What the whole process does for the upstreams of the configuration that is served: their names
/// are looked up, their servers checked, and `/metrics` shows how they are.
class UpstreamCare {
  public:
    explicit UpstreamCare(const Clock& clock);

    /// Before a configuration is served: its names are known, as far as they can be, when it
    /// returns. May take twice `dns.timeout`. Any thread, one at a time.
    void prepare(const gate::Snapshot& snapshot);
    /// From now on these, and no others.
    void serve(std::shared_ptr<const gate::Snapshot> snapshot);

    /// The metrics read until this dies.
    void add_metrics(observe::Metrics& metrics);

  private:
    [[nodiscard]] std::shared_ptr<const gate::Snapshot> served() const;

    proxy::Resolver resolver_;
    proxy::Checker checker_;
    mutable std::mutex mutex_; // guards what is below
    std::shared_ptr<const gate::Snapshot> served_;
};

} // namespace keygate::app
