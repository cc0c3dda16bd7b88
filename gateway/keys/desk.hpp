#pragma once

#include "keys/question.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace keygate::keys {

class Keeper;

/// The questions of one thread's requests: those of one turn of its loop go to the keeper together,
/// answers come back to the thread. Used by that thread, but for `deliver`.
class Desk {
  public:
    /// A request that waits.
    class Asker {
      public:
        virtual void on_answer(const Answer& answer) = 0;

      protected:
        ~Asker() = default;
    };

    /// Runs work on the thread, in a turn of its own. Any thread may call it.
    using Enter = std::function<void(std::function<void()>)>;

    /// The keeper outlives the desk, and is stopped before the desk dies.
    Desk(Keeper& keeper, Enter enter)
        : keeper_(keeper)
        , enter_(std::move(enter)) {}

    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    /// Asks about a key. The asker is told once, in a later turn, unless it cancels.
    /// @returns its ticket.
    [[nodiscard]] std::uint64_t ask(const Digest& digest, BootTime t, std::shared_ptr<Cache> cache,
                                    EntryRef last_known, Asker& asker);

    void cancel(std::uint64_t ticket) { waiting_.erase(ticket); }

    /// At the end of each turn.
    void send();

    /// The keeper's thread.
    void deliver(std::vector<Answer> answers);

  private:
    Keeper& keeper_;
    Enter enter_;
    std::uint64_t last_ticket_ = 0;
    std::vector<Question> outbox_;
    boost::unordered_flat_map<std::uint64_t, Asker*> waiting_;
};

} // namespace keygate::keys
