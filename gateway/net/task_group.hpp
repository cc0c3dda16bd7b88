#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>

namespace keygate::net {

/// The coroutines that one owner has started. The owner cancels them and awaits `drained()` before
/// it dies, so none of them can outlive what it refers to. All calls on the thread of the executor.
class TaskGroup {
  public:
    explicit TaskGroup(boost::asio::any_io_executor executor);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Starts a task; it first runs in a later turn of the loop. In a cancelled group nothing
    /// starts: the task is destroyed, and with it what it was given. A task may end with
    /// `operation_aborted`; any other exception is a bug and leaves `io_context::run` of the
    /// thread.
    void spawn(boost::asio::awaitable<void> task);

    /// Tells every task to stop: what it waits for ends with `operation_aborted`. For good.
    void cancel();

    /// Completes when no task is left. Must not itself be awaited by a task of this group.
    [[nodiscard]] boost::asio::awaitable<void> drained();

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] bool is_cancelled() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace keygate::net
