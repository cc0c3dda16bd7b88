#include "config/limit_names.hpp"
#include "keys/redis_spent.hpp"
#include "keys/store_kinds.hpp"
#include "keys/table.hpp"
#include "keys/used_keys.hpp"
#include "limit/redis_script.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

// What quotas have counted: kept in the embedded file, seen in Redis, forgotten in both.
namespace keygate::keys {
namespace {

using test::failed;
using test::key_record;
using test::Opened;
using test::owner_record;
using test::RedisKind;
using test::SqliteKind;
using test::StoreKinds;

constexpr std::int64_t march = 1'772'323'200'000'000'000; // 2026-03-01

UsageDelta delta(const std::string& id, std::vector<Spent> by_key, std::vector<Spent> by_owner) {
    const Time time = *time_from("2026-03-11T10:30:00Z");
    return {.api = "shop",
            .owner = "acme",
            .id = id,
            .last_used_at = time,
            .month = month_of(time),
            .in_month = 1,
            .spent_by_key = std::move(by_key),
            .spent_by_owner = std::move(by_owner)};
}

using All = std::map<SpentBy, std::vector<Spent>>;

template <class Store> All all_spent(Store& store) {
    All all;
    const auto done = store.each_spent([&](const SpentBy& by, std::span<const Spent> spent) {
        BOOST_TEST(!all.contains(by)); // each of them once
        all[by] = {spent.begin(), spent.end()};
    });
    BOOST_TEST_REQUIRE(done.has_value());
    return all;
}

Result<void> add(KeyStore& store, const UsageDelta& use) {
    return store.add(std::span{&use, 1});
}

Result<void> forget(KeyStore& store, SpentBy by) {
    Change change;
    change.forget_spent.push_back(std::move(by));
    return store.commit(change);
}

const SpentBy key_1{"shop", "acme", "key_1"};
const SpentBy key_2{"shop", "acme", "key_2"};
const SpentBy acme{"shop", "acme", {}};

config::Limit limit(std::variant<config::Rate, config::Quota, config::Concurrency> rule) {
    config::Limit made;
    made.rule = std::move(rule);
    config::name_state(made);
    return made;
}

config::Limit window() {
    config::Rate rate;
    rate.limit = 100;
    rate.window = std::chrono::minutes{1};
    return limit(rate);
}

config::Limit bucket() {
    config::Rate rate;
    rate.limit = 100;
    rate.window = std::chrono::minutes{1};
    rate.burst = 20;
    return limit(rate);
}

config::Limit month() {
    return limit(config::Quota{});
}

BOOST_AUTO_TEST_SUITE(keys_spent)

BOOST_AUTO_TEST_CASE(the_file_keeps_what_was_told_last) {
    Opened<SqliteKind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1), key_record(2)}).has_value());
    BOOST_TEST(all_spent(*on.store).empty());
    const Spent low{.tag = 7, .at = march, .used = 3};
    const Spent high{.tag = 0xffff'ffff'ffff'fff0U, .at = march, .used = 1};
    BOOST_TEST(add(*on.store, delta("key_1", {low, high}, {low})).has_value());
    BOOST_TEST(add(*on.store, delta("key_2", {}, {})).has_value());
    const Spent later{.tag = 7, .at = march + 1, .used = 0};
    BOOST_TEST(add(*on.store, delta("key_1", {later}, {})).has_value());
    const All expected{{acme, {low}}, {key_1, {high, later}}};
    BOOST_TEST((all_spent(*on.store) == expected));
    on.reopen();
    BOOST_TEST((all_spent(*on.store) == expected));

    config::Limit seven = month();
    seven.tag = 7;
    config::Limit nobody = month();
    nobody.tag = 8;
    const std::vector<config::Limit> limits{nobody, seven};
    const std::vector<Spent> seen{{.tag = 8}, later};
    BOOST_TEST((on.store->spent(key_1, limits).value() == seen));
    const std::vector<Spent> nothing{{.tag = 8}, {.tag = 7}};
    BOOST_TEST((on.store->spent(key_2, limits).value() == nothing));
}

