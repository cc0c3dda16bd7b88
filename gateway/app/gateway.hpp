#pragma once

#include "admin/reload_api.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace keygate::app {

/// A whole running gateway: the workers, the key table and its store, the operator's listeners. The
/// one place where rooms are put together.
class Gateway {
  public:
    /// Opens the store, fills the table, binds every listener and begins to serve. The settings are
    /// those that config::load accepted. `clock` outlives the gateway.
    [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(config::Settings settings,
                                                                const Clock& clock);
    /// Ends at once what is still there.
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    /// Reads the configuration's file again and serves what it says from here on: the next request
    /// of every connection is judged by it, requests in flight end as they began. What cannot be
    /// done is refused as a whole, and logged. `done`, which may be empty, is called once, on a
    /// thread of ours; not after the destructor. Any thread.
    void reload(std::function<void(admin::ReloadOutcome)> done);

    /// Readiness goes off; after `drain.delay` no connection is taken any more; what is in flight
    /// has `drain.timeout` to end. Blocks until then, or until `hurry` is called.
    void drain();
    /// Ends a `drain` that is under way. Any thread.
    void hurry();

    /// As bound, in the order of the settings.
    [[nodiscard]] const std::vector<std::uint16_t>& ports() const;
    /// 0 without such a listener.
    [[nodiscard]] std::uint16_t status_port() const;
    [[nodiscard]] std::uint16_t admin_port() const;
    [[nodiscard]] std::size_t keys() const;

  private:
    struct State;
    explicit Gateway(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

} // namespace keygate::app
