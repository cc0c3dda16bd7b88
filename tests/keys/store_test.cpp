#include "keys/store_kinds.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

// A filter is told by what it names; the rest is empty on purpose.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

// What every store does, whatever it is made of.
namespace keygate::keys {
namespace {

using test::failed;
using test::full_record;
using test::key_record;
using test::Opened;
using test::owner_record;
using test::StoreKinds;

using Words = std::vector<std::string>;

Time at(const char* text) {
    return *time_from(text);
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

template <class Kind> Usage usage_of(const Opened<Kind>& on, const std::string& id) {
    return on.store->find(id).value().usage;
}

template <class Kind> Usage usage_of_acme(const Opened<Kind>& on) {
    return on.store->usage_of({"shop", "acme"}).value();
}

BOOST_AUTO_TEST_SUITE(keys_store)

BOOST_AUTO_TEST_CASE_TEMPLATE(reopening_keeps_everything, Kind, StoreKinds) {
    Opened<Kind> on;
    KeyRecord none = key_record(2);
    none.scopes.emplace();
    const std::vector<KeyRecord> keys{key_record(1), none, full_record()};
    OwnerRecord owner = owner_record("acme");
    owner.name = "ACME";
    owner.plan = "pro";
    owner.status = OwnerStatus::suspended;
    owner.attributes = R"({"seats": 3})";
    BOOST_TEST(keygate::test::insert(*on.store, keys).has_value());
    BOOST_TEST(keygate::test::put_owner(*on.store, owner).has_value());
    for (int round = 0; round < 2; ++round) {
        BOOST_TEST((on.all_keys() == keys));
        for (const KeyRecord& key : keys)
            BOOST_TEST((on.store->find(key.id).value().record == key));
        BOOST_TEST((on.store->find_owner({"shop", "acme"}).value() == owner));
        on.reopen();
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(owners_come_before_keys, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    BOOST_TEST(keygate::test::put_owner(*on.store, owner_record("acme")).has_value());
    std::string order;
    BOOST_TEST(
        on.store->each([&](OwnerRecord&&) { order += 'o'; }, [&](KeyRecord&&) { order += 'k'; })
            .has_value());
    BOOST_TEST(order == "ok");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_id_that_exists_is_a_conflict, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    KeyRecord again = key_record(2);
    again.id = "key_1";
    const auto inserted = keygate::test::insert(*on.store, {key_record(3), again});
    BOOST_TEST(failed(inserted, StoreError::conflict));
    BOOST_TEST(inserted.error().step == "key_1");
    // All or none, and the store goes on.
    BOOST_TEST(on.ids({}) == Words{"key_1"}, boost::test_tools::per_element());
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(3)}).has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_digest_that_exists_is_a_conflict_with_its_own_key, Kind,
                              StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    KeyRecord again = key_record(2);
    again.digest = key_record(1).digest;
    const auto inserted = keygate::test::insert(*on.store, {again});
    BOOST_TEST(failed(inserted, StoreError::conflict));
    BOOST_TEST(inserted.error().step == "key_1");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(two_of_one_batch_may_not_conflict_either, Kind, StoreKinds) {
    Opened<Kind> on;
    const auto inserted =
        keygate::test::insert(*on.store, {key_record(1), key_record(2), key_record(1)});
    BOOST_TEST(failed(inserted, StoreError::conflict));
    BOOST_TEST(inserted.error().step == "key_1");
    BOOST_TEST(on.all_keys().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_could_not_be_read_back_is_not_written, Kind, StoreKinds) {
    Opened<Kind> on;
    for (const Words& scopes : {Words{"a b"}, Words{""}, Words{"a", ""}}) {
        KeyRecord key = key_record(1);
        key.scopes = scopes;
        BOOST_TEST(keygate::test::insert(*on.store, {key}).has_error());
    }
    for (const Words& list : {Words{""}, Words{"a", ""}, Words{"\xff"}}) {
        KeyRecord key = key_record(1);
        key.addresses = list;
        BOOST_TEST(keygate::test::insert(*on.store, {key}).has_error());
    }
    KeyRecord nameless = key_record(1);
    nameless.id = "";
    BOOST_TEST(keygate::test::insert(*on.store, {nameless}).has_error());
    for (const std::int64_t seconds :
         {std::int64_t{-1}, std::int64_t{253'402'300'800}}) { // 1969, 10000
        KeyRecord far = key_record(1);
        far.expires_at = Time{std::chrono::seconds{seconds}};
        BOOST_TEST(keygate::test::insert(*on.store, {far}).has_error());
    }
    BOOST_TEST(on.all_keys().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_to_insert_is_fine, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {}).has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_status_is_changed_for_good, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {full_record(), key_record(1)}).has_value());
    KeyRecord expected = full_record();
    expected.status = KeyStatus::revoked;
    // Twice: revoking again is no error.
    BOOST_TEST(keygate::test::set_status(*on.store, "key_7", KeyStatus::revoked).has_value());
    BOOST_TEST(keygate::test::set_status(*on.store, "key_7", KeyStatus::revoked).has_value());
    on.reopen();
    BOOST_TEST((on.store->find("key_7").value().record == expected));
    BOOST_TEST((on.store->find("key_1").value().record == key_record(1)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_is_not_there_is_not_found, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(failed(on.store->find("key_1"), StoreError::not_found));
    BOOST_TEST(failed(keygate::test::set_status(*on.store, "key_1", KeyStatus::revoked),
                      StoreError::not_found));
    BOOST_TEST(failed(on.store->find_owner({"shop", "acme"}), StoreError::not_found));
    BOOST_TEST(keygate::test::put_owner(*on.store, owner_record("acme")).has_value());
    BOOST_TEST(failed(on.store->find_owner({"deals", "acme"}), StoreError::not_found));
    BOOST_TEST(on.store->find("' OR 1=1 --").has_error());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_owner_is_created_once_and_then_replaced, Kind, StoreKinds) {
    Opened<Kind> on;
    OwnerRecord owner = owner_record("acme");
    BOOST_TEST(keygate::test::put_owner(*on.store, owner).has_value());
    owner.plan = "pro";
    owner.status = OwnerStatus::suspended;
    BOOST_TEST(keygate::test::put_owner(*on.store, owner).has_value());
    BOOST_TEST(keygate::test::put_owner(*on.store, owner_record("acme", "deals")).has_value());
    BOOST_TEST(keygate::test::put_owner(*on.store, owner_record("alpha")).has_value());
    BOOST_TEST((on.store->find_owner({"shop", "acme"}).value() == owner));
    const auto list = [&](const std::string& api, const std::string& cursor, std::size_t limit) {
        const auto page = on.store->list_owners(api, cursor, limit);
        BOOST_TEST_REQUIRE(page.has_value());
        Words words;
        for (const OwnerRecord& one : page->rows)
            words.push_back(one.api + ":" + one.id);
        if (page->next) words.push_back("next " + *page->next);
        return words;
    };
    BOOST_TEST(list("shop", "", 9) == (Words{"shop:acme", "shop:alpha"}),
               boost::test_tools::per_element());
    BOOST_TEST(list("", "", 2) == (Words{"deals:acme", "shop:acme", "next shop:acme"}),
               boost::test_tools::per_element());
    BOOST_TEST(list("", "shop:acme", 2) == (Words{"shop:alpha"}), boost::test_tools::per_element());
    BOOST_TEST(list("none", "", 9).empty());
    for (const char* cursor : {"x", "deals:acme"})
        BOOST_TEST(failed(on.store->list_owners("shop", cursor, 9), StoreError::bad_cursor));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(lists_are_in_the_order_of_creation_and_filtered, Kind, StoreKinds) {
    Opened<Kind> on;
    // Created in an order that is neither that of the ids nor that of the digests.
    std::vector<KeyRecord> keys;
    for (const int number : {5, 3, 9, 1, 7, 2}) {
        KeyRecord key = key_record(number, number < 5 ? "shop" : "deals");
        if (number % 3 == 0) key.owner = "umbrella";
        if (number == 9 || number == 1) key.status = KeyStatus::revoked;
        keys.push_back(key);
    }
    BOOST_TEST(keygate::test::insert(*on.store, keys).has_value());
    const auto check = [&](const KeyFilter& filter, const Words& expected) {
        BOOST_TEST(on.ids(filter) == expected, boost::test_tools::per_element());
    };
    check({}, {"key_5", "key_3", "key_9", "key_1", "key_7", "key_2"});
    check({.api = "shop"}, {"key_3", "key_1", "key_2"});
    check({.owner = "umbrella"}, {"key_3", "key_9"});
    check({.api = "shop", .owner = "umbrella"}, {"key_3"});
    check({.status = KeyStatus::revoked}, {"key_9", "key_1"});
    check({.owner = "acme", .status = KeyStatus::active}, {"key_5", "key_7", "key_2"});
    check({.owner = "nobody"}, {});
    check({.limit = 2}, {"key_5", "key_3"});
    check({.limit = 0}, {});
    check({.prefix = "kg_live_ab", .limit = 1}, {"key_5"});
    check({.prefix = "kg_live_a"}, {});
    const auto behind = [&](KeyFilter filter, std::size_t first) {
        filter.limit = first;
        filter.cursor = on.store->list(filter).value().next.value_or("none");
        filter.limit = 2;
        return filter;
    };
    check(behind({}, 2), {"key_9", "key_1"});
    check(behind({.api = "shop"}, 1), {"key_1", "key_2"});
    check(behind({.owner = "umbrella"}, 1), {"key_9"});
    BOOST_TEST(!on.store->list({.limit = 6}).value().next.has_value());
    check({.limit = std::numeric_limits<std::size_t>::max()},
          {"key_5", "key_3", "key_9", "key_1", "key_7", "key_2"});
    for (const char* cursor : {"key_0", "-1", "1x", "99999999999999999999", " 1"})
        BOOST_TEST(failed(on.store->list({.cursor = cursor}), StoreError::bad_cursor));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_change_that_cannot_be_made_in_whole_is_not_made_at_all, Kind,
                              StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    Change change;
    change.insert.push_back(key_record(2));
    change.put_owner = owner_record("acme");
    change.update.push_back(key_record(1));
    change.update.back().status = KeyStatus::revoked;
    for (const bool is_removal : {true, false}) {
        Change broken = change;
        if (is_removal)
            broken.remove.emplace_back("key_9");
        else
            broken.update.push_back(key_record(9));
        const auto done = on.store->commit(broken);
        BOOST_TEST((done.has_error() && done.error().error == StoreError::not_found));
        BOOST_TEST((on.store->find("key_1").value().record == key_record(1)));
        BOOST_TEST(on.store->find("key_2").has_error());
        BOOST_TEST(on.store->find_owner({"shop", "acme"}).has_error());
    }
    BOOST_TEST(on.store->commit(change).has_value());
    BOOST_TEST(on.store->find("key_2").has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_keys_did_is_added_up_and_survives_every_change_of_them, Kind,
                              StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1), key_record(2)}).has_value());
    const std::vector<UsageDelta> first{delta("key_1", "2026-11-02T00:00:00Z", 3),
                                        delta("key_2", "2026-11-03T00:00:00Z", 4)};
    BOOST_TEST(on.store->add(first).has_value());
    BOOST_TEST(on.store->add(first).has_value());
    BOOST_TEST(usage_of(on, "key_1").total == 6U);
    BOOST_TEST(keygate::test::set_status(*on.store, "key_1", KeyStatus::revoked).has_value());
    BOOST_TEST(usage_of(on, "key_1").total == 6U);
    BOOST_TEST(usage_of_acme(on).total == 14U);

    // A deleted key's use stays its owner's, also what is told later.
    BOOST_TEST(keygate::test::remove(*on.store, "key_1").has_value());
    BOOST_TEST(usage_of_acme(on).total == 14U);
    BOOST_TEST(on.store->add(first).has_value());
    BOOST_TEST(usage_of_acme(on).total == 21U);
    BOOST_TEST(usage_of(on, "key_2").total == 12U);
    // Who comes under the same id later begins with nothing.
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    BOOST_TEST((usage_of(on, "key_1") == Usage{}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_owner_that_is_removed_takes_its_usage_along, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::put_owner(*on.store, test::owner_record("acme")).has_value());
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    const std::vector<UsageDelta> some{delta("key_1", "2026-11-02T00:00:00Z", 3)};
    BOOST_TEST(on.store->add(some).has_value());
    Change change;
    change.remove.emplace_back("key_1");
    change.remove_owner = OwnerName{"shop", "acme"};
    BOOST_TEST(on.store->commit(change).has_value());
    BOOST_TEST((usage_of_acme(on) == Usage{}));
    // What is told later is nobody's, and not the next one's of that name.
    BOOST_TEST(on.store->add(some).has_value());
    BOOST_TEST((usage_of_acme(on) == Usage{}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_oldest_key_that_is_active_is_known, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(!on.store->oldest_key().value().has_value());
    std::vector<KeyRecord> keys{key_record(1), key_record(2), key_record(3)};
    keys[0].created_at = at("2026-02-01T00:00:00Z");
    keys[1].created_at = at("2026-01-01T00:00:00Z");
    BOOST_TEST(keygate::test::insert(*on.store, keys).has_value());
    BOOST_TEST((on.store->oldest_key().value() == keys[1].created_at));
    BOOST_TEST(keygate::test::set_status(*on.store, "key_2", KeyStatus::disabled).has_value());
    BOOST_TEST((on.store->oldest_key().value() == keys[0].created_at));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_new_store_is_empty, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(on.all_keys().empty());
    BOOST_TEST(on.store->list({}).value().rows.empty());
    BOOST_TEST(on.store->list_owners("", "", 9).value().rows.empty());
    BOOST_TEST(!on.store->has_keys({"shop", "acme"}).value());
    BOOST_TEST(on.store->peppers().value().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_page_of_a_long_list_is_shown_once, Kind, StoreKinds) {
    Opened<Kind> on;
    std::vector<KeyRecord> keys;
    for (int i = 0; i < 250; ++i)
        keys.push_back(key_record(i));
    BOOST_TEST(keygate::test::insert(*on.store, keys).has_value());
    Words all;
    KeyFilter filter{.api = "shop", .owner = "acme", .limit = 7};
    for (bool is_last = false; !is_last;) {
        const auto page = on.store->list(filter).value();
        for (const KeyRow& row : page.rows)
            all.push_back(row.record.id);
        is_last = !page.next;
        filter.cursor = page.next.value_or("");
    }
    BOOST_TEST(all.size() == 250U);
    BOOST_TEST(all == on.ids({.limit = 1'000}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_changed_record_is_found_by_what_it_is_now, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1), key_record(2)}).has_value());
    KeyRecord changed = key_record(1);
    changed.owner = "umbrella";
    changed.prefix = "kg_live_zz";
    changed.status = KeyStatus::revoked;
    changed.plan = "pro";
    Change change;
    change.update.push_back(changed);
    BOOST_TEST(on.store->commit(change).has_value());
    change.update[0].plan.reset();
    BOOST_TEST(on.store->commit(change).has_value());
    BOOST_TEST((on.store->find("key_1").value().record == change.update[0]));
    BOOST_TEST(on.ids({.api = "shop", .owner = "umbrella"}) == Words{"key_1"});
    BOOST_TEST(on.ids({.api = "shop", .owner = "acme"}) == Words{"key_2"});
    BOOST_TEST(on.ids({.prefix = "kg_live_zz"}) == Words{"key_1"});
    BOOST_TEST(on.ids({.status = KeyStatus::active}) == Words{"key_2"});
    BOOST_TEST(on.ids({}) == (Words{"key_1", "key_2"}), boost::test_tools::per_element());
    BOOST_TEST(on.store->has_keys({"shop", "umbrella"}).value());
    BOOST_TEST(keygate::test::remove(*on.store, "key_1").has_value());
    BOOST_TEST(!on.store->has_keys({"shop", "umbrella"}).value());
    BOOST_TEST(on.store->has_keys({"shop", "acme"}).value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_key_may_get_another_digest, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1), key_record(2)}).has_value());
    Change change;
    change.update.push_back(key_record(1));
    change.update[0].digest = key_record(3).digest;
    BOOST_TEST(on.store->commit(change).has_value());
    BOOST_TEST((on.store->find("key_1").value().record == change.update[0]));
    BOOST_TEST(on.ids({}) == (Words{"key_1", "key_2"}), boost::test_tools::per_element());
    BOOST_TEST(on.all_keys().size() == 2U);
    change.update[0].digest = key_record(2).digest;
    BOOST_TEST(on.store->commit(change).has_error());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(who_stands_in_the_way_is_named, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    BOOST_TEST((on.store->find_same(key_record(1)).value() == "key_1"));
    BOOST_TEST(!on.store->find_same(key_record(2)).value().has_value());
    KeyRecord same = key_record(2);
    same.digest = key_record(1).digest;
    BOOST_TEST((on.store->find_same(same).value() == "key_1"));
    same = key_record(2);
    same.id = "key_1";
    BOOST_TEST((on.store->find_same(same).value() == "key_1"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_receipt_is_kept_with_its_change, Kind, StoreKinds) {
    Opened<Kind> on;
    const Time now = *time_from("2026-11-02T00:00:00Z");
    Change change;
    change.insert.push_back(key_record(1));
    change.receipt = Receipt{.name = "ops a",
                             .request = "digest",
                             .status = 201,
                             .answer = R"({"id":"key_1"})",
                             .location = "/admin/v1/keys/key_1",
                             .at = now};
    BOOST_TEST(on.store->commit(change).has_value());
    on.reopen();
    const auto since = now - receipt_life;
    BOOST_TEST((on.store->find_receipt("ops a", since).value() == change.receipt));
    BOOST_TEST(!on.store->find_receipt("ops b", since).value().has_value());
    BOOST_TEST(!on.store->find_receipt("ops a", now + std::chrono::seconds{1}).value().has_value());
    change.receipt->name = "ops c";
    BOOST_TEST(on.store->commit(change).has_error());
    BOOST_TEST(!on.store->find_receipt("ops c", since).value().has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(peppers_are_remembered_and_their_keys_counted, Kind, StoreKinds) {
    Opened<Kind> on;
    const std::string proof(64, 'a');
    BOOST_TEST(on.store->put_pepper({.name = "2026", .proof = proof}).has_value());
    BOOST_TEST(keygate::test::insert(*on.store, {full_record(), key_record(1)}).has_value());
    const auto known = on.store->peppers().value();
    BOOST_TEST_REQUIRE(known.size() == 1U);
    BOOST_TEST(known[0].name == "2026");
    BOOST_TEST(known[0].proof == proof);
    BOOST_TEST(known[0].keys == 1U);
    BOOST_TEST(keygate::test::remove(*on.store, "key_7").has_value());
    BOOST_TEST(on.store->peppers().value()[0].keys == 0U);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(uses_of_months_are_added_up_as_they_come, Kind, StoreKinds) {
    Opened<Kind> on;
    BOOST_TEST(keygate::test::insert(*on.store, {key_record(1)}).has_value());
    Usage expected;
    for (const UsageDelta& use :
         {delta("key_1", "2026-11-02T00:00:00Z", 3, 5), delta("key_1", "2026-10-31T00:00:00Z", 4),
          delta("key_1", "2026-12-01T00:00:00Z", 1, 2),
          delta("key_1", "2026-12-05T00:00:00Z", 9'000'000'000'000'000)}) {
        BOOST_TEST(on.store->add(std::span{&use, 1}).has_value());
        expected.add(use);
        BOOST_TEST((usage_of(on, "key_1") == expected));
    }
    BOOST_TEST((usage_of_acme(on) == expected));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
