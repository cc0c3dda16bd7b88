#pragma once

#include "gate/lane.hpp"
#include "net/wheel.hpp"

#include <cstdint>
#include <string>

namespace keygate::gate {

/// Who has let in something long and wants to know when its key is good no more.
class KeyWatcher {
  public:
    virtual void on_key_ended(Reason reason) = 0;

  protected:
    ~KeyWatcher() = default;
};

/// Looks at the key of one long answer or tunnel again and again (`terminate_streams`), under the
/// configuration of the moment: its record, its owner and the owner's plan. While the store cannot
/// be asked nothing is known of the key, and nothing happens.
class KeyWatch final : net::DeadlineHandler, keys::Desk::Asker {
  public:
    /// How often. What the store has acknowledged ends the stream this much and `revocation_bound`
    /// later.
    static constexpr std::chrono::milliseconds period{100};

    /// @param caller  of the request that was let in. @param api  the name of its API.
    KeyWatch(Lane& lane, const keys::Entry& caller, std::string api, KeyWatcher& watcher);
    ~KeyWatch();
    KeyWatch(const KeyWatch&) = delete;
    KeyWatch& operator=(const KeyWatch&) = delete;

  private:
    void on_deadline() override;
    void on_answer(const keys::Answer& answer) override;
    void look_in_cache();
    void judge(const keys::Entry* entry);

    Lane& lane_;
    const keys::Digest digest_;
    const std::string id_;
    const std::string api_;
    KeyWatcher& watcher_;
    std::uint64_t ticket_ = 0; // 0: nobody is asked
    net::Deadline deadline_;
};

} // namespace keygate::gate