BOOST_AUTO_TEST_CASE(it_goes_with_whom_it_belongs_to) {
    Opened<SqliteKind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1), key_record(2)}).has_value());
    BOOST_TEST(keygate::test::put_owner(*on.store, owner_record("acme")).has_value());
    const Spent one{.tag = 7, .at = march, .used = 3};
    for (const char* id : {"key_1", "key_2"})
        BOOST_TEST(add(*on.store, delta(id, {one}, {one})).has_value());
    BOOST_TEST(keygate::test::remove(*on.store, "key_1").has_value());
    BOOST_TEST((all_spent(*on.store) == All{{acme, {one}}, {key_2, {one}}}));
    // Late news of a key that is gone are its owner's alone.
    const Spent more{.tag = 7, .at = march, .used = 4};
    BOOST_TEST(add(*on.store, delta("key_1", {more}, {more})).has_value());
    BOOST_TEST((all_spent(*on.store) == All{{acme, {more}}, {key_2, {one}}}));
    BOOST_TEST(keygate::test::remove(*on.store, "key_2").has_value());
    Change change;
    change.remove_owner = OwnerName{"shop", "acme"};
    BOOST_TEST(on.store->commit(change).has_value());
    BOOST_TEST(all_spent(*on.store).empty());
    BOOST_TEST(add(*on.store, delta("key_2", {one}, {one})).has_value());
    BOOST_TEST(all_spent(*on.store).empty());
}

BOOST_AUTO_TEST_CASE(what_is_forgotten_is_one_s_alone_and_totals_stay) {
    Opened<SqliteKind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1), key_record(2)}).has_value());
    const Spent one{.tag = 7, .at = march, .used = 3};
    for (const char* id : {"key_1", "key_2"})
        BOOST_TEST(add(*on.store, delta(id, {one}, {one})).has_value());
    BOOST_TEST(forget(*on.store, key_1).has_value());
    BOOST_TEST((all_spent(*on.store) == All{{acme, {one}}, {key_2, {one}}}));
    BOOST_TEST(forget(*on.store, acme).has_value());
    BOOST_TEST((all_spent(*on.store) == All{{key_2, {one}}}));
    BOOST_TEST(on.store->find("key_1").value().usage.total == 1U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nobody_has_anything_to_be_forgotten, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(forget(*on.store, key_1).has_value());
    BOOST_TEST(forget(*on.store, acme).has_value());
    BOOST_TEST(all_spent(*on.store).empty());
    const std::vector<config::Limit> limits{month(), window(), bucket()};
    const auto spent = on.store->spent(key_1, limits).value();
    BOOST_TEST_REQUIRE(spent.size() == 3U);
    for (const Spent& one : spent)
        BOOST_TEST(one.used == 0U);
    BOOST_TEST(on.store->spent(acme, {}).value().empty());
}

BOOST_AUTO_TEST_CASE(names_in_redis_are_those_that_gateways_count_under) {
    const limit::Account account{
        .api = "shop", .owner = "a:cme", .key = "key_1", .route = {}, .address = {}};
    config::Limit by_key = month();
    BOOST_TEST(spent_name({"shop", "a:cme", "key_1"}) == limit::count_name(by_key, account));
    by_key.by = config::LimitBy::owner;
    BOOST_TEST(spent_name({"shop", "a:cme", {}}) == limit::count_name(by_key, account));
}

BOOST_AUTO_TEST_CASE(in_redis_it_is_what_gateways_have_counted) {
    Opened<RedisKind> on;
    auto& server = RedisKind::server();
    const config::Limit quota = month();
    const config::Limit fixed = window();
    const config::Limit burst = bucket();
    (void)server.call({"HSET", spent_name(key_1), quota.state, "1772323200000000 41", fixed.state,
                       "1773225000000000 5", burst.state, "1773225000000012 7 100"});
    const std::vector<config::Limit> limits{quota, fixed, burst};
    const std::vector<Spent> expected{
        {.tag = quota.tag, .at = march, .used = 41},
        {.tag = fixed.tag, .at = 1'773'225'000'000'000'000, .used = 5},
        {.tag = burst.tag, .at = 1'773'225'000'000'012'000, .used = std::uint64_t{100} << 32}};
    BOOST_TEST((on.store->spent(key_1, limits).value() == expected));
    // Damage costs a number that is shown.
    (void)server.call({"HSET", spent_name(key_2), quota.state, "often"});
    BOOST_TEST(on.store->spent(key_2, limits).value()[0].used == 0U);
    (void)server.call({"SET", spent_name(acme), "x"});
    BOOST_TEST(on.store->spent(acme, limits).has_error());
}

