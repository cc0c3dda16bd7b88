#include "app/store_care.hpp"
#include "keys/redis_store.hpp"
#include "keys/sqlite_store.hpp"
#include "support/redis_server.hpp"
#include "support/store_calls.hpp"
#include "support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>

namespace keygate::app {
namespace {

using support::RedisServer;

keys::KeyRecord key_record(int number) {
    keys::KeyRecord key;
    key.digest = keys::digest_of("a key for tests " + std::to_string(number));
    key.id = "key_" + std::to_string(number);
    key.api = "shop";
    key.owner = number % 2 == 0 ? "acme" : "umbrella";
    key.created_at = *keys::time_from("2026-03-11T10:30:00Z");
    return key;
}

/// An embedded store and one in Redis.
struct Stores {
    support::TempFolder folder;
    RedisServer server;
    config::Store file;
    config::Store redis;
    std::istringstream typed;
    std::ostringstream out;
    std::ostringstream err;
    Console console{typed, out, err};

    Stores() {
        file.file = folder.file("keys.db");
        redis.redis.emplace();
        redis.redis->transport = config::RedisTransport::unix_socket;
        redis.redis->path = server.socket();
        redis.redis->url = "unix:" + server.socket();
        redis.redis->command_timeout = std::chrono::seconds{20};
    }

    [[nodiscard]] static std::unique_ptr<keys::KeyStore> open(const config::Store& store) {
        return store.redis ? keys::open_redis_store(*store.redis).value()
                           : keys::open_sqlite_store(store.file).value();
    }

    static void fill(keys::KeyStore& store) {
        std::vector<keys::KeyRecord> keys;
        for (int i = 0; i < 1'500; ++i)
            keys.push_back(key_record(i));
        BOOST_TEST_REQUIRE(keygate::test::insert(store, keys).has_value());
        keys::OwnerRecord owner;
        owner.api = "shop";
        owner.id = "acme";
        owner.plan = "pro";
        BOOST_TEST_REQUIRE(keygate::test::put_owner(store, owner).has_value());
        std::vector<keys::UsageDelta> uses;
        for (const char* id : {"key_0", "key_2", "key_4"})
            uses.push_back({.api = "shop",
                            .owner = "acme",
                            .id = id,
                            .last_used_at = *keys::time_from("2026-11-02T00:00:00Z"),
                            .month = *keys::month_from("2026-11"),
                            .in_month = 3,
                            .before = 4});
        BOOST_TEST_REQUIRE(store.add(uses).has_value());
        BOOST_TEST_REQUIRE(keygate::test::remove(store, "key_4").has_value());
        BOOST_TEST_REQUIRE(
            store.put_pepper({.name = "2026", .proof = std::string(64, 'a')}).has_value());
    }

    /// Ids in their order, with what they used.
    static std::string told(keys::KeyStore& store) {
        std::string all;
        keys::KeyFilter filter;
        filter.limit = 10'000;
        for (const keys::KeyRow& row : store.list(filter).value().rows)
            all += row.record.id + " " + std::to_string(row.usage.total) + "\n";
        const keys::Usage usage = store.usage_of({"shop", "acme"}).value();
        all += std::to_string(usage.total) + " " + std::to_string(usage.in_month) + "\n";
        all += store.find_owner({"shop", "acme"}).value().plan.value_or("");
        for (const keys::PepperUse& pepper : store.peppers().value())
            all += pepper.name + pepper.proof;
        return all;
    }
};

BOOST_FIXTURE_TEST_SUITE(app_store_care, Stores)

BOOST_AUTO_TEST_CASE(a_copy_is_the_same_in_either_direction) {
    std::string expected;
    {
        const auto store = open(file);
        fill(*store);
        expected = told(*store);
    }
    BOOST_TEST(copy_store(file, redis, false, console) == exit_done, err.str());
    BOOST_TEST(told(*open(redis)) == expected);
    // Again, and nothing is done twice.
    BOOST_TEST(copy_store(file, redis, true, console) == exit_done, err.str());
    BOOST_TEST(told(*open(redis)) == expected);
    BOOST_TEST(out.str().find(R"({"object":"copy","keys":0,"owners":0,"unchanged":1500})") !=
                   std::string::npos,
               out.str());

    config::Store back;
    back.file = folder.file("back.db");
    BOOST_TEST(copy_store(redis, back, false, console) == exit_done, err.str());
    BOOST_TEST(told(*open(back)) == expected);
}

BOOST_AUTO_TEST_CASE(a_target_with_other_records_is_not_written_to) {
    fill(*open(file));
    keys::KeyRecord other = key_record(7);
    other.owner = "somebody else";
    const auto target = open(redis);
    BOOST_TEST(keygate::test::insert(*target, {other}).has_value());
    BOOST_TEST(copy_store(file, redis, false, console) == exit_refused);
    BOOST_TEST(err.str().find("key key_7: is another one in the target") != std::string::npos);
    BOOST_TEST(target->list({}).value().rows.size() == 1U);
    BOOST_TEST(target->peppers().value().empty());
}

BOOST_AUTO_TEST_CASE(a_file_in_use_is_not_copied) {
    const auto used = open(file);
    const auto copied = reported(err, [&] { return copy_store(file, redis, false, console); });
    BOOST_TEST(copied == exit_unreachable);
    BOOST_TEST(err.str().find("in use by another process") != std::string::npos);
    BOOST_TEST(reported(err, [&] { return copy_store(file, file, false, console); }) == exit_usage);
}

BOOST_AUTO_TEST_CASE(indexes_are_made_anew) {
    fill(*open(redis));
    (void)server.call({"DEL", "kg:index:keys", "kg:index:ids"});
    BOOST_TEST(reindex_store(redis, false, console) == exit_done);
    BOOST_TEST(out.str().find("1499 keys, 1 owners; 2998 entries added, 0 removed") !=
                   std::string::npos,
               out.str());
    BOOST_TEST(open(redis)->find("key_1").has_value());
    BOOST_TEST(reported(err, [&] { return reindex_store(file, false, console); }) == exit_usage);
}

BOOST_AUTO_TEST_CASE(a_doctor_has_a_verdict) {
    BOOST_TEST(examine_store(file, false, console) == exit_done);
    BOOST_TEST(out.str().starts_with("file: ok: "));
    BOOST_TEST(out.str().find("records: ok: 0 keys") != std::string::npos, out.str());
    {
        keys::KeyRecord key = key_record(1);
        key.quota = "{requests: often}";
        BOOST_TEST(keygate::test::insert(*open(file), {key, key_record(2)}).has_value());
    }
    BOOST_TEST(examine_store(file, false, console) == exit_refused);
    BOOST_TEST(out.str().find("records: problem: 1 of 2 keys cannot be read:\n    key_1: quota") !=
                   std::string::npos,
               out.str());
    // It keeps nothing.
    BOOST_TEST(examine_store(redis, true, console) == exit_refused);
    BOOST_TEST(out.str().find(R"("check":"persistence","verdict":"problem")") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::app
