#include "keys/records.hpp"
#include "keys/sqlite_store.hpp"
#include "keys/used_keys.hpp"
#include "support/faulty_store.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <thread>

namespace keygate::keys {
namespace {

using test::key_record;
using test::TempFolder;

Time at(const char* text) {
    return *time_from(text);
}

Month month(const char* text) {
    return *month_from(text);
}

UsageDelta delta(const std::string& id, const char* last, std::uint64_t in_month,
                 std::uint64_t before = 0) {
    return {.api = "shop",
            .owner = "acme",
            .id = id,
            .last_used_at = at(last),
            .month = month_of(at(last)),
            .in_month = in_month,
            .before = before};
}

struct Opened {
    TempFolder folder;
    std::unique_ptr<KeyStore> store = open_sqlite_store(folder.file("keys.db")).value();

    [[nodiscard]] Usage usage_of(const std::string& id) const {
        return store->find(id).value().usage;
    }

    [[nodiscard]] Usage usage_of_acme() const { return store->usage_of({"shop", "acme"}).value(); }
};

BOOST_FIXTURE_TEST_SUITE(keys_usage, Opened)

BOOST_AUTO_TEST_CASE(months_are_those_of_the_calendar) {
    BOOST_TEST((month_of(at("1970-01-31T23:59:59Z")) == Month{0}));
    BOOST_TEST((month_of(at("1970-02-01T00:00:00Z")) == Month{1}));
    BOOST_TEST(to_text(month_of(at("2026-11-30T23:59:59Z"))) == "2026-11");
    BOOST_TEST(to_text(month_of(at("2026-12-01T00:00:00Z"))) == "2026-12");
    BOOST_TEST((begin_of(month("2024-02")) == at("2024-02-01T00:00:00Z")));
    BOOST_TEST(!month_from("2024-13").has_value());
    BOOST_TEST(!month_from("").has_value());
}

BOOST_AUTO_TEST_CASE(only_the_latest_month_is_kept_and_the_total_is_whole) {
    Usage usage;
    usage.add(delta("a", "2026-11-02T00:00:00Z", 3, 5));
    BOOST_TEST(usage.total == 8U);
    BOOST_TEST(usage.in(month("2026-11")) == 3U);
    BOOST_TEST(usage.in(month("2026-10")) == 0U);
    usage.add(delta("a", "2026-10-31T00:00:00Z", 4)); // late news of an earlier month
    BOOST_TEST(usage.total == 12U);
    BOOST_TEST(usage.in(month("2026-11")) == 3U);
    BOOST_TEST((usage.last_used_at == at("2026-11-02T00:00:00Z")));
    usage.add(delta("a", "2026-12-01T00:00:00Z", 1, 2));
    BOOST_TEST(usage.total == 15U);
    BOOST_TEST(usage.in(month("2026-12")) == 1U);
}

/// Two keys in a table, and the lists of two threads.
struct Used : Opened {
    std::shared_ptr<const Catalog> catalog = test::catalog();
    Table table{catalog};
    UsedKeys lists[2];
    UsageWriter writer{{&lists[0], &lists[1]}};
    std::optional<Fault> fault;
    keygate::test::FaultyStore faulty{std::move(store), fault};

    Used() {
        for (const int number : {1, 2}) {
            KeyRecord key = key_record(number);
            key.plan = "pro";
            BOOST_TEST_REQUIRE(keygate::test::insert(faulty, {key}).has_value());
            table.put(key);
        }
    }

    [[nodiscard]] EntryRef entry(int number) const { return table.find(key_record(number).digest); }

    void use(int number, const char* time, std::size_t list = 0) {
        lists[list].count(entry(number), catalog, at(time));
    }

    [[nodiscard]] Usage stored(int number) {
        return faulty.find("key_" + std::to_string(number)).value().usage;
    }

