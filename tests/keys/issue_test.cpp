#include "keys/format.hpp"
#include "keys/issue.hpp"
#include "keys/owner_keys.hpp"
#include "keys/store_kinds.hpp"
#include "support/store_calls.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using test::key_record;
using test::SqliteKind;

config::Run run(config::Alphabet alphabet, std::uint32_t count) {
    config::Run made;
    made.alphabet = alphabet;
    made.min = made.max = count;
    return made;
}

/// `19656ea.` and 27 hexadecimal digits; found by the first seven.
config::KeyFormat by_lookup() {
    config::KeyFormat format;
    format.lookup = run(config::Alphabet::base36, 7);
    format.separator = ".";
    format.is_found_by_lookup = true;
    format.body = format.mint = run(config::Alphabet::hex, 27);
    return format;
}

config::KeyFormat by_all() {
    config::KeyFormat format;
    format.prefix = format.mint_live_prefix = "rp_";
    format.body = format.mint = run(config::Alphabet::hex, 64);
    format.shown_first = 7;
    format.shown_last = 4;
    return format;
}

BOOST_AUTO_TEST_SUITE(keys_issue)

BOOST_AUTO_TEST_CASE(a_new_key_is_known_by_its_digest_and_by_nothing_else) {
    const SqliteKind kind;
    const auto store = kind.open();
    ApiNames api;
    api.format = by_all();
    KeyRecord record = key_record(1);
    record.secret_digest = digest_of("of the key before");
    record.sealed = "of the key before";
    const Peppers none;
    const auto key = issue(record, api, {none}, *store);
    BOOST_TEST_REQUIRE(key.has_value());
    BOOST_TEST(has_shape(key->reveal(), api.format));
    BOOST_TEST((record.digest == digest_of(key->reveal())));
    BOOST_TEST(!record.secret_digest.has_value());
    BOOST_TEST(record.sealed.empty());
    BOOST_TEST(record.prefix == key->reveal().substr(0, 7));
    BOOST_TEST(record.hint == key->reveal().substr(63));
    BOOST_TEST(record.pepper.empty());
}

struct Part {
    const char* prefix;
    const char* key;
    const char* part;

    friend std::ostream& operator<<(std::ostream& out, const Part& part) { return out << part.key; }
};

BOOST_DATA_TEST_CASE(the_public_part_is_prefix_and_letters,
                     bdata::make({Part{"", "19656ea.0f0f", "19656ea"},
                                  {"fl_", "fl_19656ea.0f0f", "fl_19656ea"}}),
                     part) {
    config::KeyFormat format = by_lookup();
    format.prefix = part.prefix;
    BOOST_TEST(is_lookup_part(part.part, format));
    BOOST_TEST(!is_lookup_part(part.key, format));
    for (const char* wrong : {"", "1", "19656e", "19656eaa", "19656eA", "19656e.", "fl_19656e-"})
        BOOST_TEST(!is_lookup_part(wrong, format), wrong);
}

BOOST_AUTO_TEST_CASE(each_mode_has_its_own_prefix) {
    config::KeyFormat format = by_lookup();
    format.live_prefix = "k_";
    format.test_prefix = "k_test_";
    BOOST_TEST(is_lookup_part("k_19656ea", format));
    BOOST_TEST(is_lookup_part("k_test_19656ea", format));
    BOOST_TEST(!is_lookup_part("19656ea", format));
}

// Which keys an owner has.

struct Counted {
    const char* what;
    bool counts;
    void (*change)(KeyRecord&);

    friend std::ostream& operator<<(std::ostream& out, const Counted& row) {
        return out << row.what;
    }
};

const Time now = *time_from("2026-11-02T00:00:00Z");

