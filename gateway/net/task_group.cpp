#include "net/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <list>
#include <utility>

namespace asio = boost::asio;

namespace keygate::net {

// Shared with the completion of every task: a loop that is torn down with tasks in it (an exception
// on its way to main) still finds the signals that the tasks' slots point to.
struct TaskGroup::State {
    explicit State(asio::any_io_executor where)
        : executor(std::move(where))
        , empty(executor) {
        empty.expires_at(asio::steady_timer::time_point::max());
    }

    asio::any_io_executor executor;
    std::list<asio::cancellation_signal> tasks;
    asio::steady_timer empty; // never expires; cancelled whenever the last task is gone
    bool is_cancelled = false;
};

namespace {

bool is_aborted(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

} // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(asio::awaitable<void> task) {
    if (state_->is_cancelled) return;
    const auto entry = state_->tasks.emplace(state_->tasks.end());
    auto done = [state = state_, entry](std::exception_ptr error) {
        // A turn later: the task may have ended inside the emit() of its own signal, which must not
        // be destroyed under it.
        asio::post(state->executor, [state, entry, error = std::move(error)] {
            state->tasks.erase(entry);
            if (state->tasks.empty()) state->empty.cancel();
            if (error && !is_aborted(error)) std::rethrow_exception(error);
        });
    };
    asio::co_spawn(state_->executor, std::move(task),
                   asio::bind_cancellation_slot(entry->slot(), std::move(done)));
}

void TaskGroup::cancel() {
    state_->is_cancelled = true;
    // Nothing is erased while this runs: erasing is posted.
    for (auto& signal : state_->tasks)
        signal.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> TaskGroup::drained() {
    const auto state = state_;
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    while (!state->tasks.empty())
        co_await state->empty.async_wait(token);
}

std::size_t TaskGroup::size() const {
    return state_->tasks.size();
}

bool TaskGroup::is_cancelled() const {
    return state_->is_cancelled;
}

} // namespace keygate::net
