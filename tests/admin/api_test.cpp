#include "admin/api.hpp"
#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <future>
#include <thread>

namespace keygate::admin {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using test::Folder;
using test::guarded;
using test::Running;
using test::World;

const std::string digest_a = "sha256:" + std::string(64, 'a');
const std::string digest_b = "sha256:" + std::string(64, 'b');

/// A world with three customers: acme has bought, lapsed has not, dan uses the other API.
struct Populated : World {
    Populated() {
        put("acme", R"({"api":"shop","name":"Acme","plan":"pro"})");
        put("lapsed", R"({"api":"shop","plan":"free"})");
        put("dan", R"({"api":"deals"})");
    }

    void put(const std::string& id, const std::string& body) {
        BOOST_TEST_REQUIRE(call("PUT", "/admin/v1/owners/" + id, body).status == 201u);
    }

    json::object create(const std::string& body) {
        const auto response = call("POST", "/admin/v1/keys", body);
        BOOST_TEST_REQUIRE(response.status == 201u, response.body);
        return json::parse(response.body).as_object();
    }

    json::object get(const std::string& target) {
        const auto response = call("GET", target);
        BOOST_TEST_REQUIRE(response.status == 200u, response.body);
        return json::parse(response.body).as_object();
    }
};

std::string text(const json::object& object, std::string_view name) {
    return std::string{object.at({name.data(), name.size()}).as_string().c_str()};
}

std::vector<std::string> ids(const json::object& list) {
    std::vector<std::string> out;
    for (const auto& one : list.at("data").as_array())
        out.push_back(text(one.as_object(), "id"));
    return out;
}

std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
        if (key == name) return value;
    return {};
}

struct Row {
    std::string method;
    std::string target;
    std::string body;
    unsigned status;
    std::string says; // in the body
};

