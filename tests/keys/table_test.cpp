#include "keys/records.hpp"
#include "keys/table.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
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
    BOOST_TEST(*numbers.rbegin() == 1000U); // one is their owner's
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

BOOST_AUTO_TEST_CASE(wildcards_and_what_is_implied_are_scopes_of_a_key_until_its_plan_cuts_them) {
    config::Settings settings = test::settings();
    config::Api& written = settings.apis[0];
    written.scopes = {{"tests:read", "tests:write", "hooks:manage", "hooks:read", "base"}};
    written.implies = {{"hooks:manage", {"hooks:read"}}};
    written.plans[0].scopes = {{"tests:*"}}; // free
    written.plans.emplace_back().name = "every";
    written.plans.back().scopes = {{"*"}};
    written.plans.emplace_back().name = "manage";
    written.plans.back().scopes = {{"hooks:manage", "base"}};
    Table cut{std::make_shared<const Catalog>(settings)};

    struct Case {
        std::optional<std::vector<std::string>> scopes;
        std::string plan;
        std::string told; // `X-Key-Scopes`; `-`: no such field, `!`: unreadable
    };

    using Scopes = std::vector<std::string>;
    const std::string all_by_name = "base hooks:manage hooks:read tests:read tests:write";
    for (const Case& one : std::vector<Case>{
             {std::nullopt, "pro", "*"},
             {Scopes{"*"}, "pro", "*"},
             {Scopes{"*", "base"}, "pro", "*"},
             {Scopes{"tests:*"}, "pro", "tests:read tests:write"},
             {Scopes{"tests:*", "tests:read"}, "pro", "tests:read tests:write"},
             {Scopes{"hooks:manage"}, "pro", "hooks:manage hooks:read"},
             {Scopes{"hooks:*"}, "pro", "hooks:manage hooks:read"},
             {Scopes{"base", "hooks:*", "tests:*"}, "pro", all_by_name},
             {Scopes{}, "pro", "-"},
             {std::nullopt, "free", "tests:read tests:write"},
             {Scopes{"*"}, "free", "tests:read tests:write"},
             {Scopes{"tests:read", "base"}, "free", "tests:read"},
             {Scopes{"hooks:*"}, "free", "-"},
             {std::nullopt, "every", "*"},
             {Scopes{"*"}, "every", "*"},
             {Scopes{"hooks:manage"}, "manage", "hooks:manage hooks:read"},
             {std::nullopt, "manage", "base hooks:manage hooks:read"},
             {Scopes{"nothing:*"}, "pro", "!"},
             {Scopes{"base", "tests:red"}, "pro", "!"},
         })
        BOOST_TEST_CONTEXT((one.scopes && !one.scopes->empty() ? one.scopes->front() : "none")
                           << " under " << one.plan) {
            record.scopes = one.scopes;
            record.plan = one.plan;
            cut.put(record);
            const EntryRef entry = cut.find(record.digest);
            BOOST_TEST(entry->readable == (one.told != "!"));
            const std::string name = "X-Key-Scopes: ";
            const std::size_t at = entry->identity.find(name);
            const std::string told =
                at == std::string::npos
                    ? "-"
                    : entry->identity.substr(at + name.size(),
                                             entry->identity.find('\r', at) - at - name.size());
            if (entry->readable) BOOST_TEST(told == one.told);
            if (told != "-" && told != "*") {
                std::string held;
                for (const std::string& scope : cut.catalog().apis[0].names_of(entry->scopes))
                    held += (held.empty() ? "" : " ") + scope;
                BOOST_TEST(held == told);
            }
        }

    // Another plan of the owner cuts anew, and from all that the key has by itself.
    record.scopes = Scopes{"hooks:manage", "tests:read"};
    record.plan.reset();
    cut.put(record);
    const auto scopes_under = [&](const char* plan) {
        OwnerRecord owner = owner_record("acme");
        owner.plan = plan;
        cut.put_owner(owner);
        std::string held;
        for (const std::string& scope :
             cut.catalog().apis[0].names_of(cut.find(record.digest)->scopes))
            held += (held.empty() ? "" : " ") + scope;
        return held;
    };
    BOOST_TEST(scopes_under("free") == "tests:read");
    BOOST_TEST(scopes_under("manage") == "hooks:manage hooks:read");
    BOOST_TEST(scopes_under("pro") == "hooks:manage hooks:read tests:read");
}

