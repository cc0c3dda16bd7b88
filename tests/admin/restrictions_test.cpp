#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace json = boost::json;
namespace bdata = boost::unit_test::data;

namespace keygate::admin {
namespace {

using test::World;

config::Settings bound() {
    config::Settings made = test::settings();
    made.apis[0].bind = {{"store_id", false, "store"},
                         {"shop_id", false, "store"},
                         {"user_id", true, {}},
                         {"region_id", false, "region"}};
    made.apis[0].scopes = {{"orders:read", "orders:write", "read", "stores:read"}};
    made.apis[0].default_plan = "pro";
    return made;
}

struct Bound : World {
    Bound()
        : World(bound()) {
        BOOST_TEST_REQUIRE(call("PUT", "/admin/v1/owners/acme", R"({"api":"shop"})").status ==
                           201U);
    }

    Response create(const std::string& members) {
        return call("POST", "/admin/v1/keys", R"({"api":"shop","owner":"acme",)" + members + "}");
    }

    Response patch(const std::string& id, const std::string& body) {
        return call("PATCH", "/admin/v1/keys/" + id, body);
    }
};

json::object object_in(const Response& response) {
    return json::parse(response.body).as_object();
}

std::string member(const json::object& key, const char* name) {
    return json::serialize(key.at(name));
}

BOOST_FIXTURE_TEST_SUITE(admin_restrictions, Bound)

BOOST_AUTO_TEST_CASE(a_key_may_be_made_for_some_places_and_some_uses) {
    const auto made = create(R"("addresses":["192.0.2.0/24","2001:db8::1"],)"
                             R"("referrers":["https://*.example.com"],)"
                             R"("endpoints":["GET /v1/orders/**"],)"
                             R"("bind":{"store":"267418190","region":"eu"})");
    BOOST_TEST_REQUIRE(made.status == 201U, made.body);
    const auto id = std::string{object_in(made).at("id").as_string()};
    const auto shown = object_in(call("GET", "/admin/v1/keys/" + id));
    for (const json::object& key : {object_in(made), shown}) {
        BOOST_TEST(member(key, "addresses") == R"(["192.0.2.0/24","2001:db8::1"])");
        BOOST_TEST(member(key, "referrers") == R"(["https://*.example.com"])");
        BOOST_TEST(member(key, "endpoints") == R"(["GET /v1/orders/**"])");
        BOOST_TEST(json::parse(R"({"store":"267418190","region":"eu"})") == key.at("bind"));
    }
    const auto records = stored();
    BOOST_TEST_REQUIRE(records.size() == 1U);
    BOOST_TEST(records[0].addresses.size() == 2U);
    BOOST_TEST(records[0].bind.at("region") == "eu");
    const auto listed = object_in(call("GET", "/admin/v1/keys"));
    BOOST_TEST(member(listed.at("data").as_array()[0].as_object(), "endpoints") ==
               R"(["GET /v1/orders/**"])");
}

BOOST_AUTO_TEST_CASE(a_patch_changes_one_and_null_takes_it_away) {
    const auto made = create(R"("addresses":["192.0.2.1"],"bind":{"store":"7"})");
    BOOST_TEST_REQUIRE(made.status == 201U, made.body);
    const auto id = std::string{object_in(made).at("id").as_string()};
    const auto etag = [&] {
        const auto got = call("GET", "/admin/v1/keys/" + id);
        for (const auto& [name, value] : got.headers)
            if (name == "ETag") return value;
        return std::string{};
    };
    std::string before = etag();
    for (const char* body :
         {R"({"addresses":["192.0.2.2"]})", R"({"referrers":["https://a.example"]})",
          R"({"endpoints":["ANY /v1/**"]})", R"({"bind":{"store":"8"}})", R"({"addresses":null})",
          R"({"bind":null})"}) {
        const auto changed = patch(id, body);
        BOOST_TEST(changed.status == 200U, changed.body);
        BOOST_TEST(etag() != before, body);
        before = etag();
    }
    const auto key = object_in(call("GET", "/admin/v1/keys/" + id));
    BOOST_TEST(key.at("addresses").is_null());
    BOOST_TEST(key.at("bind").is_null());
    BOOST_TEST(member(key, "referrers") == R"(["https://a.example"])");
    BOOST_TEST(member(key, "endpoints") == R"(["ANY /v1/**"])");
    // The key that takes its place has the same.
    const auto fresh = object_in(call("POST", "/admin/v1/keys/" + id + ":rotate"));
    BOOST_TEST(member(fresh, "referrers") == R"(["https://a.example"])");
}

struct Wrong {
    const char* members;
    const char* says;

    friend std::ostream& operator<<(std::ostream& out, const Wrong& row) {
        return out << row.members;
    }
};

BOOST_DATA_TEST_CASE_F(
    Bound, what_restricts_is_never_guessed,
    bdata::make({Wrong{R"("addresses":[])", "`addresses`: must hold one or more"},
                 {R"("addresses":"192.0.2.1")", "`addresses`: must be a list"},
                 {R"("addresses":[""])", "`addresses`: a text must not be empty"},
                 {R"("addresses":[7])", "`addresses`: must be a list"},
                 {R"("addresses":["192.0.2.1","192.0.2.1"])", "`addresses`: `192.0.2.1` stands"},
                 {R"("referrers":[])", "`referrers`: must hold one or more"},
                 {R"("endpoints":{})", "`endpoints`: must be a list"},
                 {R"("bind":[])", "`bind`: must be an object"},
                 {R"("bind":{})", "`bind`: must hold one or more"},
                 {R"("bind":{"store":7})", "`bind.store`: must be text"},
                 {R"("bind":{"store":""})", "`bind.store`: must be text"},
                 {R"("bind":{"stroe":"7"})", "`bind`: no path of the API is bound to `stroe`; "
                                             "one of: store, region; did you mean `store`?"},
                 {R"("bind":{"owner":"acme"})", "`bind`: no path of the API is bound to `owner`"},
                 {R"("scopes":["orders:*","orders"])", "`scopes`: unknown `orders`"},
                 {R"("scopes":["ord:*"])", "`scopes`: unknown `ord:*`"},
                 {R"("scopes":["read:*"])", "`scopes`: unknown `read:*`"},
                 {R"("scopes":[":*"])", "`scopes`: unknown `:*`"},
                 {R"("scopes":["orders*"])", "`scopes`: unknown `orders*`"},
                 {R"("scopes":["**"])", "`scopes`: unknown `**`"}}),
    wrong) {
    const auto made = create(wrong.members);
    BOOST_TEST(made.status == 422U, made.body);
    BOOST_TEST(object_in(made).at("error").at("message").as_string().find(wrong.says) !=
                   json::string::npos,
               made.body);
    BOOST_TEST(stored().empty());
    const auto known = create(R"("name":"a")");
    BOOST_TEST_REQUIRE(known.status == 201U);
    const auto id = std::string{object_in(known).at("id").as_string()};
    const auto changed = patch(id, std::string{"{"} + wrong.members + "}");
    BOOST_TEST(changed.status == 422U, changed.body);
}

BOOST_AUTO_TEST_CASE(a_list_has_a_bound) {
    std::string list;
    for (int i = 0; i < 1'700; ++i)
        list += (i == 0 ? "\"10.0." : ",\"10.0.") + std::to_string(i / 250) + '.' +
                std::to_string(i % 250) + '"';
    const auto made = create("\"addresses\":[" + list + "]");
    BOOST_TEST(made.status == 422U);
    BOOST_TEST(made.body.find("`addresses`: at most 16384 bytes") != std::string::npos, made.body);
}

BOOST_AUTO_TEST_CASE(scopes_may_be_whole_families) {
    for (const char* scopes : {R"(["*"])", R"(["orders:*"])", R"(["orders:*","read"])"}) {
        const auto made = create(std::string{"\"scopes\":"} + scopes);
        BOOST_TEST(made.status == 201U, made.body);
        BOOST_TEST(member(object_in(made), "scopes") == scopes);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