// Run in this order on one populated world.
std::vector<Row> rows() {
    const std::string keys = "/admin/v1/keys";
    const std::string import = "/admin/v1/keys:import";
    const std::string owners = "/admin/v1/owners";
    const std::string acme = R"("api":"shop","owner":"acme")";
    const auto key = [&](const std::string& members) { return "{" + acme + members + "}"; };
    const auto brought = [&](const std::string& members) {
        return R"({"keys":[{"api":"shop","owner":"bob","plan":"pro",)" + members + "}]}";
    };
    const std::string taken = "sha256:" + std::string(64, 'e');
    return {
        // Paths and methods.
        {"GET", "/", "", 404, "not_found"},
        {"GET", "/admin/v1", "", 404, "not_found"},
        {"GET", "/admin/v1/", "", 404, "not_found"},
        {"GET", "/admin/v2/keys", "", 404, "not_found"},
        {"GET", "/admin/v1/keys/", "", 404, "not_found"},
        {"GET", "/admin/v1/owners/", "", 404, "not_found"},
        {"GET", "/admin/v1/keys/a/b", "", 404, "not_found"},
        {"GET", "/admin//v1/keys", "", 404, "not_found"},
        {"GET", "/admin/v1/config:reload", "", 405, "POST"},
        {"POST", "/admin/v1/config:reload", "", 409, "no gateway runs here"},
        {"POST", "/admin/v1/config:reload", R"({"file":"x"})", 422, "`file`"},
        {"POST", "/admin/v1/config:reload?x=1", "", 400, "`x`"},
        {"POST", "/admin/v1/config", "", 404, "not_found"},
        {"GET", "/admin/v1/%6beys", "", 404, "not_found"},
        {"GET", "/admin/v1/keys/../owners", "", 404, "not_found"},
        {"POST", "/admin/v1/keys/key_1:rotat", "", 404, "no such path"},
        {"POST", "/admin/v1/keys/key_1:rotate", "", 404, "no key with this id"},
        {"GET", "/admin/v1/keys/key_1:revoke", "", 405, "POST"},
        {"GET", import, "", 405, "POST"},
        {"PUT", keys, "{}", 405, "GET, HEAD, POST"},
        {"PUT", "/admin/v1/keys/key_1", "", 405, "GET, HEAD, PATCH, DELETE"},
        {"DELETE", "/admin/v1/keys/key_1", "", 404, "no key with this id"},
        {"PATCH", "/admin/v1/keys/key_1", "{}", 404, "no key with this id"},
        {"POST", "/admin/v1/owners/acme", "", 405, "GET, HEAD, PUT, DELETE"},
        {"POST", owners, "{}", 405, "GET"},
        // Parameters.
        {"GET", keys + "?nope=1", "", 400, "`nope`"},
        {"GET", keys + "?statsu=active", "", 400, "did you mean `status`"},
        {"GET", keys + "?limit=0", "", 400, "`limit`"},
        {"GET", keys + "?limit=101", "", 400, "`limit`"},
        {"GET", keys + "?limit=1x", "", 400, "`limit`"},
        {"GET", keys + "?limit=-1", "", 400, "`limit`"},
        {"GET", keys + "?limit=99999999999999999999", "", 400, "`limit`"},
        {"GET", keys + "?limit=1&limit=2", "", 400, "`limit`: written twice"},
        {"GET", keys + "?status=gone", "", 400, "`status`"},
        {"GET", keys + "?api=shpo", "", 400, "did you mean `shop`"},
        {"GET", keys + "?cursor=key_nope", "", 400, "`cursor`"},
        {"GET", owners + "?cursor=x", "", 400, "`cursor`"},
        {"GET", owners + "/acme", "", 400, "`api`: missing"},
        {"GET", owners + "/nobody?api=shop", "", 404, "no such owner"},
        {"GET", owners + "/acme?api=deals", "", 404, "no such owner"},
        {"GET", owners + "/acme?api=nope", "", 400, "`api`"},
        {"GET", keys + "/key_nope", "", 404, "no key"},
        {"GET", keys, "{}", 400, "no body"},
        {"POST", keys + "?force=true", key(""), 400, "`force`"},
        // Bodies that are no object.
        {"POST", keys, "", 400, "json_invalid"},
        {"POST", keys, "{", 400, "json_invalid"},
        {"POST", keys, "{} {}", 400, "json_invalid"},
        {"POST", keys, "[]", 422, "object"},
        {"POST", keys, "null", 422, "object"},
        {"POST", keys, "{'api':'shop'}", 400, "json_invalid"},
        {"POST", keys, R"({"api":"shop",})", 400, "json_invalid"},
        {"POST", keys, "{\"api\":\"\xff\"}", 400, "json_invalid"},
        {"POST", keys, key(R"(,"owner":"lapsed")"), 400, "`owner`: written twice"},
        {"POST", keys, key(R"(,"metadata":{"a":1,"a":2})"), 400, "`a`: written twice"},
        {"POST", keys, key(",\"metadata\":" + std::string(40, '[') + std::string(40, ']')), 400,
         "json_invalid"},
        // Members.
        {"POST", keys, "{}", 422, "`api`: missing"},
        {"POST", keys, R"({"api":"shop"})", 422, "`owner`: missing"},
        {"POST", keys, R"({"api":7,"owner":"acme"})", 422, "`api`: must be text"},
        {"POST", keys, R"({"api":"nope","owner":"acme"})", 422, "`api`: unknown `nope`"},
        {"POST", keys, R"({"api":"shop","owner":""})", 422, "`owner`"},
        {"POST", keys, R"({"api":"shop","owner":"a b"})", 422, "`owner`"},
        {"POST", keys, R"({"api":"shop","owner":"a\r\nX: y"})", 422, "`owner`"},
        {"POST", keys, R"({"api":"shop","owner":"nobody"})", 422, "`owner`: there is no such"},
        {"POST", keys, R"({"api":"shop","owner":"dan"})", 422, "`owner`: there is no such"},
        {"POST", keys, key(R"(,"nmae":"x")"), 422, "did you mean `name`"},
        {"POST", keys, key(R"(,"name":"a\nb")"), 422, "`name`"},
        {"POST", keys, key(",\"name\":\"" + std::string(201, 'n') + "\""), 422, "`name`"},
        {"POST", keys, key(R"(,"plan":"gold")"), 422, "`plan`: unknown `gold`; one of: free, pro"},
        {"POST", keys, key(R"(,"plan":["pro"])"), 422, "`plan`: must be text"},
        {"POST", keys, key(R"(,"scopes":"read")"), 422, "`scopes`: must be a list"},
        {"POST", keys, key(R"(,"scopes":[1])"), 422, "`scopes`: must be a list"},
        {"POST", keys, key(R"(,"scopes":["raed"])"), 422, "`scopes`: unknown `raed`"},
        {"POST", keys, key(R"(,"scopes":["read","read"])"), 422, "`scopes`: `read` stands"},
        {"POST", keys, key(R"(,"mode":"beta")"), 422, "`mode`"},
        {"POST", keys, key(R"(,"mode":"test")"), 422, "`mode`"},
        {"POST", keys, key(R"(,"expires_at":"tomorrow")"), 422, "`expires_at`: must be RFC 3339"},
        {"POST", keys, key(R"(,"expires_at":1800000000)"), 422, "`expires_at`: must be text"},
        {"POST", keys, key(R"(,"expires_at":"2026-03-11T00:00:00Z")"), 422, "future"},
        {"POST", keys, key(R"(,"force":"yes")"), 422, "`force`"},
        {"POST", keys, key(R"(,"addresses":[])"), 422, "`addresses`: must hold one or more"},
        {"POST", keys, key(R"(,"referrers":[])"), 422, "`referrers`: must hold one or more"},
        {"POST", keys, key(R"(,"endpoints":[])"), 422, "`endpoints`: must hold one or more"},
        {"POST", keys, key(R"(,"bind":{})"), 422, "`bind`: must hold one or more"},
        {"POST", keys, key(R"(,"bind":{"store":"7"})"), 422,
         "`bind`: no path of the API is bound to `store`; there are none"},
        {"POST", keys, key(R"(,"regenerate":1)"), 422, "`regenerate`: must be true or false"},
        {"POST", keys, key(R"(,"concurrency":3)"), 422, "`concurrency`: not available yet"},
        {"POST", keys, key(R"(,"limits":{})"), 422, "`limits`: not available yet"},
        {"POST", keys, key(R"(,"rate":"often")"), 422, "`rate`: found `often`; expected "},
        {"POST", keys, key(R"(,"rate":"")"), 422, "`rate`: must be text such as"},
        {"POST", keys, key(R"(,"rate":7)"), 422, "`rate`: must be text such as"},
        {"POST", keys, key(R"(,"rate":["1/1s",{"rate":"2/1m","brust":3}])"), 422, "`rate[1]"},
        {"POST", keys, key(R"(,"rate":["1/1s","2/1s"])"), 422, "`rate[1]`"},
        {"POST", keys, key(R"(,"quota":"5/day")"), 422, "`quota`: must be an object"},
        {"POST", keys, key(R"(,"quota":{"requests":"5"})"), 422,
         "`quota.requests`: found `5`; expected "},
        {"POST", keys, key(R"(,"quota":{"tests":"5/day"})"), 422,
         "`quota`: no route counts `tests`; one of: requests"},
        {"POST", keys, key(",\"rate\":\"" + std::string(5000, ' ') + "1/1s\""), 422, "4096 bytes"},
        {"POST", keys, key(R"(,"rate":"10/1s")"), 201, R"("rate":"10/1s","quota":null)"},
        {"POST", keys, key(R"(,"rate":null,"quota":{"requests":"5/day"})"), 201,
         R"("rate":null,"quota":{"requests":"5/day"})"},
        {"POST", import, brought("\"rate\":\"x\",\"digest\":\"" + digest_a + "\""), 422,
         "`keys[0].rate`: found `x`; expected "},
        {"POST", import, brought("\"addresses\":[],\"digest\":\"" + digest_a + "\""), 422,
         "`keys[0].addresses`: must hold one or more"},
        {"POST", import, brought("\"regenerate\":true,\"digest\":\"" + digest_a + "\""), 422,
         "`keys[0].regenerate`: not in an import"},
        {"POST", keys, key(R"(,"id":"key_1")"), 422, "`id`: only together with `digest`"},
        {"POST", keys, key(R"(,"status":"revoked")"), 422, "`status`: only together"},
        {"POST", keys, key(R"(,"digest":"abc")"), 422, "`digest`"},
        {"POST", keys, key(",\"digest\":\"sha256:" + std::string(64, 'A') + "\""), 422, "`digest`"},
        {"POST", keys, key(",\"id\":\"a/b\",\"digest\":\"" + digest_a + "\""), 422, "`id`"},
        {"POST", keys, key(",\"prefix\":\"a b\",\"digest\":\"" + digest_a + "\""), 422, "`prefix`"},
        {"POST", keys, key(",\"status\":\"expired\",\"digest\":\"" + digest_a + "\""), 422,
         "`status`"},
        // Plans that have no access, forced or not; owners without records.
        {"POST", keys, R"({"api":"shop","owner":"lapsed"})", 403, "plan_no_api"},
        {"POST", keys, R"({"api":"shop","owner":"lapsed"})", 403, "PLAN_LIMIT"},
        {"POST", keys, key(R"(,"plan":"free")"), 403, "plan_no_api"},
        {"POST", keys, R"({"api":"shop","owner":"lapsed","force":true})", 201, "\"key\":\"rp_"},
        {"POST", keys, R"({"api":"shop","owner":"lapsed","plan":"pro"})", 201, "\"key\":\"rp_"},
        {"POST", keys, key(""), 201, R"("scopes":["read","write"])"},
        {"POST", keys, key(R"(,"scopes":[],"plan":null,"expires_at":null)"), 201, R"("scopes":[])"},
        {"POST", keys, R"({"api":"deals","owner":"dan","mode":"test"})", 201, "\"key\":\"sk_test_"},
        {"POST", keys, R"({"api":"deals","owner":"dan"})", 201, R"("scopes":[])"},
        {"POST", keys, key(R"(,"expires_at":"2026-03-11T02:00:00+01:00")"), 201,
         R"("expires_at":"2026-03-11T01:00:00Z")"},
        {"POST", keys, key(",\"id\":\"old-1\",\"digest\":\"" + taken + "\""), 201, "\"old-1\""},
        {"POST", keys, key(",\"digest\":\"" + taken + "\""), 409, "CONFLICT"},
        {"POST", keys, key(",\"id\":\"old-1\",\"digest\":\"" + digest_b + "\""), 409, "old-1"},
        {"GET", keys + "/old-1", "", 200, "\"id\":\"old-1\""},
        {"POST", keys + "/old-1:revoke", "x", 400, "json_invalid"},
        {"POST", keys + "/old-1:revoke", R"({"reason":"x"})", 422, "`reason`"},
        {"POST", keys + "/old-1:revoke", "", 200, "\"status\":\"revoked\""},
        {"POST", keys + "/old-1:revoke", "{}", 200, "\"status\":\"revoked\""},
        {"POST", keys + "/key_nope:revoke", "", 404, "no key"},
        // Imports.
        {"POST", import, "{}", 422, "`keys`"},
        {"POST", import, R"({"keys":[]})", 422, "`keys`"},
        {"POST", import, R"({"keys":{}})", 422, "`keys`"},
        {"POST", import, R"({"keys":[1]})", 422, "`keys[0]`"},
        {"POST", import, R"({"rows":[]})", 422, "`rows`"},
        {"POST", import + "?dry_run=1", R"({"keys":[]})", 400, "`dry_run`"},
        {"POST", import, brought(R"("name":"x")"), 422, "`keys[0].digest`: missing"},
        {"POST", import, brought("\"digest\":\"" + digest_a + "\",\"x\":1"), 422, "`keys[0].x`"},
        {"POST", import, brought("\"digest\":\"" + taken + "\""), 409, "`keys[0].digest`"},
        {"POST", import, brought("\"id\":\"old-1\",\"digest\":\"" + digest_a + "\""), 409,
         "`keys[0].id`"},
        {"POST", import, R"({"keys":[{"api":"shop","owner":"bob","digest":")" + digest_a + "\"}]}",
         422, "`keys[0].plan`: missing"},
        {"POST", import, brought("\"digest\":\"" + digest_a + "\""), 200, R"("imported":1)"},
        {"POST", import, brought("\"digest\":\"" + digest_a + "\""), 409, "`keys[0].digest`"},
        // Owners.
        {"PUT", owners + "/new", "{}", 422, "`api`: missing"},
        {"PUT", owners + "/new", R"({"api":"nope"})", 422, "`api`: unknown"},
        {"PUT", owners + "/new", R"({"api":"shop","plan":"prp"})", 422, "did you mean `pro`"},
        {"PUT", owners + "/new", R"({"api":"shop","status":"gone"})", 422, "`status`"},
        {"PUT", owners + "/new", R"({"api":"shop","quota":1})", 422, "`quota`: not available yet"},
        {"PUT", owners + "/new", R"({"api":"shop","attributes":[]})", 422, "`attributes`"},
        {"PUT", owners + "/new?api=shop", R"({"api":"shop"})", 400, "`api`"},
        {"PUT", owners + "/a%20b", R"({"api":"shop"})", 422, "`id`"},
        {"PUT", owners + "/a%zz", R"({"api":"shop"})", 400, "target"},
        {"PUT", owners + "/" + std::string(129, 'x'), R"({"api":"shop"})", 422, "`id`"},
        {"PUT", owners + "/a%2Fb", R"({"api":"shop","plan":"pro"})", 201, "\"id\":\"a/b\""},
        {"GET", owners + "/a%2Fb?api=shop", "", 200, "\"id\":\"a/b\""},
        {"PUT", owners + "/acme", R"({"api":"shop"})", 422, "`plan`: cannot be taken away"},
        {"PUT", owners + "/acme", R"({"api":"shop","plan":"pro","attributes":{"domains":3}})", 200,
         R"("attributes":{"domains":3})"},
        {"PUT", owners + "/dan", R"({"api":"deals","status":"suspended"})", 200, "suspended"},
    };
}

void run_rows(Client client) {
    for (const auto& row : rows()) {
        BOOST_TEST_CONTEXT(row.method << ' ' << row.target << ' ' << row.body) {
            // `%zz` is refused before the API sees it, and the connection ends.
            if (row.target.find("%zz") != std::string::npos) continue;
            const auto response = client.call(row.method, row.target, row.body);
            BOOST_TEST_REQUIRE(response.has_value());
            BOOST_TEST(response->status == row.status, response->body);
            BOOST_TEST(response->body.find(row.says) != std::string::npos, response->body);
            BOOST_TEST(header(*response, "Cache-Control") == "no-store");
            const auto id = header(*response, "X-Request-Id");
            BOOST_TEST(id.size() == 32u);
            if (row.status >= 400)
                BOOST_TEST(json::parse(response->body).at("error").at("request_id").as_string() ==
                           json::string_view(id));
        }
    }
}

BOOST_FIXTURE_TEST_SUITE(admin_api, Populated)

BOOST_AUTO_TEST_CASE(every_call_is_answered_as_the_table_says_over_a_unix_socket) {
    const Folder folder;
    Running running(guarded(handler()));
    BOOST_TEST_REQUIRE(running.on_socket(folder.file("a.sock")).has_value());
    auto client = Client::connect_local(folder.file("a.sock"), 10s);
    BOOST_TEST_REQUIRE(client.has_value());
    run_rows(std::move(*client));
    BOOST_TEST(rows().size() > 100u);
}