BOOST_AUTO_TEST_CASE(in_redis_it_is_forgotten_and_goes_with_its_key) {
    Opened<RedisKind> on;
    auto& server = RedisKind::server();
    const auto is_there = [&](const SpentBy& by) {
        return server.call({"EXISTS", spent_name(by)}).find('1') != std::string::npos;
    };
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1), key_record(2)}).has_value());
    BOOST_TEST(keygate::test::put_owner(*on.store, owner_record("acme")).has_value());
    for (const SpentBy& by : {key_1, key_2, acme})
        (void)server.call({"HSET", spent_name(by), "w60", "0 5"});
    const std::string running = "kg:rl:{shop:acme}:c:k:key_1";
    (void)server.call({"HSET", running, "n:a", "3"});
    BOOST_TEST(forget(*on.store, key_1).has_value());
    BOOST_TEST(!is_there(key_1));
    BOOST_TEST(is_there(key_2));
    BOOST_TEST(is_there(acme));
    BOOST_TEST(server.call({"EXISTS", running}).find('1') != std::string::npos);
    BOOST_TEST(keygate::test::remove(*on.store, "key_2").has_value());
    BOOST_TEST(!is_there(key_2));
    BOOST_TEST(keygate::test::remove(*on.store, "key_1").has_value());
    Change change;
    change.remove_owner = OwnerName{"shop", "acme"};
    BOOST_TEST(on.store->commit(change).has_value());
    BOOST_TEST(!is_there(acme));
}

BOOST_AUTO_TEST_CASE(what_is_forgotten_begins_anew_here) {
    std::vector<std::uint32_t> forgotten;
    const auto note = [&](std::uint32_t number) { forgotten.push_back(number); };
    Table table{test::catalog(), SubjectsRef{new Subjects{{}, note}}};
    table.put(key_record(1));
    const EntryRef entry = table.find(key_record(1).digest);
    BOOST_TEST(table.subject_of(key_1) == entry->subject);
    BOOST_TEST(table.subject_of(acme) == entry->owner_subject);
    BOOST_TEST(!table.subject_of(key_2));
    BOOST_TEST(!table.subject_of({"deals", "acme", {}}));
    Change change;
    change.forget_spent = {key_2, acme, key_1};
    table.apply(change);
    const std::vector<std::uint32_t> expected{entry->owner_number, entry->number};
    BOOST_TEST(forgotten == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_touch_lists_a_key_once) {
    const auto catalog = test::catalog();
    Table table{catalog};
    table.put(key_record(1));
    const EntryRef entry = table.find(key_record(1).digest);
    UsedKeys used;
    used.touch(entry, catalog);
    used.touch(entry, catalog);
    used.count(entry, catalog, *time_from("2026-03-11T10:30:00Z"));
    BOOST_TEST(used.take().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_touch_stores_what_came_back_and_counts_no_request) {
    Opened<SqliteKind> on;
    const auto catalog = test::catalog();
    Table table{catalog};
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    table.put(key_record(1));
    const EntryRef entry = table.find(key_record(1).digest);
    UsedKeys used;
    std::uint64_t counted = 1;
    UsageWriter writer{{&used}, [&](const UsedKey&, UsageDelta& use) {
                           use.spent_by_key.push_back({.tag = 7, .at = march, .used = counted});
                       }};
    const Time now = *time_from("2026-03-11T10:30:00Z");
    used.count(entry, catalog, now);
    BOOST_TEST(writer.write(*on.store, now, 10).has_value());
    BOOST_TEST(all_spent(*on.store).at(key_1).front().used == 1U);
    const Usage before = on.store->find("key_1").value().usage;
    counted = 0;
    used.touch(entry, catalog);
    BOOST_TEST(writer.write(*on.store, now, 10).has_value());
    BOOST_TEST(all_spent(*on.store).at(key_1).front().used == 0U);
    BOOST_TEST((on.store->find("key_1").value().usage == before));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
