#include "keys/fill.hpp"
#include "keys/format.hpp"
#include "keys/records.hpp"
#include "keys/sqlite_store.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>
#include <malloc.h>

#include <chrono>
#include <thread>

// Prints what the comments in gateway/keys claim. Not part of a normal run:
// `keys_test --run_test=@measure --log_level=message`, in a release build on an idle machine.
namespace keygate::keys {
namespace {

namespace ut = boost::unit_test;

constexpr int key_count = 100'000;

std::vector<KeyRecord> many_records() {
    std::vector<KeyRecord> records;
    for (int i = 0; i < key_count; ++i) {
        KeyRecord key = test::key_record(i, "deals");
        key.id = mint_id();
        key.owner = "owner-" + std::to_string(i / 4);
        key.name = "production server";
        key.scopes = {{"x", "y"}};
        records.push_back(std::move(key));
    }
    return records;
}

double ms_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
}

std::size_t heap() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

BOOST_AUTO_TEST_SUITE(keys_measure, *ut::disabled() * ut::label("measure"))

BOOST_AUTO_TEST_CASE(filling_the_table) {
    const test::TempFolder folder;
    auto store = open_sqlite_store(folder.file("keys.db"));
    BOOST_TEST_REQUIRE(store.has_value());
    std::vector<KeyRecord> records = many_records();
    auto start = std::chrono::steady_clock::now();
    BOOST_TEST(keygate::test::insert(**store, records).has_value());
    BOOST_TEST_MESSAGE("insert of 100,000 keys: " << ms_since(start) << " ms");
    records = {};
    ::malloc_trim(0);

    const std::size_t before = heap();
    Table table{test::catalog()};
    start = std::chrono::steady_clock::now();
    BOOST_TEST(fill(**store, table).has_value());
    BOOST_TEST_MESSAGE("fill of 100,000 keys: " << ms_since(start) << " ms");
    BOOST_TEST_MESSAGE("memory per key: " << (heap() - before) / key_count << " bytes");
    BOOST_TEST(table.size() == std::size_t{key_count});
    BOOST_TEST(table.unreadable() == 0U);
}

BOOST_AUTO_TEST_CASE(looking_up) {
    Table table{test::catalog()};
    std::vector<Digest> digests;
    for (const KeyRecord& key : many_records()) {
        table.put(key);
        digests.push_back(key.digest);
    }
    for (const std::size_t threads : {1U, 2U}) {
        std::vector<std::thread> readers;
        const auto start = std::chrono::steady_clock::now();
        for (std::size_t reader = 0; reader < threads; ++reader)
            readers.emplace_back([&, reader] {
                std::size_t found = 0;
                for (int round = 0; round < 20; ++round)
                    for (std::size_t i = 0; i < digests.size(); ++i)
                        found +=
                            table.find(digests[(i + reader * 50'000) % digests.size()]) != nullptr;
                if (found == 0) std::abort();
            });
        for (std::thread& reader : readers)
            reader.join();
        BOOST_TEST_MESSAGE(threads << " threads: " << ms_since(start) * 1e6 / 20 / key_count
                                   << " ns for a look-up");
    }
}

BOOST_AUTO_TEST_CASE(hashing_and_shape) {
    config::KeyFormat format;
    format.body = {config::Alphabet::token, 16, 256};
    std::string key(67, 'k');
    std::size_t sum = 0;
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 1'000'000; ++i) {
        key[static_cast<std::size_t>(i % 67)] = static_cast<char>('a' + i % 26);
        sum += digest_of(key).bytes[0];
    }
    BOOST_TEST_MESSAGE("digest: " << ms_since(start) << " ns");
    start = std::chrono::steady_clock::now();
    for (int i = 0; i < 1'000'000; ++i) {
        key[static_cast<std::size_t>(i % 67)] = static_cast<char>('a' + i % 26);
        sum += has_shape(key, format);
    }
    BOOST_TEST_MESSAGE("shape: " << ms_since(start) << " ns");
    BOOST_TEST(sum > 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
