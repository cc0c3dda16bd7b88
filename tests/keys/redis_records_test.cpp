#include "keys/records.hpp"
#include "keys/redis_records.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using test::key_record;
using test::owner_record;
using Kind = redis::Reply::Kind;

redis::Reply reply(const redis::Command& words) {
    redis::Reply made;
    made.kind = Kind::list;
    for (const std::string& word : words)
        made.list.push_back({.kind = Kind::text, .number = 0, .text = word, .list = {}});
    return made;
}

redis::Reply error(const std::string& text) {
    return {.kind = Kind::error, .number = 0, .text = text, .list = {}};
}

const redis::Command smallest{"v",    "1",     "id",   "key_1",  "api",
                              "shop", "owner", "acme", "status", "active"};

redis::Command with(const std::string& field, const std::string& value) {
    redis::Command words = smallest;
    for (std::size_t i = 0; i < words.size(); i += 2)
        if (words[i] == field) {
            words[i + 1] = value;
            return words;
        }
    words.push_back(field);
    words.push_back(value);
    return words;
}

redis::Command without(const std::string& field) {
    redis::Command words;
    for (std::size_t i = 0; i < smallest.size(); i += 2)
        if (smallest[i] != field) words.insert(words.end(), {smallest[i], smallest[i + 1]});
    return words;
}

const Digest digest = key_record(1).digest;

KeyRecord read(const redis::Command& words) {
    const auto read = read_key_record(digest, reply(words));
    const auto* const unreadable = std::get_if<Unreadable>(&read);
    BOOST_TEST_REQUIRE(std::holds_alternative<KeyRecord>(read),
                       (unreadable != nullptr ? unreadable->why : "absent"));
    return std::get<KeyRecord>(read);
}

std::string why(const redis::Reply& hgetall) {
    const auto read = read_key_record(digest, hgetall);
    BOOST_TEST_REQUIRE(std::holds_alternative<Unreadable>(read));
    return std::get<Unreadable>(read).why;
}

KeyRecord full_record() {
    KeyRecord key = key_record(7, "deals");
    key.owner = "Zoë:& co";
    key.status = KeyStatus::disabled;
    key.mode = Mode::test;
    key.plan = "big";
    key.scopes = {{"y", "x"}};
    key.name = std::string{"a\0b\r\n'*2", 8};
    key.expires_at = time_from("2031-01-01T00:00:00Z");
    key.owner_record_required = true;
    key.pepper = "2026";
    key.rotated_to = "key_8";
    key.metadata = R"({"ticket":"A-1"})";
    key.addresses = {"192.0.2.0/24", "2001:db8::/32"};
    key.referrers = {"https://*.example.com", "https://app.example.com/shop/*"};
    key.endpoints = {"GET /v1/orders/**"};
    key.bind = {{"store", "267418190"}, {"region", "Zoë's \"north\""}};
    key.secret_digest = digest_of("all of it");
    key.sealed = "v1.0a1b2c3d.c2VhbGVk";
    return key;
}

BOOST_AUTO_TEST_SUITE(keys_redis_records)

BOOST_AUTO_TEST_CASE(names_are_what_products_write) {
    const std::string hex(64, 'a');
    BOOST_TEST(key_name(*digest_from_hex(hex)) == "kg:key:" + hex);
    BOOST_TEST((digest_in("kg:key:" + hex) == digest_from_hex(hex)));
    for (const std::string& name : {"kg:key:" + hex.substr(1), "kg:key:" + std::string(64, 'A'),
                                    "kg:key:{" + hex + "}", "xg:key:" + hex, hex, std::string{}})
        BOOST_TEST(!digest_in(name).has_value(), name);

    BOOST_TEST(owner_name({"shop", "a:b"}) == "kg:owner:shop:a:b");
    BOOST_TEST((owner_in("kg:owner:shop:a:b") == OwnerName{"shop", "a:b"}));
    BOOST_TEST((owner_in("kg:owner:shop::") == OwnerName{"shop", ":"}));
    for (const char* name : {"kg:owner:", "kg:owner:shop", "kg:owner:shop:", "kg:owner::acme", ""})
        BOOST_TEST(!owner_in(name).has_value(), name);
}