const std::vector<Counted> kinds{
    {"active", true, [](KeyRecord&) {}},
    {"ends later", true, [](KeyRecord& key) { key.expires_at = now + std::chrono::seconds{1}; }},
    {"test", true, [](KeyRecord& key) { key.mode = Mode::test; }},
    {"has ended", false, [](KeyRecord& key) { key.expires_at = now; }},
    {"disabled", false, [](KeyRecord& key) { key.status = KeyStatus::disabled; }},
    {"revoked", false, [](KeyRecord& key) { key.status = KeyStatus::revoked; }},
    {"in its grace", false,
     [](KeyRecord& key) {
         key.rotated_to = "key_9";
         key.expires_at = now + std::chrono::hours{1};
     }},
    {"another owner's", false, [](KeyRecord& key) { key.owner = "umbrella"; }},
    {"another API's", false, [](KeyRecord& key) { key.api = "deals"; }},
};

BOOST_AUTO_TEST_CASE_TEMPLATE(keys_of_an_owner_are_all_of_them_and_those_that_count, Kind,
                              test::StoreKinds) {
    test::Opened<Kind> on;
    std::vector<KeyRecord> keys;
    std::vector<std::string> counting;
    std::size_t own = 0;
    for (const Counted& row : kinds) {
        KeyRecord key = key_record(static_cast<int>(keys.size()));
        row.change(key);
        if (row.counts) counting.push_back(key.id);
        if (key.owner == "acme" && key.api == "shop") ++own;
        keys.push_back(key);
    }
    BOOST_TEST(keygate::test::insert(*on.store, keys).has_value());
    const auto all = on.store->keys_of({"shop", "acme"});
    BOOST_TEST_REQUIRE(all.has_value());
    BOOST_TEST(all->size() == own);
    BOOST_TEST(on.store->keys_of({"shop", "nobody"}).value().empty());
    const auto ids_of = [&](const std::string& except) {
        std::vector<std::string> ids;
        for (const KeyRecord& key : counting_keys(*on.store, {"shop", "acme"}, except, now).value())
            ids.push_back(key.id);
        return ids;
    };
    BOOST_TEST(ids_of("") == counting, boost::test_tools::per_element());
    BOOST_TEST(ids_of("key_0").size() == counting.size() - 1);
}

BOOST_AUTO_TEST_CASE(what_was_counted_is_still_so_when_the_change_is_made) {
    using test::RedisKind;
    const RedisKind kind;
    const auto mine = kind.open();
    const auto other = kind.open();
    KeyRecord disabled = key_record(2);
    disabled.status = KeyStatus::disabled;
    BOOST_TEST(keygate::test::insert(*mine, {key_record(1), disabled}).has_value());
    int number = 100;
    const auto raced_by = [&](const std::function<void()>& meanwhile) {
        BOOST_TEST(mine->watch().has_value());
        BOOST_TEST(counting_keys(*mine, {"shop", "acme"}, "", now).has_value());
        meanwhile();
        Change change;
        change.insert.push_back(key_record(++number));
        const auto done = mine->commit(change);
        mine->forget();
        return test::failed(done, StoreError::raced);
    };
    BOOST_TEST(!raced_by([] {}));
    BOOST_TEST(
        raced_by([&] { BOOST_TEST(keygate::test::insert(*other, {key_record(3)}).has_value()); }));
    BOOST_TEST(raced_by([&] {
        BOOST_TEST(keygate::test::set_status(*other, "key_2", KeyStatus::active).has_value());
    }));
    BOOST_TEST(raced_by([&] { BOOST_TEST(keygate::test::remove(*other, "key_3").has_value()); }));
    // By a product.
    BOOST_TEST(raced_by([&] {
        (void)RedisKind::server().call(
            {"HSET", "kg:key:" + to_hex(key_record(1).digest), "status", "revoked"});
    }));
    // What another owner gets is no concern of this one.
    BOOST_TEST(!raced_by([&] {
        KeyRecord stranger = key_record(4);
        stranger.owner = "umbrella";
        BOOST_TEST(keygate::test::insert(*other, {stranger}).has_value());
    }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
