#include "net/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>

namespace asio = boost::asio;

namespace keygate {
namespace {

/// Waits for what never comes; counts how it ended.
asio::awaitable<void> wait_forever(std::shared_ptr<int> ended, std::shared_ptr<int> aborted) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer never(executor);
    never.expires_at(asio::steady_timer::time_point::max());
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    const auto [error] = co_await never.async_wait(token);
    if (error == asio::error::operation_aborted) ++*aborted;
    ++*ended;
}

asio::awaitable<void> end_at_once(std::shared_ptr<int> ended) {
    ++*ended;
    co_return;
}

asio::awaitable<void> fail() {
    throw std::logic_error("a bug");
    co_return;
}

asio::awaitable<void> cancel_and_drain(net::TaskGroup& group, bool& is_drained) {
    group.cancel();
    co_await group.drained();
    is_drained = true;
}

asio::awaitable<void> drain(net::TaskGroup& group, bool& is_drained) {
    co_await group.drained();
    is_drained = true;
}

void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

struct Counted {
    asio::io_context loop{1};
    net::TaskGroup group{loop.get_executor()};
    std::shared_ptr<int> ended = std::make_shared<int>(0);
    std::shared_ptr<int> aborted = std::make_shared<int>(0);
    bool is_drained = false;
};

BOOST_AUTO_TEST_SUITE(net_task_group)

BOOST_FIXTURE_TEST_CASE(tasks_that_end_leave_the_group, Counted) {
    for (int i = 0; i < 100; ++i)
        group.spawn(end_at_once(ended));
    BOOST_TEST(group.size() == 100u);
    asio::co_spawn(loop, drain(group, is_drained), rethrow);
    loop.run();
    BOOST_TEST(*ended == 100);
    BOOST_TEST(group.size() == 0u);
    BOOST_TEST(is_drained);
}

BOOST_FIXTURE_TEST_CASE(cancelling_ends_what_waits_and_draining_awaits_it, Counted) {
    for (int i = 0; i < 10; ++i)
        group.spawn(wait_forever(ended, aborted));
    loop.poll();
    BOOST_TEST(group.size() == 10u);
    asio::co_spawn(loop, cancel_and_drain(group, is_drained), rethrow);
    loop.run();
    BOOST_TEST(*aborted == 10);
    BOOST_TEST(group.size() == 0u);
    BOOST_TEST(is_drained);
}

BOOST_FIXTURE_TEST_CASE(an_empty_group_is_drained_at_once, Counted) {
    asio::co_spawn(loop, drain(group, is_drained), rethrow);
    loop.run();
    BOOST_TEST(is_drained);
}

BOOST_FIXTURE_TEST_CASE(nothing_starts_in_a_cancelled_group, Counted) {
    group.cancel();
    group.spawn(end_at_once(ended));
    loop.run();
    BOOST_TEST(group.is_cancelled());
    BOOST_TEST(*ended == 0);
    BOOST_TEST(ended.use_count() == 1); // what the task was given is gone
}

BOOST_FIXTURE_TEST_CASE(a_bug_in_a_task_leaves_the_loop, Counted) {
    group.spawn(fail());
    BOOST_CHECK_THROW(loop.run(), std::logic_error);
    BOOST_TEST(group.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_loop_that_is_torn_down_takes_its_tasks_along) {
    const auto ended = std::make_shared<int>(0);
    {
        asio::io_context loop{1};
        net::TaskGroup group{loop.get_executor()};
        group.spawn(wait_forever(ended, ended));
        loop.poll();
    }
    BOOST_TEST(*ended == 0);
    BOOST_TEST(ended.use_count() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate
