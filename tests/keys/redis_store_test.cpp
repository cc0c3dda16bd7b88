#include "keys/redis_records.hpp"
#include "keys/redis_reindex.hpp"
#include "keys/store_kinds.hpp"
#include "redis/error.hpp"
#include "support/store_calls.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>

// A filter is told by what it names; the rest is empty on purpose.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

// What only a store in Redis does: others write to it as well.
namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using support::RedisServer;
using test::failed;
using test::full_record;
using test::key_record;
using test::owner_record;
using test::RedisKind;
using Words = std::vector<std::string>;

/// Two gateways on one Redis.
struct Two {
    RedisKind kind;
    std::unique_ptr<KeyStore> a = kind.open();
    std::unique_ptr<KeyStore> b = kind.open();

    static std::string call(const Words& words) { return RedisKind::server().call(words); }

    static std::string name(int number) { return key_name(key_record(number).digest); }

    /// As a product writes: the fields that must be there, and some more.
    static void write(int number, const Words& more = {}) {
        Words words{
            "HSET", name(number), "v",     "1",    "id",     "key_" + std::to_string(number),
            "api",  "shop",       "owner", "acme", "status", "active"};
        words.insert(words.end(), more.begin(), more.end());
        BOOST_TEST_REQUIRE(call(words).starts_with(":"));
    }

    /// Everything that is in Redis but the counter, which may have gaps.
    static std::string all() {
        return call({"EVAL",
                     "local all = {} "
                     "local names = redis.call('KEYS', '*') table.sort(names) "
                     "for _, name in ipairs(names) do if name ~= 'kg:index:next' then "
                     "all[#all + 1] = name all[#all + 1] = redis.call('DUMP', name) end end "
                     "return redis.sha1hex(table.concat(all, '|'))",
                     "0"});
    }

    [[nodiscard]] static ReindexReport reindexed(Reindex what = Reindex::correct) {
        const config::Redis settings = RedisKind::settings();
        redis::Session session{settings};
        const auto report = reindex(session, what, {});
        BOOST_TEST_REQUIRE(report.has_value(), (report ? "" : to_string(report.error())));
        return *report;
    }

    static Words ids(KeyStore& store, const KeyFilter& filter = {}) {
        Words ids;
        const auto page = store.list(filter);
        BOOST_TEST_REQUIRE(page.has_value(), (page ? "" : to_string(page.error())));
        for (const KeyRow& row : page->rows)
            ids.push_back(row.record.id);
        return ids;
    }
};

Change revoked(KeyStore& store, const std::string& id) {
    Change change;
    change.update.push_back(store.find(id).value().record);
    change.update.back().status = KeyStatus::revoked;
    return change;
}

BOOST_FIXTURE_TEST_SUITE(keys_redis_store, Two)

// The contract.

BOOST_AUTO_TEST_CASE(a_record_is_the_hash_of_the_contract) {
    BOOST_TEST(keygate::test::insert(*a, {full_record()}).has_value());
    const std::string record = call({"HGETALL", key_name(full_record().digest)});
    for (const char* word : {"deals", "disabled", "required", "2031-01-01T00:00:00Z", "y x", "2026",
                             R"({"ticket":"A-1"})", "key_8"})
        BOOST_TEST(record.find(word) != std::string::npos, word);
    BOOST_TEST(call({"TTL", key_name(full_record().digest)}) == ":-1\r\n");
}

BOOST_AUTO_TEST_CASE(records_that_a_product_wrote_are_found_after_a_reindex) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    write(2);
    call({"HSET", "kg:owner:shop:umbrella", "v", "1", "status", "active"});
    BOOST_TEST(ids(*a) == Words{"key_1"}, boost::test_tools::per_element());
    BOOST_TEST(failed(a->find("key_2"), StoreError::not_found));
    // Its digest stands in the way all the same.
    BOOST_TEST(failed(keygate::test::insert(*a, {key_record(2)}), StoreError::conflict));

    const auto looked = reindexed(Reindex::look);
    BOOST_TEST(looked.added == 5U); // its id, in all keys, of its owner, of its status; its owner
    BOOST_TEST(ids(*a) == Words{"key_1"}, boost::test_tools::per_element());
    const auto done = reindexed();
    BOOST_TEST(done.keys == 2U);
    BOOST_TEST(done.owners == 1U);
    BOOST_TEST(done.added == looked.added);
    BOOST_TEST(done.removed == 0U);
    BOOST_TEST(ids(*a) == (Words{"key_1", "key_2"}), boost::test_tools::per_element());
    BOOST_TEST(ids(*a, {.api = "shop", .owner = "acme"}).size() == 2U);
    BOOST_TEST(a->find("key_2").has_value());
    BOOST_TEST(a->list_owners("shop", "", 9).value().rows.size() == 1U);
    BOOST_TEST(reindexed().added == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_product_deletes_is_gone_at_once) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1), key_record(2)}).has_value());
    call({"DEL", name(1)});
    BOOST_TEST(ids(*a) == Words{"key_2"}, boost::test_tools::per_element());
    BOOST_TEST(failed(a->find("key_1"), StoreError::not_found));
    BOOST_TEST(failed(keygate::test::remove(*a, "key_1"), StoreError::not_found));
    call({"DEL", name(2)});
    BOOST_TEST(!a->has_keys({"shop", "acme"}).value());
    BOOST_TEST(!a->oldest_key().value().has_value());
    // And may come again.
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    BOOST_TEST(ids(*a) == Words{"key_1"}, boost::test_tools::per_element());
    const auto report = reindexed();
    BOOST_TEST(report.removed == 6U); // key_2: id, all keys, owner, prefix, status, age
    BOOST_TEST(reindexed().removed == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_product_changes_counts_and_not_the_index) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    call({"HSET", name(1), "status", "revoked", "owner", "umbrella"});
    BOOST_TEST(ids(*a, {.status = KeyStatus::active}).empty());
    BOOST_TEST(ids(*a, {.api = "shop", .owner = "acme"}).empty());
    BOOST_TEST(!a->has_keys({"shop", "acme"}).value());
    const auto report = reindexed();
    BOOST_TEST(report.added == 2U);
    BOOST_TEST(report.removed == 3U);
    BOOST_TEST(ids(*a, {.status = KeyStatus::revoked}) == Words{"key_1"});
    BOOST_TEST(ids(*a, {.api = "shop", .owner = "umbrella"}) == Words{"key_1"});
}

BOOST_DATA_TEST_CASE(a_damaged_record_is_shown_as_damaged_and_only_deleted,
                     bdata::make({"v=2", "status=frozen", "expires_at=tomorrow", "bind={}",
                                  "expire_at=2026-01-01T00:00:00Z", "metadata=x"}),
                     wrong) {
    const std::string text = wrong;
    const std::size_t equals = text.find('=');
    BOOST_TEST(keygate::test::insert(*a, {key_record(1), key_record(2)}).has_value());
    call({"HSET", name(1), text.substr(0, equals), text.substr(equals + 1)});
    const KeyRecord shown = a->find("key_1").value().record;
    BOOST_TEST(!shown.readable);
    BOOST_TEST(shown.owner == "acme");
    BOOST_TEST(a->list({}).value().rows.size() == 2U);
    Change change;
    change.update.push_back(shown);
    BOOST_TEST(failed(a->commit(change), StoreError::unreadable));
    const auto report = reindexed(Reindex::look);
    BOOST_TEST(report.unreadable == 1U);
    BOOST_TEST_REQUIRE(report.reasons.size() == 1U);
    BOOST_TEST(report.reasons[0].starts_with(name(1)));
    BOOST_TEST(keygate::test::remove(*a, "key_1").has_value());
    BOOST_TEST(ids(*a) == Words{"key_2"}, boost::test_tools::per_element());
    BOOST_TEST(reindexed().removed == 0U);
}

BOOST_AUTO_TEST_CASE(limits_that_cannot_be_read_are_told_and_can_be_put_right) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1), key_record(2)}).has_value());
    call({"HSET", name(1), "rate", "many"});
    call({"HSET", name(2), "quota", "{requests: 5/day}"});
    KeyRecord shown = a->find("key_1").value().record;
    BOOST_TEST(shown.readable);
    BOOST_TEST(shown.rate == "many");
    const auto report = reindexed(Reindex::look);
    BOOST_TEST(report.unreadable == 1U);
    BOOST_TEST_REQUIRE(report.reasons.size() == 1U);
    BOOST_TEST(report.reasons[0].starts_with(name(1) + " has limits that cannot be read: rate: "),
               report.reasons[0]);
    Change change;
    shown.rate = "100/1m";
    change.update.push_back(shown);
    BOOST_TEST(a->commit(change).has_value());
    BOOST_TEST(reindexed(Reindex::look).unreadable == 0U);
}

BOOST_AUTO_TEST_CASE(a_record_of_another_type_is_damaged) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1), key_record(2)}).has_value());
    BOOST_TEST(keygate::test::put_owner(*a, owner_record("acme")).has_value());
    call({"SET", name(1), "x"});
    call({"SET", "kg:owner:shop:acme", "x"});
    BOOST_TEST(!a->find("key_1").value().record.readable);
    BOOST_TEST(!a->find_owner({"shop", "acme"}).value().readable);
    std::size_t damaged = 0;
    BOOST_TEST(a->each([&](OwnerRecord&& owner) { damaged += owner.readable ? 0 : 1; },
                       [&](KeyRecord&& key) { damaged += key.readable ? 0 : 1; })
                   .has_value());
    BOOST_TEST(damaged == 2U);
    BOOST_TEST(keygate::test::remove(*a, "key_1").has_value());
    BOOST_TEST(keygate::test::put_owner(*a, owner_record("acme")).has_value());
    BOOST_TEST(a->find_owner({"shop", "acme"}).value().readable);
    BOOST_TEST(reindexed().unreadable == 0U);
}

BOOST_DATA_TEST_CASE(an_index_of_another_type_is_found_before_anything_is_done,
                     bdata::make({"kg:index:keys", "kg:index:ids", "kg:index:active",
                                  "kg:index:owner:shop:acme", "kg:index:status:active",
                                  "kg:index:prefix:kg_live_ab"}),
                     index) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    const Change change = revoked(*a, "key_1");
    call({"SET", index, "x"});
    const std::string before = all();
    const auto inserted = keygate::test::insert(*a, {key_record(2)});
    BOOST_TEST_REQUIRE(inserted.has_error());
    BOOST_TEST((inserted.error().error == redis::Error::wrong_type), to_string(inserted.error()));
    BOOST_TEST(all() == before);
    BOOST_TEST(reindexed().removed >= 1U);
    BOOST_TEST(a->commit(change).has_value());
    BOOST_TEST(keygate::test::insert(*a, {key_record(2)}).has_value());
    BOOST_TEST(ids(*a) == (Words{"key_1", "key_2"}), boost::test_tools::per_element());
    const auto report = reindexed();
    BOOST_TEST(report.added + report.removed == 0U);
}

BOOST_AUTO_TEST_CASE(a_time_to_live_outlasts_a_change) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    call({"EXPIRE", name(1), "1000"});
    BOOST_TEST(keygate::test::set_status(*a, "key_1", KeyStatus::disabled).has_value());
    Change moved;
    moved.update.push_back(a->find("key_1").value().record);
    moved.update[0].digest = key_record(9).digest;
    BOOST_TEST(call({"TTL", name(1)}) != ":-1\r\n");
    BOOST_TEST(a->commit(moved).has_value());
    BOOST_TEST(call({"TTL", name(9)}) != ":-1\r\n");
    BOOST_TEST(call({"EXISTS", name(1)}) == ":0\r\n");
}

BOOST_AUTO_TEST_CASE(one_id_of_two_records_is_counted) {
    write(1);
    write(2, {"id", "key_1"});
    BOOST_TEST(reindexed().duplicate_ids == 1U);
    BOOST_TEST(a->find("key_1").has_value());
}

// Races.

BOOST_AUTO_TEST_CASE(what_was_changed_since_it_was_read_is_not_overwritten) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    BOOST_TEST(a->watch().has_value());
    const Change change = revoked(*a, "key_1");
    BOOST_TEST(keygate::test::set_status(*b, "key_1", KeyStatus::disabled).has_value());
    const std::string before = all();
    BOOST_TEST(failed(a->commit(change), StoreError::raced));
    BOOST_TEST(all() == before);
    // Again, and nobody in between.
    BOOST_TEST(a->watch().has_value());
    BOOST_TEST(a->commit(revoked(*a, "key_1")).has_value());
    BOOST_TEST((b->find("key_1").value().record.status == KeyStatus::revoked));
}

BOOST_AUTO_TEST_CASE(every_watched_read_is_held) {
    using Read = std::function<void(KeyStore&)>;
    using Write = std::function<Result<void>(KeyStore&)>;
    const OwnerName acme{"shop", "acme"};
    const auto with_receipt = [](KeyStore& store) {
        Change change;
        change.receipt = Receipt{.name = "ops a", .at = *time_from("2026-11-02T00:00:00Z")};
        return store.commit(change);
    };
    const std::vector<std::pair<Read, Write>> cases{
        {[&](KeyStore& store) { (void)store.find_owner(acme); },
         [](KeyStore& store) { return keygate::test::put_owner(store, owner_record("acme")); }},
        {[&](KeyStore& store) { (void)store.has_keys(acme); },
         [](KeyStore& store) { return keygate::test::insert(store, {key_record(5)}); }},
        {[](KeyStore& store) { (void)store.find_same(key_record(6)); },
         [](KeyStore& store) { return keygate::test::insert(store, {key_record(6)}); }},
        {[](KeyStore& store) { (void)store.find_receipt("ops a", Time{}); }, with_receipt},
    };
    for (const auto& [read, write_it] : cases) {
        BOOST_TEST(a->watch().has_value());
        read(*a);
        BOOST_TEST(write_it(*b).has_value());
        BOOST_TEST(failed(keygate::test::put_owner(*a, owner_record("other")), StoreError::raced));
        BOOST_TEST(failed(a->find_owner({"shop", "other"}), StoreError::not_found));
    }
}

BOOST_AUTO_TEST_CASE(what_was_forgotten_holds_nothing) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    BOOST_TEST(a->watch().has_value());
    (void)a->find("key_1");
    a->forget();
    BOOST_TEST(keygate::test::set_status(*b, "key_1", KeyStatus::disabled).has_value());
    BOOST_TEST(keygate::test::insert(*a, {key_record(2)}).has_value());
}

BOOST_AUTO_TEST_CASE(a_connection_that_broke_has_watched_nothing) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    BOOST_TEST(a->watch().has_value());
    const Change change = revoked(*a, "key_1");
    call({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    BOOST_TEST(failed(a->commit(change), StoreError::raced));
    BOOST_TEST((a->find("key_1").value().record == key_record(1)));
    // Outside of a section it is repeated.
    call({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    BOOST_TEST(a->commit(change).has_value());
}

BOOST_AUTO_TEST_CASE(many_writers_lose_nothing) {
    constexpr int each = 60;
    BOOST_TEST(keygate::test::insert(*a, {key_record(0)}).has_value());
    std::atomic<int> failures = 0;
    const auto work = [&](KeyStore& store, int first) {
        for (int i = 0; i < each; ++i) {
            while (!keygate::test::insert(store, {key_record(first + i)}))
                ++failures;
            const UsageDelta use{.api = "shop",
                                 .owner = "acme",
                                 .id = "key_0",
                                 .last_used_at = Time{std::chrono::seconds{1'800'000'000 + i}},
                                 .month = Month{600},
                                 .in_month = 1};
            if (!store.add(std::span{&use, 1})) ++failures;
        }
    };
    std::thread other{[&] { work(*b, 1'000); }};
    work(*a, 2'000);
    other.join();
    BOOST_TEST(ids(*a, {.limit = 1'000}).size() == 2U * each + 1);
    const Usage usage = a->find("key_0").value().usage;
    BOOST_TEST(usage.total == 2U * each);
    BOOST_TEST((usage.last_used_at == Time{std::chrono::seconds{1'800'000'000 + each - 1}}));
    const auto report = reindexed();
    BOOST_TEST(report.added + report.removed == 0U);
}

// A Redis that does not do it.

BOOST_AUTO_TEST_CASE(without_memory_nothing_is_changed) {
    BOOST_TEST(keygate::test::insert(*a, {key_record(1)}).has_value());
    const Change change = revoked(*a, "key_1");
    const std::string before = all();
    call({"CONFIG", "SET", "maxmemory", "1"});
    for (const Change& each : {change, Change{.insert = {key_record(2)}}}) {
        const auto done = a->commit(each);
        BOOST_TEST_REQUIRE(done.has_error());
        BOOST_TEST((done.error().error == redis::Error::out_of_memory), to_string(done.error()));
    }
    call({"CONFIG", "SET", "maxmemory", "0"});
    BOOST_TEST(all() == before);
    BOOST_TEST(a->commit(change).has_value());
}

BOOST_AUTO_TEST_CASE(a_replica_is_not_written_to) {
    RedisServer server;
    const config::Redis settings = RedisKind::settings(server);
    auto store = open_redis_store(settings).value();
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
    const Change change = revoked(*store, "key_1");
    (void)server.call({"REPLICAOF", "127.0.0.1", "1"});
    const auto done = store->commit(change);
    BOOST_TEST_REQUIRE(done.has_error());
    BOOST_TEST((done.error().error == redis::Error::read_only ||
                done.error().error == redis::Error::not_master ||
                done.error().error == redis::Error::master_down),
               to_string(done.error()));
    (void)server.call({"REPLICAOF", "NO", "ONE"});
    BOOST_TEST((store->find("key_1").value().record == key_record(1)));
    BOOST_TEST(store->commit(change).has_value());
}

BOOST_AUTO_TEST_CASE(what_no_replica_has_is_not_acknowledged) {
    RedisServer master;
    RedisServer replica;
    config::Redis settings = RedisKind::settings(master);
    settings.command_timeout = std::chrono::seconds{2};
    (void)replica.call({"REPLICAOF", "127.0.0.1", std::to_string(master.port())});
    const auto is_linked = [&] {
        return master.call({"INFO", "replication"}).find("state=online") != std::string::npos;
    };
    for (int i = 0; i < 600 && !is_linked(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    BOOST_TEST_REQUIRE(is_linked());
    auto store = open_redis_store(settings).value();
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
    BOOST_TEST(replica.call({"EXISTS", name(1)}) == ":1\r\n");
    replica.pause();
    const auto done = keygate::test::insert(*store, {key_record(2)});
    BOOST_TEST_REQUIRE(done.has_error());
    BOOST_TEST((done.error().error == redis::Error::too_few_replicas), to_string(done.error()));
    BOOST_TEST(store->find("key_2").has_value());
    replica.resume();
}

BOOST_AUTO_TEST_CASE(each_record_that_changed_is_told_once) {
    // Redis counts the calls of PUBLISH.
    BOOST_TEST(keygate::test::insert(*a, {key_record(1), key_record(2)}).has_value());
    call({"CONFIG", "RESETSTAT"});
    Change change = revoked(*a, "key_1");
    change.remove.emplace_back("key_2");
    change.put_owner = owner_record("acme");
    BOOST_TEST(a->commit(change).has_value());
    BOOST_TEST(call({"INFO", "commandstats"}).find("cmdstat_publish:calls=3,") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(it_is_not_copied_by_us) {
    const auto copy = a->backup("/tmp/x");
    BOOST_TEST_REQUIRE(copy.has_error());
    BOOST_TEST((copy.error().error == boost::system::errc::operation_not_supported));
}

BOOST_AUTO_TEST_CASE(a_redis_that_is_away_is_named) {
    config::Redis settings = RedisKind::settings();
    settings.path = "/nowhere/redis.sock";
    settings.url = "unix:/nowhere/redis.sock";
    const auto opened = open_redis_store(settings);
    BOOST_TEST_REQUIRE(opened.has_error());
    BOOST_TEST(opened.error().step.find("unix:/nowhere/redis.sock") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(many_keys_are_one_commit) {
    std::vector<KeyRecord> keys;
    for (int i = 0; i < 5'000; ++i)
        keys.push_back(key_record(i));
    BOOST_TEST(keygate::test::insert(*a, keys).has_value());
    std::size_t count = 0;
    BOOST_TEST(b->each([](OwnerRecord&&) {}, [&](KeyRecord&&) { ++count; }).has_value());
    BOOST_TEST(count == keys.size());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
