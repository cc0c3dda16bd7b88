#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <memory>

#include "answer/call.hpp"

namespace keygate::answer {

/// Answers calls, on whatever thread it likes. `done` is called once, on any thread.
class Service {
  public:
    virtual void take(Call call, std::function<void(Told)> done) = 0;

  protected:
    ~Service() = default;
};

/// Where the requests of one thread wait for what the service tells. Used by that thread; it may
/// die while the service still works.
class Desk {
  public:
    class Asker {
      public:
        virtual void on_told(Told told) = 0;

      protected:
        ~Asker() = default;
    };

    /// Runs work on the thread, in a turn of its own. Any thread may call it.
    using Enter = std::function<void(std::function<void()>)>;

    /// The service outlives the desk.
    Desk(Service& service, Enter enter);
    ~Desk();
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    /// The asker is told once, in a later turn, unless it cancels.
    /// @returns its ticket.
    [[nodiscard]] std::uint64_t ask(Call call, Asker& asker);

    /// What was asked for may be done all the same.
    void cancel(std::uint64_t ticket) { waiting_.erase(ticket); }

  private:
    struct Door; // through which answers come in, as long as there is a desk

    void deliver(std::uint64_t ticket, Told told);

    Service& service_;
    std::shared_ptr<Door> door_;
    std::uint64_t last_ticket_ = 0;
    boost::unordered_flat_map<std::uint64_t, Asker*> waiting_;
};

} // namespace keygate::answer