BOOST_AUTO_TEST_CASE(every_call_is_answered_as_the_table_says_over_tcp) {
    const std::string token = "a-token-for-the-tests";
    Running running(guarded(handler(), token));
    running.on_tcp();
    auto client = Client::connect(running.address(), Secret{std::string{token}}, 10s);
    BOOST_TEST_REQUIRE(client.has_value());
    run_rows(std::move(*client));
    auto stranger = Client::connect(running.address(), Secret{"another-token-of-mine"}, 10s);
    const auto refused = stranger->call("GET", "/admin/v1/keys", "");
    BOOST_TEST(refused->status == 401u);
    BOOST_TEST(header(*refused, "WWW-Authenticate") == "Bearer realm=\"keygate admin\"");
}

BOOST_AUTO_TEST_CASE(a_new_key_is_shown_once_and_counts_at_once) {
    const auto response =
        call("POST", "/admin/v1/keys", R"({"api":"shop","owner":"acme","name":"ci"})");
    BOOST_TEST_REQUIRE(response.status == 201u);
    const auto made = json::parse(response.body).as_object();
    const auto key = text(made, "key");
    BOOST_TEST(key.size() == 67u);
    BOOST_TEST(text(made, "prefix") == key.substr(0, 7));
    BOOST_TEST(text(made, "hint") == key.substr(63));
    BOOST_TEST(text(made, "created_at") == "2026-03-11T00:00:00Z");
    BOOST_TEST(made.at("last_used_at").is_null());
    const auto location = header(response, "Location");
    BOOST_TEST(location == "/admin/v1/keys/" + text(made, "id"));

    const auto entry = table.find(keys::digest_of(key));
    BOOST_TEST_REQUIRE(entry);
    BOOST_TEST(entry->id == text(made, "id"));
    BOOST_TEST(entry->readable);
    BOOST_TEST(stored().back().owner_record_required);

    for (const auto& later : {call("GET", location), call("GET", "/admin/v1/keys"),
                              call("POST", location + ":revoke"), call("GET", location)}) {
        BOOST_TEST(later.status == 200u);
        BOOST_TEST(later.body.find(key) == std::string::npos);
        BOOST_TEST(later.body.find("\"key\"") == std::string::npos);
        BOOST_TEST(later.body.find(keys::to_hex(keys::digest_of(key))) == std::string::npos);
    }
    BOOST_TEST((table.find(keys::digest_of(key))->status == keys::KeyStatus::revoked));
}