BOOST_AUTO_TEST_CASE(what_few_keys_have_is_there_for_them_alone) {
    BOOST_TEST(!put()->particulars);
    record.addresses = {"192.0.2.0/24"};
    record.bind = {{"store", "7"}};
    const EntryRef entry = put();
    BOOST_TEST(entry->readable);
    BOOST_TEST_REQUIRE(entry->particulars);
    BOOST_TEST_REQUIRE(entry->particulars->restrictions);
    BOOST_TEST(entry->particulars->restrictions->addresses.contains("192.0.2.7"));
    BOOST_TEST(entry->particulars->restrictions->bind.at("store") == "7");
    BOOST_TEST(!entry->particulars->secret_digest);
    BOOST_TEST(entry->particulars->notice == "");
    // An owner's change has nothing to do with it.
    table.put_owner(owner_record("acme"));
    BOOST_TEST(table.find(record.digest)->particulars == entry->particulars);

    record.addresses.clear();
    record.bind.clear();
    record.rotated_to = "key_2";
    record.expires_at = time_from("2027-01-01T00:00:00Z");
    BOOST_TEST(put()->particulars->notice ==
               "X-Key-Notice: rotated;successor=\"key_2\";ends=\"2027-01-01T00:00:00Z\"\r\n");
    BOOST_TEST(!put()->particulars->restrictions);
}

BOOST_AUTO_TEST_CASE(restrictions_that_cannot_be_read_open_nothing) {
    record.addresses = {"192.0.2.0/24", "somewhere"};
    BOOST_TEST(!put()->readable);
    record.addresses.clear();
    record.referrers = {"example.com"};
    BOOST_TEST(!put()->readable);
    record.referrers.clear();
    record.endpoints = {"/v1/orders"};
    BOOST_TEST(!put()->readable);
    record.endpoints.clear();
    record.bind = {{"store", ""}};
    BOOST_TEST(!put()->readable);
    record.bind.clear();
    BOOST_TEST(put()->readable);
}

BOOST_AUTO_TEST_CASE(a_record_is_found_in_the_way_of_its_api_or_is_unreadable) {
    record.secret_digest = digest_of("19656ea.4329");
    BOOST_TEST(!put()->readable);
    config::Settings settings = test::settings();
    settings.apis[0].profile.key.is_found_by_lookup = true;
    Table by_part{std::make_shared<const Catalog>(settings)};
    by_part.put(record);
    const EntryRef entry = by_part.find(record.digest);
    BOOST_TEST(entry->readable);
    BOOST_TEST((entry->particulars->secret_digest == record.secret_digest));
    record.secret_digest.reset();
    by_part.put(record);
    BOOST_TEST(!by_part.find(record.digest)->readable);
}

