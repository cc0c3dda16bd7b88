#include "keys/records.hpp"
#include "keys/table.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace keygate::keys {
namespace {

using test::key_record;
using test::owner_record;

/// A table and the record of one key of `shop` that it can read.
struct OneKey {
    Table table{test::catalog()};
    KeyRecord record = [] {
        KeyRecord key = key_record(1);
        key.plan = "pro";
        return key;
    }();

    EntryRef put() {
        table.put(record);
        return table.find(record.digest);
    }
};

BOOST_FIXTURE_TEST_SUITE(keys_table, OneKey)

BOOST_AUTO_TEST_CASE(an_empty_table_knows_nobody) {
    BOOST_TEST(!table.find(record.digest));
    BOOST_TEST(table.size() == 0U);
    BOOST_TEST(table.unreadable() == 0U);
}

BOOST_AUTO_TEST_CASE(a_record_becomes_an_entry) {
    record.expires_at = time_from("2027-01-01T00:00:00Z");
    record.status = KeyStatus::disabled;
    record.mode = Mode::test;
    record.scopes = {{"b:read", "a:read", "b:read"}};
    const EntryRef entry = put();
    BOOST_TEST_REQUIRE(entry);
    BOOST_TEST(entry->readable);
    BOOST_TEST((entry->digest == record.digest));
    BOOST_TEST(entry->api == 0);
    BOOST_TEST(entry->plan == 1);
    BOOST_TEST((entry->scopes == ScopeSet::first(2)));
    BOOST_TEST(entry->expires_at == record.expires_at->time_since_epoch().count());
    BOOST_TEST((entry->status == KeyStatus::disabled));
    BOOST_TEST((entry->owner_status == OwnerStatus::active));
    BOOST_TEST((entry->mode == Mode::test));
    BOOST_TEST(entry->id == "key_1");
    BOOST_TEST(entry->owner == "acme");
    BOOST_TEST(entry->identity == "X-Key-Id: key_1\r\nX-Key-Owner: acme\r\nX-Key-Plan: pro\r\n"
                                  "X-Key-Scopes: a:read b:read\r\nX-Key-Mode: test\r\n");
    BOOST_TEST(!table.find(key_record(2).digest));
    BOOST_TEST(table.size() == 1U);
}

BOOST_AUTO_TEST_CASE(without_an_end_a_key_does_not_expire) {
    BOOST_TEST(put()->expires_at == std::numeric_limits<std::int64_t>::max());
}

BOOST_AUTO_TEST_CASE(a_change_keeps_the_number_and_leaves_old_entries_alone) {
    const EntryRef before = put();
    table.put([] {
        KeyRecord other = key_record(2);
        other.plan = "pro";
        return other;
    }());
    record.status = KeyStatus::revoked;
    record.name = "new";
    const EntryRef after = put();
    BOOST_TEST(after->number == before->number);
    BOOST_TEST(table.find(key_record(2).digest)->number != before->number);
    BOOST_TEST((before->status == KeyStatus::active));
    BOOST_TEST((after->status == KeyStatus::revoked));
    BOOST_TEST(table.size() == 2U);
}

BOOST_AUTO_TEST_CASE(numbers_are_dense) {
    std::set<std::uint32_t> numbers;
    for (int i = 0; i < 1'000; ++i) {
        table.put(key_record(i));
        numbers.insert(table.find(key_record(i).digest)->number);
    }
    BOOST_TEST(numbers.size() == 1'000U);
    BOOST_TEST(*numbers.rbegin() == 999U);
}

BOOST_AUTO_TEST_CASE(an_id_with_another_digest_leaves_its_old_one) {
    const Digest old = record.digest;
    const auto number = put()->number;
    record.digest = digest_of("another");
    BOOST_TEST(put()->number == number);
    BOOST_TEST(!table.find(old));
    BOOST_TEST(table.size() == 1U);
}

// Plans.

BOOST_AUTO_TEST_CASE(the_plan_is_the_key_s_then_the_owner_s_then_the_default) {
    OwnerRecord owner = owner_record("acme", "deals");
    record.api = "deals";
    record.plan = std::nullopt;
    BOOST_TEST(put()->plan == 0); // the default
    owner.plan = "big";
    table.put_owner(owner);
    BOOST_TEST(table.find(record.digest)->plan == 1);
    record.plan = "basic";
    BOOST_TEST(put()->plan == 0);
    record.plan = std::nullopt;
    BOOST_TEST(put()->plan == 1);
    owner.plan = std::nullopt;
    table.put_owner(owner);
    BOOST_TEST(table.find(record.digest)->plan == 0);
    BOOST_TEST(table.find(record.digest)->identity.find("X-Key-Plan: basic\r\n") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_owner_s_record_may_come_before_its_keys) {
    OwnerRecord owner = owner_record("acme");
    owner.plan = "free";
    owner.status = OwnerStatus::suspended;
    table.put_owner(owner);
    record.plan = std::nullopt;
    const EntryRef entry = put();
    BOOST_TEST(entry->readable);
    BOOST_TEST(entry->plan == 0);
    BOOST_TEST((entry->owner_status == OwnerStatus::suspended));
}

BOOST_AUTO_TEST_CASE(no_plan_at_all_is_unreadable_where_plans_are_needed) {
    record.plan = std::nullopt;
    BOOST_TEST(!put()->readable);
    BOOST_TEST(put()->identity == "");
    BOOST_TEST(table.unreadable() == 1U);
}

BOOST_AUTO_TEST_CASE(an_unknown_plan_is_unreadable) {
    record.plan = "PRO";
    BOOST_TEST(!put()->readable);

    // Also that of the owner, as long as the key has none itself.
    OwnerRecord owner = owner_record("acme");
    owner.plan = "gone";
    table.put_owner(owner);
    record.plan = std::nullopt;
    BOOST_TEST(!put()->readable);
    record.plan = "pro";
    BOOST_TEST(put()->readable);
    BOOST_TEST(table.unreadable() == 0U);
}

BOOST_AUTO_TEST_CASE(an_api_without_plans_asks_for_none) {
    record.api = "open";
    record.plan = std::nullopt;
    BOOST_TEST(put()->readable);
    BOOST_TEST(put()->plan == Entry::no_plan);
    BOOST_TEST(put()->identity.find("Plan") == std::string::npos);
    record.plan = "left over from other times";
    BOOST_TEST(put()->readable);
    BOOST_TEST(put()->plan == Entry::no_plan);
}

// Scopes.

BOOST_AUTO_TEST_CASE(absent_scopes_are_all_by_default) {
    const EntryRef entry = put();
    BOOST_TEST((entry->scopes == ScopeSet::first(3)));
    BOOST_TEST(entry->identity.find("X-Key-Scopes: *\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(absent_scopes_are_none_where_the_profile_says_so) {
    record.api = "deals";
    record.plan = std::nullopt;
    const EntryRef entry = put();
    BOOST_TEST((entry->scopes == ScopeSet{}));
    BOOST_TEST(entry->identity.find("Scopes") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(empty_scopes_are_none) {
    record.scopes.emplace();
    BOOST_TEST((put()->scopes == ScopeSet{}));
    BOOST_TEST(put()->identity.find("Scopes") == std::string::npos);
    BOOST_TEST(put()->readable);
}

BOOST_AUTO_TEST_CASE(all_scopes_by_name_are_not_all_for_ever) {
    record.scopes = {{"b:write", "a:read", "b:read"}};
    BOOST_TEST(put()->identity.find("X-Key-Scopes: a:read b:read b:write\r\n") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_unknown_scope_is_unreadable) {
    record.scopes = {{"a:read", "a:delete"}};
    BOOST_TEST(!put()->readable);
    record.scopes = {{"a:read"}};
    BOOST_TEST(put()->readable);
    BOOST_TEST(table.unreadable() == 0U);
}

// Records that nobody can be let in by.

BOOST_AUTO_TEST_CASE(a_key_of_an_unknown_api_belongs_to_none) {
    record.api = "gone";
    const EntryRef entry = put();
    BOOST_TEST_REQUIRE(entry);
    BOOST_TEST(entry->api == 0xffff);
    BOOST_TEST(!entry->readable);
    table.put_owner(owner_record("acme", "gone"));
    BOOST_TEST(table.unreadable() == 1U);
}

BOOST_AUTO_TEST_CASE(a_key_without_id_or_owner_is_unreadable) {
    record.owner = "";
    BOOST_TEST(!put()->readable);
    record.owner = "acme";
    BOOST_TEST(put()->readable);
    record.id = "";
    BOOST_TEST(!put()->readable);
}

BOOST_AUTO_TEST_CASE(a_damaged_row_is_unreadable) {
    record.readable = false;
    BOOST_TEST(!put()->readable);
    record.readable = true;
    BOOST_TEST(put()->readable);
}

BOOST_AUTO_TEST_CASE(a_damaged_owner_makes_its_keys_unreadable) {
    BOOST_TEST(put()->readable);
    OwnerRecord owner = owner_record("acme");
    owner.readable = false;
    table.put_owner(owner);
    BOOST_TEST(!table.find(record.digest)->readable);
    BOOST_TEST(!put()->readable);
    owner.readable = true;
    table.put_owner(owner);
    BOOST_TEST(table.find(record.digest)->readable);
}

BOOST_AUTO_TEST_CASE(a_required_owner_record_must_be_there) {
    record.owner_record_required = true;
    BOOST_TEST(!put()->readable);
    table.put_owner(owner_record("acme", "deals")); // another API's acme
    table.put_owner(owner_record("acm"));
    BOOST_TEST(!table.find(record.digest)->readable);
    table.put_owner(owner_record("acme"));
    BOOST_TEST(table.find(record.digest)->readable);
    BOOST_TEST(put()->readable);
}

// Owners.

BOOST_AUTO_TEST_CASE(a_change_of_an_owner_counts_for_all_of_its_keys_and_no_others) {
    for (int i = 0; i < 50; ++i) {
        KeyRecord key = key_record(i, i % 5 == 0 ? "deals" : "shop");
        key.owner = i % 2 == 0 ? "acme" : "umbrella";
        if (i % 5 != 0) key.plan = "pro";
        table.put(key);
    }
    OwnerRecord owner = owner_record("acme");
    owner.status = OwnerStatus::suspended;
    table.put_owner(owner);
    for (int i = 0; i < 50; ++i)
        BOOST_TEST_CONTEXT("key " << i) {
            const bool is_theirs = i % 2 == 0 && i % 5 != 0;
            const EntryRef entry = table.find(key_record(i).digest);
            BOOST_TEST((entry->owner_status == OwnerStatus::suspended) == is_theirs);
            BOOST_TEST(entry->number == static_cast<std::uint32_t>(i));
        }
}

BOOST_AUTO_TEST_CASE(a_key_that_changes_hands_follows_its_new_owner_only) {
    put();
    record.owner = "umbrella";
    put();
    OwnerRecord owner = owner_record("acme");
    owner.status = OwnerStatus::suspended;
    table.put_owner(owner);
    BOOST_TEST((table.find(record.digest)->owner_status == OwnerStatus::active));
    owner.id = "umbrella";
    table.put_owner(owner);
    BOOST_TEST((table.find(record.digest)->owner_status == OwnerStatus::suspended));
    BOOST_TEST(table.find(record.digest)->owner == "umbrella");
}

BOOST_AUTO_TEST_CASE(an_owner_s_change_keeps_everything_else_of_a_key) {
    record.expires_at = time_from("2027-01-01T00:00:00Z");
    record.scopes = {{"b:write"}};
    record.name = "one";
    record.status = KeyStatus::disabled;
    const EntryRef before = put();
    table.put_owner(owner_record("acme"));
    const EntryRef after = table.find(record.digest);
    BOOST_TEST(before != after);
    BOOST_TEST(after->identity == before->identity);
    BOOST_TEST((after->scopes == before->scopes));
    BOOST_TEST(after->expires_at == before->expires_at);
    BOOST_TEST((after->status == before->status));
}

// Identity headers.

BOOST_AUTO_TEST_CASE(a_name_is_encoded_outside_visible_ascii) {
    record.name = "caf\xc3\xa9 50%\r\nX-Key-Owner: root\t\x7f\"~!";
    BOOST_TEST(put()->identity.ends_with(
        "X-Key-Name: caf%C3%A9%2050%25%0D%0AX-Key-Owner:%20root%09%7F\"~!\r\n"));
}

BOOST_AUTO_TEST_CASE(the_prefix_is_the_configuration_s) {
    config::Settings settings = test::settings();
    settings.identity.prefix = "X-Caller-";
    Table named{std::make_shared<const Catalog>(settings)};
    named.put(record);
    const EntryRef entry = named.find(record.digest);
    BOOST_TEST(entry->identity.starts_with("X-Caller-Id: key_1\r\nX-Caller-Owner: acme\r\n"));
    BOOST_TEST(entry->identity.find("X-Key") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_value_can_begin_a_line) {
    std::mt19937 random{7};
    std::uniform_int_distribution<int> byte{0, 255};
    std::uniform_int_distribution<int> length{1, 40};
    const auto noise = [&] {
        std::string text;
        for (int i = length(random); i > 0; --i)
            text += static_cast<char>(byte(random));
        return text;
    };
    for (int i = 0; i < 2'000; ++i) {
        record.id = noise();
        record.owner = noise();
        record.name = noise();
        const EntryRef entry = put();
        BOOST_TEST_REQUIRE(entry->readable);
        std::size_t lines = 0;
        std::string_view rest = entry->identity;
        for (; !rest.empty(); ++lines) {
            const auto end = rest.find("\r\n");
            BOOST_TEST_REQUIRE(end != std::string_view::npos);
            const std::string_view line = rest.substr(0, end);
            BOOST_TEST_REQUIRE(line.starts_with("X-Key-"));
            for (const char c : line)
                BOOST_TEST_REQUIRE((c >= ' ' && c < 0x7f));
            rest.remove_prefix(end + 2);
        }
        BOOST_TEST_REQUIRE(lines == 6U); // Id Owner Plan Scopes Mode Name
    }
}

// Threads.

BOOST_AUTO_TEST_CASE(readers_see_whole_entries_while_another_thread_writes) {
    constexpr int keys = 300;
    constexpr int rounds = 20;
    record.plan = std::nullopt;
    OwnerRecord owner = owner_record("acme");
    owner.plan = "pro";
    table.put_owner(owner);
    std::vector<KeyRecord> records;
    for (int i = 0; i < keys; ++i)
        records.push_back(key_record(i));
    table.put(records[0]);

    std::atomic<bool> is_done = false;
    std::array<int, 2> torn{};
    std::array<int, 2> lost{};
    const auto read = [&](std::size_t reader) {
        std::vector<bool> was_there(keys);
        while (!is_done.load())
            for (std::size_t i = 0; i < keys; ++i) {
                const EntryRef entry = table.find(records[i].digest);
                if (!entry) {
                    lost[reader] += was_there[i];
                    continue;
                }
                was_there[i] = true;
                // Plan and status of an owner's change, and the headers made of them, go together.
                const bool is_pro = entry->plan == 1;
                const bool says_pro = entry->identity.find("Plan: pro") != std::string::npos;
                const bool is_active = entry->owner_status == OwnerStatus::active;
                torn[reader] += is_pro != says_pro || is_pro != is_active ||
                                entry->id != records[i].id || entry->digest != records[i].digest;
            }
    };
    std::thread first{read, 0};
    std::thread second{read, 1};
    for (int round = 0; round < rounds; ++round) {
        for (KeyRecord& key : records) {
            key.status = round % 2 == 0 ? KeyStatus::active : KeyStatus::disabled;
            table.put(key);
        }
        owner.plan = round % 2 == 0 ? "free" : "pro";
        owner.status = round % 2 == 0 ? OwnerStatus::suspended : OwnerStatus::active;
        table.put_owner(owner);
        // Effective for every look-up that begins now.
        for (const KeyRecord& key : records)
            BOOST_TEST_REQUIRE(table.find(key.digest)->plan == (round % 2 == 0 ? 0 : 1));
    }
    is_done = true;
    first.join();
    second.join();
    for (const int count : torn)
        BOOST_TEST(count == 0);
    for (const int count : lost)
        BOOST_TEST(count == 0);
    BOOST_TEST(table.size() == 300U);
}

BOOST_AUTO_TEST_SUITE_END()

// What one table and the same records, put in any order, with any changes in between, end up as.
BOOST_AUTO_TEST_SUITE(keys_table_properties)

BOOST_AUTO_TEST_CASE(the_last_records_decide_and_their_order_does_not) {
    std::mt19937 random{11};
    const auto one_of = [&](auto... choices) {
        const std::array all{choices...};
        return all[std::uniform_int_distribution<std::size_t>{0, all.size() - 1}(random)];
    };
    for (int round = 0; round < 60; ++round) {
        std::vector<KeyRecord> keys;
        std::vector<OwnerRecord> owners;
        Table changed{test::catalog()};
        for (int i = 0; i < 200; ++i) {
            if (i % 4 == 0) {
                OwnerRecord owner = owner_record(one_of("a", "b", "c"), one_of("shop", "deals"));
                if (one_of(0, 1)) owner.plan = one_of("free", "pro", "basic", "nonsense");
                owner.status = one_of(OwnerStatus::active, OwnerStatus::suspended);
                std::erase_if(owners, [&](const OwnerRecord& old) {
                    return old.id == owner.id && old.api == owner.api;
                });
                owners.push_back(owner);
                changed.put_owner(owner);
            } else {
                KeyRecord key = key_record(one_of(1, 2, 3, 4, 5, 6, 7, 8, 9),
                                           one_of("shop", "deals", "open", "gone"));
                key.owner = one_of("a", "b", "c");
                key.owner_record_required = one_of(false, true);
                if (one_of(0, 1)) key.plan = one_of("free", "pro", "basic");
                if (one_of(0, 1)) key.scopes = {{one_of("x", "a:read", "b:read")}};
                std::erase_if(keys, [&](const KeyRecord& old) { return old.id == key.id; });
                keys.push_back(key);
                changed.put(key);
            }
        }
        Table fresh{test::catalog()};
        for (const OwnerRecord& owner : owners)
            fresh.put_owner(owner);
        for (const KeyRecord& key : keys)
            fresh.put(key);

        BOOST_TEST(changed.size() == fresh.size());
        BOOST_TEST(changed.unreadable() == fresh.unreadable());
        for (const KeyRecord& key : keys) {
            const EntryRef a = changed.find(key.digest);
            const EntryRef b = fresh.find(key.digest);
            BOOST_TEST_REQUIRE((a && b));
            BOOST_TEST(a->identity == b->identity);
            BOOST_TEST(a->readable == b->readable);
            BOOST_TEST(a->api == b->api);
            BOOST_TEST(a->plan == b->plan);
            BOOST_TEST((a->scopes == b->scopes));
            BOOST_TEST((a->owner_status == b->owner_status));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