BOOST_AUTO_TEST_CASE(an_owner_is_created_then_replaced_and_its_keys_follow) {
    const auto created = call("PUT", "/admin/v1/owners/z", R"({"api":"shop","plan":"pro"})");
    BOOST_TEST(created.status == 201u);
    BOOST_TEST(header(created, "Location") == "/admin/v1/owners/z?api=shop");
    const auto key = text(create(R"({"api":"shop","owner":"z"})"), "key");
    BOOST_TEST((table.find(keys::digest_of(key))->owner_status == keys::OwnerStatus::active));
    const auto changed = call("PUT", "/admin/v1/owners/z",
                              R"({"api":"shop","plan":"pro","status":"suspended","name":"Z"})");
    BOOST_TEST(changed.status == 200u);
    BOOST_TEST((table.find(keys::digest_of(key))->owner_status == keys::OwnerStatus::suspended));
    const auto shown = get("/admin/v1/owners/z?api=shop");
    BOOST_TEST(text(shown, "object") == "owner");
    BOOST_TEST(text(shown, "name") == "Z");
    BOOST_TEST(text(shown, "status") == "suspended");
}

BOOST_AUTO_TEST_CASE(a_list_of_keys_is_read_page_by_page) {
    std::vector<std::string> made;
    for (int i = 0; i < 45; ++i)
        made.push_back(text(create(R"({"api":"shop","owner":"acme"})"), "id"));
    BOOST_TEST(get("/admin/v1/keys").at("data").as_array().size() == 20u);
    std::vector<std::string> seen;
    std::string cursor;
    int pages = 0;
    do {
        const auto page = get("/admin/v1/keys?api=shop&owner=acme&limit=15" +
                              (cursor.empty() ? "" : "&cursor=" + cursor));
        for (auto& id : ids(page))
            seen.push_back(std::move(id));
        const bool has_more = page.at("has_more").as_bool();
        cursor = has_more ? text(page, "next_cursor") : "";
        BOOST_TEST(page.at("next_cursor").is_null() == !has_more);
        ++pages;
    } while (!cursor.empty());
    BOOST_TEST(pages == 3);
    BOOST_TEST(seen == made, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(expired_is_a_status_of_lists_and_not_of_the_store) {
    const auto brief =
        text(create(R"({"api":"shop","owner":"acme","expires_at":"2026-03-12T00:00:00Z"})"), "id");
    const auto lasting = text(create(R"({"api":"shop","owner":"acme"})"), "id");
    const auto ended =
        text(create(R"({"api":"shop","owner":"acme","expires_at":"2026-03-12T00:00:00Z"})"), "id");
    BOOST_TEST(call("POST", "/admin/v1/keys/" + ended + ":revoke").status == 200u);
    clock.wall += std::chrono::hours{24};
    const std::vector<std::string> none;
    BOOST_TEST(ids(get("/admin/v1/keys?status=expired")) == std::vector{brief},
               boost::test_tools::per_element());
    BOOST_TEST(ids(get("/admin/v1/keys?status=active")) == std::vector{lasting},
               boost::test_tools::per_element());
    BOOST_TEST(ids(get("/admin/v1/keys?status=revoked")) == std::vector{ended},
               boost::test_tools::per_element());
    BOOST_TEST(ids(get("/admin/v1/keys?status=disabled")) == none,
               boost::test_tools::per_element());
    BOOST_TEST(text(get("/admin/v1/keys/" + brief), "status") == "expired");
    BOOST_TEST(text(get("/admin/v1/keys/" + ended), "status") == "revoked");
}

BOOST_AUTO_TEST_CASE(a_list_of_owners_goes_through_all_apis) {
    std::vector<std::string> seen;
    std::string cursor;
    do {
        const auto page = get("/admin/v1/owners?limit=1" +
                              (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor)));
        for (auto& id : ids(page))
            seen.push_back(std::move(id));
        cursor = page.at("has_more").as_bool() ? text(page, "next_cursor") : "";
    } while (!cursor.empty());
    const std::vector<std::string> all{"dan", "acme", "lapsed"};
    BOOST_TEST(seen == all, boost::test_tools::per_element());
    BOOST_TEST(ids(get("/admin/v1/owners?api=deals")) == std::vector<std::string>{"dan"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_import_is_all_or_nothing_and_a_dry_run_is_nothing) {
    const auto row = [](char digit, const std::string& more, const std::string& plan = "pro") {
        return R"({"api":"shop","owner":"bob","plan":")" + plan + R"(","digest":"sha256:)" +
               std::string(64, digit) + "\"" + more + "}";
    };
    const auto body = [](const std::vector<std::string>& list) {
        std::string out;
        for (const auto& one : list)
            out += (out.empty() ? "" : ",") + one;
        return "{\"keys\":[" + out + "]}";
    };
    const auto bad = body(
        {row('1', ""), row('2', R"(,"mode":"x")"), row('3', ""), row('1', ""), row('4', "", "y")});
    const auto refused = call("POST", "/admin/v1/keys:import", bad);
    BOOST_TEST(refused.status == 422u);
    BOOST_TEST(refused.body.find("`keys[1].mode`") != std::string::npos);
    BOOST_TEST(refused.body.find("2 more rows") != std::string::npos);
    BOOST_TEST(stored().empty());

    const auto dry = call("POST", "/admin/v1/keys:import?dry_run=true", bad);
    BOOST_TEST(dry.status == 200u);
    const auto mistakes = json::parse(dry.body).at("mistakes").as_array();
    BOOST_TEST_REQUIRE(mistakes.size() == 3u);
    BOOST_TEST(mistakes[0].at("row").as_int64() == 1);
    BOOST_TEST(mistakes[1].at("row").as_int64() == 3);
    BOOST_TEST(mistakes[2].at("row").as_int64() == 4);

    const auto good = body({row('1', R"(,"status":"revoked","created_at":"2020-01-01T00:00:00Z")"),
                            row('2', R"(,"expires_at":"2021-01-01T00:00:00Z","scopes":[])"),
                            row('3', R"(,"prefix":"rp_12","hint":"ab")", "free")});
    BOOST_TEST(json::parse(call("POST", "/admin/v1/keys:import?dry_run=true", good).body)
                   .at("mistakes")
                   .as_array()
                   .empty());
    BOOST_TEST(stored().empty());
    BOOST_TEST(call("POST", "/admin/v1/keys:import", good).status == 200u);
    BOOST_TEST_REQUIRE(stored().size() == 3u);
    BOOST_TEST(table.size() == 3u);
    BOOST_TEST(!stored().front().owner_record_required);
    const auto list = get("/admin/v1/keys");
    BOOST_TEST(text(list.at("data").as_array()[0].as_object(), "created_at") ==
               "2020-01-01T00:00:00Z");
    BOOST_TEST(text(list.at("data").as_array()[1].as_object(), "status") == "expired");
    BOOST_TEST(text(list.at("data").as_array()[2].as_object(), "hint") == "ab");
}

BOOST_AUTO_TEST_CASE(more_than_a_thousand_rows_are_too_many) {
    std::string body = "{\"keys\":[";
    for (int i = 0; i < 1001; ++i)
        body += "{},";
    body.back() = ']';
    BOOST_TEST(call("POST", "/admin/v1/keys:import", body + "}").status == 422u);
}

BOOST_AUTO_TEST_CASE(a_call_that_is_cut_while_the_store_works_is_ended_by_the_store) {
    std::promise<void> called;
    std::promise<void> gate;
    const auto opened = gate.get_future().share();
    {
        Running running(guarded([&](Request request) {
            called.set_value();
            return api.handle(std::move(request));
        }));
        const Folder folder;
        BOOST_TEST_REQUIRE(running.on_socket(folder.file("a.sock")).has_value());
        store.submit([opened](keys::KeyStore&, keys::LiveKeys&) { opened.wait(); });
        auto client = Client::connect_local(folder.file("a.sock"), 10s);
        BOOST_TEST_REQUIRE(client.has_value());
        std::thread asker([&] {
            const auto body = R"({"api":"shop","owner":"acme"})";
            BOOST_TEST(client->call("POST", "/admin/v1/keys", body).has_error());
        });
        called.get_future().wait();
        running.cancel();
        gate.set_value();
        asker.join();
    }
    BOOST_TEST(table.size() == 1u); // what was begun was done, and nothing is left behind
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_503_and_changes_nothing) {
    create(R"({"api":"shop","owner":"acme","name":"before"})");
    fault = Fault{boost::system::errc::make_error_code(boost::system::errc::no_space_on_device),
                  "write"};
    const auto row = R"({"keys":[{"api":"shop","owner":"acme","digest":")" + digest_a + "\"}]}";
    const std::pair<std::pair<std::string, std::string>, std::string> calls[] = {
        {{"GET", "/admin/v1/keys"}, ""},
        {{"GET", "/admin/v1/keys/key_1"}, ""},
        {{"POST", "/admin/v1/keys/key_1:revoke"}, ""},
        {{"POST", "/admin/v1/keys"}, R"({"api":"shop","owner":"acme"})"},
        {{"POST", "/admin/v1/keys:import"}, row},
        {{"POST", "/admin/v1/keys:import?dry_run=true"}, row},
        {{"GET", "/admin/v1/owners"}, ""},
        {{"GET", "/admin/v1/owners/acme?api=shop"}, ""},
        {{"PUT", "/admin/v1/owners/acme"}, R"({"api":"shop","plan":"pro"})"},
    };
    for (const auto& [what, body] : calls) {
        BOOST_TEST_CONTEXT(what.first << ' ' << what.second) {
            const auto response = call(what.first, what.second, body);
            BOOST_TEST(response.status == 503u);
            BOOST_TEST(response.body.find("\"UNAVAILABLE\"") != std::string::npos);
            BOOST_TEST(header(response, "Retry-After") == "1");
        }
    }
    BOOST_TEST(table.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
