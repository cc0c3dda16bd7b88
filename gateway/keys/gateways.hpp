#pragma once

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "redis/reply.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::redis {
class Session;
}

// Who serves keys from one Redis, so that a revocation can be waited for:
//
//   kg:gateways           set of ids
//   kg:gateway:<id>       `<bound> <life>` in milliseconds: how long what it keeps may decide, and
//                         the key's time to live when it was written, by which its age is that of
//                         the last sign of life; a gateway gives one while its lease is renewed
//   kg:wait               channel: `<token>` asks every gateway to answer
//   kg:waited:<token>     set of the ids of those who did
//
// The message comes behind whatever was acknowledged before it was published, on the same
// connection: who answers has applied it.
namespace keygate::keys {

/// One gateway's part.
class Registration {
  public:
    explicit Registration(const config::Store& settings);

    [[nodiscard]] const std::string& id() const { return id_; }

    /// True if it is time for a sign of life; the next one counts from `now`.
    [[nodiscard]] bool is_due(BootTime now);
    [[nodiscard]] std::vector<redis::Command> commands() const;
    [[nodiscard]] std::vector<redis::Command> confirm(std::string_view token) const;

  private:
    std::string id_; // host, process and a random part
    std::chrono::milliseconds bound_;
    std::chrono::milliseconds decides_for_; // at most, when it hears nothing any more
    BootTime due_{};
};

[[nodiscard]] bool is_wait_token(std::string_view text);

/// What became of one gateway.
struct Waited {
    std::string gateway;
    bool has_applied = false; // else it was silent for longer than its bound
    std::chrono::milliseconds silent_for{};
};

/// Waits until each gateway has applied what was acknowledged before the call, or has given no sign
/// of life for longer than its bound, and the bound is over since the call: then nothing that it
/// keeps decides any more (keys/lease.hpp). Blocks; `pause` is called between two looks. By id.
[[nodiscard]] Result<std::vector<Waited>> wait_for_gateways(redis::Session& session,
                                                            const std::function<void()>& pause);

} // namespace keygate::keys
