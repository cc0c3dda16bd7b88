#pragma once

#include "base/clock.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace keygate::net {

class Wheel;

/// Who is told that a deadline has passed.
class DeadlineHandler {
  public:
    virtual void on_deadline() = 0;

  protected:
    ~DeadlineHandler() = default;
};

/// One thing that must happen in time. A member of whoever waits; forgets itself when it dies.
class Deadline {
  public:
    Deadline(Wheel& wheel, DeadlineHandler& handler)
        : wheel_(wheel)
        , handler_(handler) {}

    ~Deadline() { clear(); }

    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    /// From now on, replacing what was set. Never early, at most two ticks late unless very many
    /// are due.
    void set(std::chrono::milliseconds after);

    void clear() { due_ = never; }

    [[nodiscard]] bool is_set() const { return due_ != never; }

  private:
    friend class Wheel;
    static constexpr std::int64_t never = INT64_MAX;

    struct Link {
        Link* next = this;
        Link* before = this;
        Deadline* owner = nullptr;
        Link() = default;
        Link(const Link&) = delete;
        Link& operator=(const Link&) = delete;

        ~Link() { leave(); }

        void leave() {
            next->before = before;
            before->next = next;
            next = before = this;
        }

        void enter(Link& list) {
            before = list.before;
            next = &list;
            before->next = this;
            list.before = this;
        }

        /// What is linked to this one goes to the front of another list; there is at least one.
        void give_all(Link& list) {
            before->next = list.next;
            list.next->before = before;
            list.next = next;
            next->before = &list;
            next = before = this;
        }

        [[nodiscard]] bool is_alone() const { return next == this; }
    };

    Wheel& wheel_;
    DeadlineHandler& handler_;
    std::int64_t due_ = never;    // tick at which it is told
    std::int64_t linked_ = never; // tick whose slot holds the link; never later than due_ while set
    Link link_;
};

/// Coarse deadlines for one thread: a timer per operation costs 0.5 us, moving a deadline here a
/// few instructions. Moving it later does not even touch the list: the slot finds out when its turn
/// comes. No clock and no I/O of its own; whoever owns it calls `advance`.
class Wheel {
  public:
    static constexpr std::chrono::milliseconds tick{50};
    /// Slow clients that came together are due together, and to answer one takes about 25 us: of
    /// 3,000 slow heads 2,097 were answered before anybody else had a turn.
    static constexpr int portion = 64;

    explicit Wheel(SteadyTime start)
        : start_(start) {}

    Wheel(const Wheel&) = delete;
    Wheel& operator=(const Wheel&) = delete;

    /// Tells those whose deadline has passed, at most `portion` of them. A handler may set and
    /// clear any deadline, also destroy other ones' owners, but not its own.
    /// @returns false if there may be more of them: call it again when others have had their turn.
    [[nodiscard]] bool advance(SteadyTime now);

    /// Without telling anybody: deadlines that are set count from `now` on.
    void look(SteadyTime now) { now_ = now; }

  private:
    friend class Deadline;
    static constexpr std::size_t slots = 2048; // about 100 s; later ones take several rounds

    [[nodiscard]] std::int64_t ticks(SteadyTime time) const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time - start_) / tick;
    }

    void link(Deadline& deadline);

    SteadyTime start_;
    SteadyTime now_ = start_;
    std::int64_t told_ = 0; // every slot up to this tick has been visited
    std::array<Deadline::Link, slots> slots_;
};

} // namespace keygate::net
