#pragma once

#include "config/settings.hpp"
#include "proxy/upstream.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keygate::proxy {

/// Looks up the names of upstreams, again and again, on a thread of its own. A name is asked for
/// again when its answer may be kept no longer; where no answer comes the last good one stands, and
/// a request never waits for any of it.
class Resolver {
  public:
    /// @param tell  is told what goes wrong, and when it goes right again; on the resolver's
    /// thread.
    explicit Resolver(std::function<void(const std::string&)> tell);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    using Upstreams = std::vector<std::shared_ptr<Upstream>>;

    /// From now on these are kept true, in place of those before. Names that are known already are
    /// there when it returns; for others it waits until each was answered once, or could not be.
    /// Any thread, one at a time.
    void serve(const config::Dns& settings, Upstreams upstreams);

    /// Questions that came to nothing so far. Any thread.
    [[nodiscard]] std::uint64_t failures() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace keygate::proxy