BOOST_AUTO_TEST_CASE(an_entry_knows_when_its_key_was_made) {
    BOOST_TEST(put()->created_at == 1'773'225'000U);
    record.created_at = {};
    BOOST_TEST(put()->created_at == 0U);
    record.created_at = *time_from("9999-12-31T23:59:59Z");
    BOOST_TEST(put()->created_at == std::numeric_limits<std::uint32_t>::max());
}

BOOST_AUTO_TEST_CASE(limits_of_a_key_s_own_are_read_with_it) {
    BOOST_TEST(!put()->limits);
    record.rate = "[100/1m, {rate: 5/1s, burst: 7}]";
    record.quota = R"({"requests": {"limit": "1000/month", "by": "owner"}})";
    const EntryRef entry = put();
    BOOST_TEST(entry->readable);
    BOOST_TEST_REQUIRE(entry->limits);
    BOOST_TEST_REQUIRE(entry->limits->rates.has_value());
    BOOST_TEST(entry->limits->rates->size() == 2U);
    BOOST_TEST_REQUIRE(entry->limits->quotas.size() == 1U);
    BOOST_TEST((entry->limits->quotas[0].by == config::LimitBy::owner));
    table.put_owner(owner_record("acme"));
    BOOST_TEST(table.find(record.digest)->limits == entry->limits);
    record.rate = "";
    BOOST_TEST(!put()->limits->rates.has_value()); // the plan's
    record.quota = "";
    BOOST_TEST(!put()->limits);
}

BOOST_AUTO_TEST_CASE(limits_that_cannot_be_read_open_nothing) {
    for (const char* const wrong : {"often", "{rate: 1/1s", "{rate: 1/1s, brust: 3}", "&a [*a]",
                                    "1/1s\n---\n1/1s", "{requests: 5/day}", "${HOME}"}) {
        record.rate = wrong;
        BOOST_TEST(!put()->readable, wrong);
    }
    BOOST_TEST(table.unreadable() == 1U);
    record.rate = "";
    for (const char* const wrong : {"5/day", "[5/day]", "{requests: 5}", "{requests: []}"}) {
        record.quota = wrong;
        BOOST_TEST(!put()->readable, wrong);
    }
    record.quota = "";
    BOOST_TEST(put()->readable);
    BOOST_TEST(table.unreadable() == 0U);
}

BOOST_AUTO_TEST_CASE(what_redis_cannot_count_exactly_is_no_limit_there) {
    config::Settings settings = test::settings();
    settings.apis[0].limits.truth = config::Truth::shared;
    Table in_redis{std::make_shared<const Catalog>(settings)};
    record.rate = "{rate: 1/366d, burst: 1000000}";
    BOOST_TEST(put()->readable);
    in_redis.put(record);
    BOOST_TEST(!in_redis.find(record.digest)->readable);
    record.rate = "1/366d";
    in_redis.put(record);
    BOOST_TEST(in_redis.find(record.digest)->readable);
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
    std::vector<std::uint32_t> numbers;
    for (int i = 0; i < 50; ++i)
        numbers.push_back(table.find(key_record(i).digest)->number);
    OwnerRecord owner = owner_record("acme");
    owner.status = OwnerStatus::suspended;
    table.put_owner(owner);
    for (std::size_t i = 0; i < 50; ++i)
        BOOST_TEST_CONTEXT("key " << i) {
            const bool is_theirs = i % 2 == 0 && i % 5 != 0;
            const EntryRef entry = table.find(key_record(static_cast<int>(i)).digest);
            BOOST_TEST((entry->owner_status == OwnerStatus::suspended) == is_theirs);
            BOOST_TEST(entry->number == numbers[i]);
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

// What is deleted.

BOOST_AUTO_TEST_CASE(a_removed_key_is_unknown_and_its_neighbours_stay) {
    for (int i = 0; i < 100; ++i)
        table.put(key_record(i));
    const std::size_t unreadable = table.unreadable();
    for (int i = 0; i < 100; i += 2)
        BOOST_TEST(table.remove(key_record(i).id));
    BOOST_TEST(table.size() == 50U);
    BOOST_TEST(table.unreadable() == unreadable / 2);
    for (int i = 0; i < 100; ++i)
        BOOST_TEST((table.find(key_record(i).digest) != nullptr) == (i % 2 == 1));
    BOOST_TEST(!table.remove(key_record(0).id)); // twice
    BOOST_TEST(!table.remove("key_nope"));
    table.put_owner(owner_record("acme")); // reaches those that are left
    BOOST_TEST(!table.find(key_record(0).digest));
}

BOOST_AUTO_TEST_CASE(an_id_that_comes_back_is_another_key) {
    const EntryRef before = put();
    table.remove(record.id);
    BOOST_TEST((before->status == KeyStatus::active)); // who holds it sees it whole
    const EntryRef after = put();
    BOOST_TEST(after->subject != before->subject);
    BOOST_TEST(after->number != before->number);
}

BOOST_AUTO_TEST_CASE(without_its_record_an_owner_has_neither_plan_nor_status) {
    OwnerRecord owner = owner_record("acme");
    owner.plan = "pro";
    owner.status = OwnerStatus::suspended;
    table.put_owner(owner);
    record.plan = std::nullopt;
    KeyRecord strict = key_record(2);
    strict.plan = "pro";
    strict.owner_record_required = true;
    table.put(strict);
    BOOST_TEST(put()->readable);
    BOOST_TEST(table.find(strict.digest)->readable);

    table.remove_owner("deals", "acme"); // another API's
    table.remove_owner("gone", "acme");
    BOOST_TEST(table.unreadable() == 0U);
    table.remove_owner("shop", "acme");
    BOOST_TEST(!table.find(record.digest)->readable); // no plan is left
    BOOST_TEST(!table.find(strict.digest)->readable);
    BOOST_TEST((table.find(strict.digest)->owner_status == OwnerStatus::active));
    record.plan = "free";
    BOOST_TEST(put()->readable);
    BOOST_TEST(!table.find(strict.digest)->readable);
    table.put_owner(owner);
    BOOST_TEST(table.unreadable() == 0U);
}

// Numbers.

BOOST_AUTO_TEST_CASE(a_number_is_used_again_when_nobody_holds_its_key_any_more) {
    std::vector<std::uint32_t> forgotten;
    Table counted{test::catalog(), SubjectsRef{new Subjects{[&](std::uint32_t number) {
                      forgotten.push_back(number);
                  }}}};
    counted.put(key_record(1));
    EntryRef held = counted.find(key_record(1).digest);
    counted.remove("key_1");
    counted.put(key_record(2));
    BOOST_TEST(counted.find(key_record(2).digest)->number == 2U); // 1 is the owner's
    BOOST_TEST(forgotten.empty());
    held.reset();
    counted.put(key_record(3));
    BOOST_TEST(counted.find(key_record(3).digest)->number == 0U);
    BOOST_TEST(forgotten == std::vector<std::uint32_t>{0}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_table_that_follows_another_keeps_its_subjects) {
    put();
    table.put(key_record(2));
    table.put(key_record(3));
    table.remove("key_2");

    config::Settings settings = test::settings();
    std::swap(settings.apis[0], settings.apis[2]);
    Table next{std::make_shared<const Catalog>(settings), table.subjects()};
    next.put(key_record(3), &table);
    next.put(record, &table);
    next.put(key_record(4), &table);
    for (const int i : {1, 3})
        BOOST_TEST((next.find(key_record(i).digest)->subject ==
                    table.find(key_record(i).digest)->subject));
    BOOST_TEST(next.find(record.digest)->api == 2);
    BOOST_TEST(table.find(record.digest)->api == 0);
    BOOST_TEST(next.find(key_record(4).digest)->number == 2U); // of the key that was removed
    BOOST_TEST(next.size() == 3U);
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

/// Which keys there are, and who they are: the plain way.
struct Model {
    // Not the reference itself: who compares must not keep a number from being used again.
    std::map<std::string, const Subject*> keys;

    void check(const Table& table, const std::vector<KeyRecord>& all) const {
        BOOST_TEST_REQUIRE(table.size() == keys.size());
        std::set<std::uint32_t> numbers;
        for (const KeyRecord& key : all) {
            const EntryRef entry = table.find(key.digest);
            const auto known = keys.find(key.id);
            BOOST_TEST_REQUIRE((entry != nullptr) == (known != keys.end()));
            if (!entry) continue;
            BOOST_TEST_REQUIRE((entry->subject.get() == known->second));
            BOOST_TEST_REQUIRE(entry->number == entry->subject->number());
            BOOST_TEST_REQUIRE(numbers.insert(entry->number).second);
        }
    }
};

BOOST_AUTO_TEST_CASE(every_key_has_a_number_of_its_own_for_as_long_as_anybody_holds_it) {
    std::mt19937 random{17};
    const auto below = [&](std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random);
    };
    std::vector<KeyRecord> all;
    for (int i = 0; i < 12; ++i)
        all.push_back(key_record(i));
    for (int round = 0; round < 50; ++round) {
        // By number: how many lives have begun with it, and how many of them it was forgotten for.
        std::map<std::uint32_t, int> begun;
        std::map<std::uint32_t, int> forgotten;
        auto table = std::make_unique<Table>(
            test::catalog(), SubjectsRef{new Subjects{[&](std::uint32_t n) { ++forgotten[n]; }}});
        Model model;
        std::vector<EntryRef> held; // by requests in flight
        for (int step = 0; step < 300; ++step) {
            KeyRecord& key = all[below(all.size())];
            switch (below(8)) {
            case 0:
            case 1:
                BOOST_TEST_REQUIRE(table->remove(key.id) == (model.keys.erase(key.id) == 1));
                break;
            case 2:
                if (const EntryRef entry = table->find(key.digest)) held.push_back(entry);
                break;
            case 3:
                if (!held.empty())
                    held.erase(held.begin() + static_cast<std::ptrdiff_t>(below(held.size())));
                break;
            case 4: {
                auto next = std::make_unique<Table>(test::catalog(), table->subjects());
                std::shuffle(all.begin(), all.end(), random);
                for (const KeyRecord& one : all)
                    if (model.keys.contains(one.id)) next->put(one, table.get());
                table = std::move(next);
                break;
            }
            default: {
                key.name = std::to_string(step);
                table->put(key);
                const SubjectRef subject = table->find(key.digest)->subject;
                const auto [known, is_new] = model.keys.try_emplace(key.id);
                if (!is_new) break;
                known->second = subject.get();
                for (const EntryRef& entry : held)
                    BOOST_TEST_REQUIRE(entry->number != subject->number());
                ++begun[subject->number()];
            }
            }
            model.check(*table, all);
            for (const auto& [number, lives] : begun)
                BOOST_TEST_REQUIRE(forgotten[number] == lives - 1);
        }
        BOOST_TEST(begun.size() <= all.size() + 300U / 8);
    }
}

BOOST_AUTO_TEST_CASE(the_last_records_decide_and_their_order_does_not) {
    std::mt19937 random{11};
    const auto one_of = [&](auto... choices) {
        const std::array all{choices...};
        return all[std::uniform_int_distribution<std::size_t>{0, all.size() - 1}(random)];
    };
    for (int round = 0; round < 60; ++round) {
        std::vector<KeyRecord> keys;
        std::vector<OwnerRecord> owners;
        auto now = std::make_unique<Table>(test::catalog());
        const auto fill_with = [&](Table& table, const Table* before) {
            for (const OwnerRecord& owner : owners)
                table.put_owner(owner);
            for (const KeyRecord& key : keys)
                table.put(key, before);
        };
        for (int i = 0; i < 200; ++i) {
            Table& changed = *now;
            if (i % 16 == 1) {
                const std::string id = key_record(one_of(1, 2, 3, 4, 5, 6, 7, 8, 9)).id;
                const bool was_there =
                    std::erase_if(keys, [&](const KeyRecord& old) { return old.id == id; }) == 1;
                BOOST_TEST(changed.remove(id) == was_there);
            } else if (i % 16 == 6) {
                const OwnerRecord gone =
                    owner_record(one_of("a", "b", "c"), one_of("shop", "deals"));
                std::erase_if(owners, [&](const OwnerRecord& old) {
                    return old.id == gone.id && old.api == gone.api;
                });
                changed.remove_owner(gone.api, gone.id);
            } else if (i % 64 == 63) {
                auto next = std::make_unique<Table>(test::catalog(), changed.subjects());
                fill_with(*next, now.get());
                now = std::move(next);
            } else if (i % 4 == 0) {
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
        const Table& changed = *now;
        Table fresh{test::catalog()};
        fill_with(fresh, nullptr);

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