BOOST_AUTO_TEST_CASE(no_record_is_no_damage) {
    BOOST_TEST(std::holds_alternative<std::monostate>(read_key_record(digest, reply({}))));
    BOOST_TEST(
        std::holds_alternative<std::monostate>(read_owner_record({"shop", "acme"}, reply({}))));
}

BOOST_AUTO_TEST_CASE(five_fields_make_a_key) {
    KeyRecord expected;
    expected.digest = digest;
    expected.id = "key_1";
    expected.api = "shop";
    expected.owner = "acme";
    BOOST_TEST((read(smallest) == expected));
    BOOST_TEST(!expected.scopes.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back) {
    KeyRecord none = key_record(2);
    none.scopes.emplace();
    for (const KeyRecord& key : {full_record(), key_record(1), none}) {
        const auto fields = fields_of(key);
        BOOST_TEST_REQUIRE(fields.has_value());
        const auto read = read_key_record(key.digest, reply(*fields));
        BOOST_TEST_REQUIRE(std::holds_alternative<KeyRecord>(read));
        BOOST_TEST((std::get<KeyRecord>(read) == key));
    }
    OwnerRecord owner = owner_record("a:cme");
    owner.name = "ACME";
    owner.plan = "pro";
    owner.status = OwnerStatus::suspended;
    owner.attributes = R"({"seats": 3})";
    for (const OwnerRecord& each : {owner, owner_record("acme")}) {
        const auto read = read_owner_record({each.api, each.id}, reply(fields_of(each).value()));
        BOOST_TEST_REQUIRE(std::holds_alternative<OwnerRecord>(read));
        BOOST_TEST((std::get<OwnerRecord>(read) == each));
    }
}

BOOST_AUTO_TEST_CASE(what_could_not_be_read_back_is_not_written) {
    const auto refused = [](auto change) {
        KeyRecord key = full_record();
        change(key);
        return fields_of(key).has_error();
    };
    BOOST_TEST(refused([](KeyRecord& key) { key.id.clear(); }));
    BOOST_TEST(refused([](KeyRecord& key) { key.api = "a:b"; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.owner.clear(); }));
    BOOST_TEST(refused([](KeyRecord& key) { key.plan = ""; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.metadata = "[]"; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.scopes = {{"a b"}}; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.addresses = {""}; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.referrers = {"\xff"}; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.endpoints = {"GET /a", ""}; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.bind = {{"", "a"}}; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.bind = {{"a", ""}}; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.sealed = std::string(1025, 's'); }));
    BOOST_TEST(refused([](KeyRecord& key) { key.scopes = {{"a", ""}}; }));
    BOOST_TEST(refused([](KeyRecord& key) { key.expires_at = Time{std::chrono::seconds{-1}}; }));
    BOOST_TEST(fields_of(owner_record("", "shop")).has_error());
    BOOST_TEST(fields_of(owner_record("acme", "a:b")).has_error());
}

BOOST_AUTO_TEST_CASE(scopes_are_absent_none_or_some) {
    BOOST_TEST(!read(smallest).scopes.has_value());
    BOOST_TEST(read(with("scopes", "")).scopes->empty());
    BOOST_TEST((read(with("scopes", "a:read b:write")).scopes ==
                std::vector<std::string>{"a:read", "b:write"}));
}

BOOST_AUTO_TEST_CASE(what_is_kept_of_a_record_has_a_bound) {
    BOOST_TEST(read(with("name", std::string(1024, 'n'))).name.size() == 1024U);
    BOOST_TEST(why(reply(with("name", std::string(1025, 'n')))).find("`name`") !=
               std::string::npos);
    BOOST_TEST(why(reply(with("scopes", std::string(65'537, 's')))).find("`scopes`") !=
               std::string::npos);
    redis::Reply many;
    many.kind = redis::Reply::Kind::list;
    for (int i = 0; i < 100'000; ++i)
        for (const char* text : {"field", "value"}) {
            redis::Reply& one = many.list.emplace_back();
            one.kind = redis::Reply::Kind::text;
            one.text = text;
        }
    BOOST_TEST(why(many) == "has too many fields");
}

BOOST_DATA_TEST_CASE(a_key_without_what_it_needs_is_not_read,
                     bdata::make({"v", "id", "api", "owner", "status"}), field) {
    BOOST_TEST(why(reply(without(field))).find(std::string{"`"} + field + "`") !=
               std::string::npos);
    BOOST_TEST(!why(reply(with(field, ""))).empty());
}

struct Wrong {
    const char* field;
    const char* value;

    friend std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
        return out << wrong.field << '=' << wrong.value;
    }
};

BOOST_DATA_TEST_CASE(a_wrong_value_is_never_guessed,
                     bdata::make({Wrong{"v", "2"},
                                  {"v", "01"},
                                  {"v", "1 "},
                                  {"status", "Active"},
                                  {"status", "expired"},
                                  {"mode", ""},
                                  {"mode", "prod"},
                                  {"api", "a:b"},
                                  {"plan", ""},
                                  {"created_at", "today"},
                                  {"created_at", ""},
                                  {"expires_at", ""},
                                  {"expires_at", "never"},
                                  {"expires_at", "1767225600"},
                                  {"expires_at", "2026-02-30T00:00:00Z"},
                                  {"owner_record", ""},
                                  {"owner_record", "yes"},
                                  {"rotated_to", ""},
                                  {"metadata", ""},
                                  {"metadata", "[]"},
                                  {"metadata", "{"},
                                  {"metadata", "{} {}"},
                                  {"metadata", "null"},
                                  {"addresses", ""},
                                  {"addresses", "192.0.2.0/24"},
                                  {"addresses", R"({"a":"192.0.2.0/24"})"},
                                  {"referrers", "[]"},
                                  {"endpoints", R"(["GET /v1", 7])"},
                                  {"bind", ""},
                                  {"bind", "{}"},
                                  {"bind", R"(["store"])"},
                                  {"bind", R"({"store":7})"},
                                  {"bind", R"({"store":"7","store":"8"})"},
                                  {"secret_digest", ""},
                                  {"secret_digest", "sha256:00"},
                                  {"secret_digest",
                                   "ABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCDABCD"
                                   "ABCDABCDABCDABCD"},
                                  {"sealed", ""}}),
                     wrong) {
    const std::string reason = why(reply(with(wrong.field, wrong.value)));
    BOOST_TEST(reason.find(std::string{"`"} + wrong.field + "`") != std::string::npos, reason);
    if (std::string_view{wrong.value}.size() > 3)
        BOOST_TEST(reason.find(wrong.value) == std::string::npos, reason);
    // It is shown as damaged, with what can be read.
    const KeyRecord shown = damaged_key_record(digest, reply(with(wrong.field, wrong.value)));
    BOOST_TEST(!shown.readable);
    BOOST_TEST(shown.id == "key_1");
    BOOST_TEST((shown.digest == digest));
}

BOOST_AUTO_TEST_CASE(restrictions_are_lists_of_texts_in_JSON) {
    using Words = std::vector<std::string>;
    BOOST_TEST((read(with("addresses", R"(["192.0.2.1", "::/0"])")).addresses ==
                Words{"192.0.2.1", "::/0"}));
    BOOST_TEST((read(with("referrers", R"(["https://a.example"])")).referrers ==
                Words{"https://a.example"}));
    BOOST_TEST((read(with("endpoints", R"(["GET /v1"])")).endpoints == Words{"GET /v1"}));
    BOOST_TEST(read(with("bind", R"({"store":"7","a":"b"})")).bind.at("store") == "7");
    // Longer than a name, and still with a bound.
    const std::string long_one = "[\"" + std::string(65'532, 'a') + "\"]";
    BOOST_TEST(read(with("endpoints", long_one)).endpoints.front().size() == 65'532U);
    for (const char* field : {"addresses", "referrers", "endpoints", "bind"})
        BOOST_TEST(why(reply(with(field, long_one + ' '))) ==
                   std::string{"has a `"} + field + "` that is too long");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_found_by_its_public_part_has_the_digest_of_all_of_it) {
    BOOST_TEST(!read(smallest).secret_digest.has_value());
    const std::string hex(64, 'a');
    BOOST_TEST((read(with("secret_digest", hex)).secret_digest == digest_from_hex(hex)));
}

BOOST_AUTO_TEST_CASE(limits_are_kept_as_they_are_written) {
    BOOST_TEST((read(with("rate", "")) == read(smallest)));
    BOOST_TEST(read(with("rate", "100/1m")).rate == "100/1m");
    BOOST_TEST(read(with("quota", "{requests: 5/day}")).quota == "{requests: 5/day}");
    BOOST_TEST(read(with("rate", std::string(4096, 'r'))).rate.size() == 4096U);
    BOOST_TEST(why(reply(with("rate", std::string(4097, 'r')))) == "has a `rate` that is too long");
    BOOST_TEST(why(reply(with("quota", std::string(4097, 'q')))) ==
               "has a `quota` that is too long");
}

BOOST_AUTO_TEST_CASE(a_field_that_nobody_knows_is_not_overlooked) {
    BOOST_TEST(why(reply(with("expire_at", "2026-01-01T00:00:00Z"))) ==
               "has a field that is unknown: `expire_at`");
    BOOST_TEST(!why(reply(with("Status", ""))).empty());
    // A strange name does not reach a log.
    BOOST_TEST(why(reply(with("\x1b[31m", ""))).find('\x1b') == std::string::npos);
    BOOST_TEST(why(reply(with(std::string(1'000, 'x'), ""))).size() < 100U);
}

BOOST_AUTO_TEST_CASE(a_reply_of_another_shape_is_no_record) {
    BOOST_TEST(why(error("WRONGTYPE Operation against a key")) == "is not a hash");
    redis::Reply odd = reply(smallest);
    odd.list.pop_back();
    BOOST_TEST(!why(odd).empty());
    redis::Reply twice = reply(smallest);
    twice.list.insert(twice.list.end(), twice.list.begin(), twice.list.begin() + 2);
    BOOST_TEST(why(twice) == "has the field `v` twice");
    redis::Reply numbers = reply(smallest);
    numbers.list[1] = {.kind = Kind::number, .number = 1, .text = {}, .list = {}};
    BOOST_TEST(!why(numbers).empty());
    BOOST_TEST(!why(redis::Reply{}).empty());
    BOOST_TEST(damaged_key_record(digest, error("WRONGTYPE")).id.empty());
}

BOOST_AUTO_TEST_CASE(owners_are_read_as_strictly) {
    const OwnerName name{"shop", "acme"};
    const auto is_unreadable = [&](const redis::Command& words) {
        return std::holds_alternative<Unreadable>(read_owner_record(name, reply(words)));
    };
    BOOST_TEST(!is_unreadable({"v", "1", "status", "active"}));
    BOOST_TEST(is_unreadable({"status", "active"}));
    BOOST_TEST(is_unreadable({"v", "2", "status", "active"}));
    BOOST_TEST(is_unreadable({"v", "1"}));
    BOOST_TEST(is_unreadable({"v", "1", "status", "closed"}));
    BOOST_TEST(is_unreadable({"v", "1", "status", "active", "plan", ""}));
    BOOST_TEST(is_unreadable({"v", "1", "status", "active", "attributes", "3"}));
    BOOST_TEST(is_unreadable({"v", "1", "status", "active", "Plan", "pro"}));
    BOOST_TEST(std::holds_alternative<Unreadable>(read_owner_record(name, error("WRONGTYPE"))));
    const OwnerRecord shown = damaged_owner_record(name, reply({"v", "1", "name", "Acme"}));
    BOOST_TEST(!shown.readable);
    BOOST_TEST(shown.name == "Acme");
    BOOST_TEST(shown.id == "acme");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
