#include "keys/fill.hpp"
#include "keys/records.hpp"
#include "keys/sqlite_store.hpp"
#include "keys/store_thread.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <future>
#include <thread>
#include <vector>

namespace keygate::keys {
namespace {

using test::key_record;

struct Running {
    test::TempFolder folder;
    std::string file = folder.file("keys.db");
    Table table{test::catalog()};
    std::unique_ptr<StoreThread> thread = [this] {
        auto store = open_sqlite_store(file);
        BOOST_TEST_REQUIRE(store.has_value());
        return std::make_unique<StoreThread>(std::move(*store), table);
    }();
};

/// The way every change goes: committed, then decided by, then acknowledged.
void create(KeyStore& store, LiveKeys& live, const KeyRecord& key) {
    Change change;
    change.insert.push_back(key);
    if (store.commit(change)) live.apply(change);
}

BOOST_FIXTURE_TEST_SUITE(keys_store_thread, Running)

BOOST_AUTO_TEST_CASE(an_acknowledged_change_is_in_the_table) {
    std::promise<EntryRef> seen_inside;
    thread->submit([&](KeyStore& store, LiveKeys& live) {
        create(store, live, key_record(1));
        seen_inside.set_value(table.find(key_record(1).digest));
    });
    const EntryRef entry = seen_inside.get_future().get();
    thread.reset(); // a promise must outlive the call that keeps it
    BOOST_TEST(entry);
    BOOST_TEST(table.find(key_record(1).digest) == entry);
}

BOOST_AUTO_TEST_CASE(work_is_done_in_order_on_one_thread) {
    std::vector<int> order;
    std::vector<std::thread::id> threads;
    for (int i = 0; i < 200; ++i)
        thread->submit([&, i](KeyStore&, LiveKeys&) {
            order.push_back(i);
            threads.push_back(std::this_thread::get_id());
        });
    thread.reset(); // finishes, then order is ours
    BOOST_TEST_REQUIRE(order.size() == 200U);
    for (int i = 0; i < 200; ++i)
        BOOST_TEST(order[static_cast<std::size_t>(i)] == i);
    for (const auto id : threads)
        BOOST_TEST((id == threads.front()));
    BOOST_TEST((threads.front() != std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(ending_finishes_what_was_submitted_and_closes_the_store) {
    for (int i = 0; i < 50; ++i)
        thread->submit(
            [i](KeyStore& store, LiveKeys& live) { create(store, live, key_record(i)); });
    thread.reset();
    BOOST_TEST(table.size() == 50U);
    const auto store = open_sqlite_store(file);
    BOOST_TEST_REQUIRE(store.has_value());
    BOOST_TEST((*store)->list({}).value().rows.size() == 50U);
}

BOOST_AUTO_TEST_CASE(work_may_submit_work_also_while_the_thread_ends) {
    std::atomic<int> done = 0;
    StoreThread& running = *thread;
    running.submit([&](KeyStore&, LiveKeys&) {
        running.submit([&](KeyStore&, LiveKeys&) {
            running.submit([&](KeyStore&, LiveKeys&) { ++done; });
            ++done;
        });
        ++done;
    });
    thread.reset();
    BOOST_TEST(done == 3);
}

BOOST_AUTO_TEST_CASE(many_threads_may_submit) {
    std::vector<std::thread> askers;
    for (int asker = 0; asker < 4; ++asker)
        askers.emplace_back([this, asker] {
            for (int i = 0; i < 25; ++i)
                thread->submit([number = 25 * asker + i](KeyStore& store, LiveKeys& live) {
                    create(store, live, key_record(number));
                });
        });
    for (std::thread& asker : askers)
        asker.join();
    thread.reset();
    BOOST_TEST(table.size() == 100U);
}

BOOST_AUTO_TEST_CASE(work_behind_a_replaced_table_is_given_the_new_one) {
    Table next{test::catalog(), table.subjects()};
    StoreThread& running = *thread;
    thread->submit([](KeyStore& store, LiveKeys& live) { create(store, live, key_record(1)); });
    thread->submit([&](KeyStore& store, LiveKeys&) {
        BOOST_TEST(fill(store, next, &table).has_value());
        running.replace(next);
    });
    thread->submit([](KeyStore& store, LiveKeys& live) { create(store, live, key_record(2)); });
    thread.reset();
    BOOST_TEST(table.size() == 1U);
    BOOST_TEST(next.size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_work_captured_ends_with_it) {
    const auto held = std::make_shared<int>(1);
    std::promise<void> first_done;
    std::promise<void> release;
    thread->submit([held](KeyStore&, LiveKeys&) {});
    thread->submit([&](KeyStore&, LiveKeys&) {
        first_done.set_value();
        release.get_future().wait();
    });
    first_done.get_future().wait();
    BOOST_TEST(held.use_count() == 1);
    release.set_value();
    thread.reset();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