    /// As it is shown.
    [[nodiscard]] Usage shown(int number, const char* now) {
        Usage usage = stored(number);
        table.add_pending(usage, "key_" + std::to_string(number), at(now));
        return usage;
    }
};

BOOST_FIXTURE_TEST_CASE(many_uses_are_one_write_and_are_shown_before_it, Used) {
    for (int i = 0; i < 1'000; ++i)
        use(1, "2026-11-02T00:00:00Z", static_cast<std::size_t>(i % 2));
    use(2, "2026-11-02T00:00:01Z");
    BOOST_TEST((stored(1) == Usage{}));
    BOOST_TEST(shown(1, "2026-11-02T00:00:02Z").total == 1'000U);

    BOOST_TEST(writer.write(faulty, at("2026-11-02T00:00:02Z"), 1).has_value());
    BOOST_TEST(writer.waiting() == 1U); // the other key's turn comes
    BOOST_TEST(stored(1).total == 1'000U);
    BOOST_TEST(writer.write(faulty, at("2026-11-02T00:00:02Z"), 10).has_value());
    BOOST_TEST(writer.waiting() == 0U);
    BOOST_TEST(stored(2).total == 1U);
    BOOST_TEST((shown(1, "2026-11-02T00:00:02Z") == stored(1)));
    BOOST_TEST((stored(2).last_used_at == at("2026-11-02T00:00:01Z")));
}

BOOST_FIXTURE_TEST_CASE(each_request_counts_for_its_own_month, Used) {
    use(1, "2026-10-31T23:59:59Z");
    use(1, "2026-11-01T00:00:00Z");
    use(1, "2026-11-01T00:00:00Z");
    BOOST_TEST(shown(1, "2026-11-01T00:00:01Z").in(month("2026-11")) == 2U);
    BOOST_TEST(writer.write(faulty, at("2026-11-01T00:00:01Z"), 10).has_value());
    BOOST_TEST(stored(1).total == 3U);
    BOOST_TEST(stored(1).in(month("2026-11")) == 2U);
}

BOOST_FIXTURE_TEST_CASE(who_stores_at_the_end_of_a_month_finds_the_next_one_begun, Used) {
    use(1, "2026-09-30T23:59:59Z");
    use(1, "2026-10-31T23:59:59Z");
    use(1, "2026-11-01T00:00:00Z");
    use(1, "2026-11-01T00:00:00Z");
    BOOST_TEST(writer.write(faulty, at("2026-10-31T23:59:59Z"), 10).has_value());
    BOOST_TEST(stored(1).total == 4U);
    BOOST_TEST(stored(1).in(month("2026-11")) == 2U);
}

BOOST_FIXTURE_TEST_CASE(last_use_never_goes_back, Used) {
    use(1, "2026-11-02T00:00:05Z");
    use(1, "2026-11-02T00:00:03Z"); // the clock was set back
    BOOST_TEST(writer.write(faulty, at("2026-11-02T00:00:06Z"), 10).has_value());
    use(1, "2026-11-02T00:00:04Z");
    BOOST_TEST(writer.write(faulty, at("2026-11-02T00:00:06Z"), 10).has_value());
    BOOST_TEST((stored(1).last_used_at == at("2026-11-02T00:00:05Z")));
    BOOST_TEST(stored(1).total == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_fails_loses_nothing_and_counts_nothing_twice, Used) {
    std::mt19937 random{11};
    const auto chance = [&](int of) {
        return std::uniform_int_distribution<int>{1, of}(random) == 1;
    };
    std::map<int, std::uint64_t> counted;
    for (int turn = 0; turn < 2'000; ++turn) {
        const int number = chance(2) ? 1 : 2;
        use(number, "2026-11-02T00:00:00Z", chance(2) ? 0U : 1U);
        ++counted[number];
        if (!chance(5)) continue;
        if (chance(2))
            fault = Fault{make_error_code(boost::system::errc::no_space_on_device), "write"};
        const bool has_failed = fault.has_value();
        const auto written = writer.write(faulty, at("2026-11-02T00:00:00Z"), 10);
        BOOST_TEST(written.has_error() == has_failed);
        fault.reset();
        for (const auto& [key, count] : counted)
            BOOST_TEST_REQUIRE(shown(key, "2026-11-02T00:00:00Z").total == count);
    }
    BOOST_TEST(writer.write(faulty, at("2026-11-02T00:00:00Z"), 10).has_value());
    BOOST_TEST(stored(1).total == counted[1]);
    BOOST_TEST(stored(2).total == counted[2]);
}

BOOST_FIXTURE_TEST_CASE(threads_that_count_while_the_store_takes_miss_nothing, Used) {
    constexpr int each = 50'000;
    std::atomic<int> running = 2;
    const auto count = [&](std::size_t list) {
        for (int i = 0; i < each; ++i)
            use(1 + i % 2, "2026-11-02T00:00:00Z", list);
        --running;
    };
    std::thread first{count, 0U};
    std::thread second{count, 1U};
    while (running > 0)
        BOOST_TEST_REQUIRE(writer.write(faulty, at("2026-11-02T00:00:00Z"), 10).has_value());
    first.join();
    second.join();
    BOOST_TEST(writer.write(faulty, at("2026-11-02T00:00:00Z"), 10).has_value());
    BOOST_TEST(stored(1).total == static_cast<std::uint64_t>(each));
    BOOST_TEST(stored(2).total == static_cast<std::uint64_t>(each));
}

BOOST_FIXTURE_TEST_CASE(a_key_that_is_deleted_while_it_is_used_counts_for_its_owner, Used) {
    use(1, "2026-11-02T00:00:00Z");
    const EntryRef held = entry(1);
    BOOST_TEST(keygate::test::remove(faulty, "key_1").has_value());
    table.remove("key_1");
    lists[0].count(held, catalog, at("2026-11-02T00:00:00Z")); // a request in flight
    BOOST_TEST(writer.write(faulty, at("2026-11-02T00:00:00Z"), 10).has_value());
    BOOST_TEST(faulty.usage_of({"shop", "acme"}).value().total == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
