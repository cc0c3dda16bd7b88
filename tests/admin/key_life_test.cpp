#include "keys/used_keys.hpp"
#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>

namespace json = boost::json;
namespace bdata = boost::unit_test::data;

namespace keygate::admin {
namespace {

using test::World;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
        if (key == name) return value;
    return {};
}

/// An owner on a plan with access, and ways to say things shortly.
struct Life : World {
    Life() { BOOST_TEST_REQUIRE(put("acme", R"({"api":"shop","plan":"pro"})").status == 201U); }

    Response ask(const std::string& method, const std::string& target, const std::string& body = {},
                 const Headers& headers = {}) {
        Request request;
        request.transport = Transport::local;
        request.method = method;
        request.body = body;
        request.role = Role::admin;
        request.actor = "local";
        for (const auto& [name, value] : headers) {
            if (name == "If-Match") request.if_match.push_back(value);
            if (name == "If-None-Match") request.if_none_match.push_back(value);
            if (name == "Idempotency-Key") request.idempotency_keys.push_back(value);
        }
        BOOST_TEST_REQUIRE(read_target("/admin/v1" + target, request));
        return call(std::move(request));
    }

    Response put(const std::string& owner, const std::string& body, const Headers& headers = {}) {
        return ask("PUT", "/owners/" + owner, body, headers);
    }

    json::object create(const std::string& more = {}) {
        const auto made = ask("POST", "/keys", R"({"api":"shop","owner":"acme")" + more + "}");
        BOOST_TEST_REQUIRE(made.status == 201U, made.body);
        return json::parse(made.body).as_object();
    }

    json::object get(const std::string& id) {
        return json::parse(ask("GET", "/keys/" + id).body).as_object();
    }

    [[nodiscard]] keys::EntryRef entry_of(const json::object& made) const {
        return table.find(peppers.digest_of_new(std::string{made.at("key").as_string()}));
    }
};

std::string text(const json::object& from, std::string_view name) {
    const auto& value = from.at({name.data(), name.size()});
    return value.is_string() ? std::string{value.as_string()} : json::serialize(value);
}

std::string reason_of(const Response& response) {
    return std::string{json::parse(response.body).at("error").at("reason").as_string()};
}

BOOST_FIXTURE_TEST_SUITE(admin_key_life, Life)

BOOST_AUTO_TEST_CASE(a_patch_changes_what_it_mentions_and_null_takes_away) {
    const std::string id =
        text(create(R"(,"name":"a","scopes":["read"],"metadata":{"x":1})"), "id");
    const auto patch = [&](const std::string& body) {
        const auto patched = ask("PATCH", "/keys/" + id, body);
        BOOST_TEST(patched.status == 200U, patched.body);
        BOOST_TEST(header(patched, "ETag") == header(ask("GET", "/keys/" + id), "ETag"));
        return json::parse(patched.body).as_object();
    };
    auto key = patch(R"({"name":"Zoë's \"dashboard\""})");
    BOOST_TEST(text(key, "name") == "Zoë's \"dashboard\"");
    BOOST_TEST(text(key, "scopes") == R"(["read"])");
    key = patch(R"({"scopes":["write"],"plan":"free","expires_at":"2027-01-01T00:00:00Z"})");
    BOOST_TEST(text(key, "name") == "Zoë's \"dashboard\"");
    BOOST_TEST(text(key, "plan") == "free");
    BOOST_TEST(text(key, "expires_at") == "2027-01-01T00:00:00Z");
    key = patch(R"({"scopes":null,"plan":null,"expires_at":null,"metadata":null,"name":null})");
    BOOST_TEST(text(key, "scopes") == R"(["read","write"])");
    for (const char* member : {"plan", "expires_at"})
        BOOST_TEST(key.at(member).is_null(), member);
    BOOST_TEST(text(key, "metadata") == "{}");
    BOOST_TEST(text(key, "name").empty());
    const std::string before = header(ask("GET", "/keys/" + id), "ETag");
    patch("{}");
    BOOST_TEST(header(ask("GET", "/keys/" + id), "ETag") == before);
}

BOOST_AUTO_TEST_CASE(a_key_may_have_limits_of_its_own) {
    const auto made = create(R"(,"rate":["10/1s",{"rate":"100/1m","burst":20}],)"
                             R"("quota":{"requests":{"limit":"1000/month","name":"calls"}})");
    const std::string id = text(made, "id");
    BOOST_TEST(text(made, "rate") == R"(["10/1s",{"rate":"100/1m","burst":20}])");
    BOOST_TEST(json::serialize(get(id).at("quota")) ==
               R"({"requests":{"limit":"1000/month","name":"calls"}})");
    const auto limits = entry_of(made)->limits;
    BOOST_TEST_REQUIRE(limits);
    BOOST_TEST_REQUIRE(limits->rates.has_value());
    BOOST_TEST(limits->rates->size() == 2U);
    BOOST_TEST_REQUIRE(limits->quotas.size() == 1U);
    BOOST_TEST(limits->quotas[0].name == "calls");

    const std::string before = header(ask("GET", "/keys/" + id), "ETag");
    const auto patched = ask("PATCH", "/keys/" + id, R"({"rate":"7/1s"})");
    BOOST_TEST(patched.status == 200U, patched.body);
    BOOST_TEST(header(patched, "ETag") != before);
    BOOST_TEST(get(id).at("rate") == "7/1s");
    BOOST_TEST(!get(id).at("quota").is_null());
    // Both are read together: two limits of one name are none.
    const auto twice = ask("PATCH", "/keys/" + id, R"({"rate":{"rate":"7/1s","name":"calls"}})");
    BOOST_TEST(twice.status == 422U, twice.body);
    // The key that takes its place has the same.
    const auto fresh = json::parse(ask("POST", "/keys/" + id + ":rotate").body).as_object();
    BOOST_TEST(text(fresh, "rate") == "7/1s");
    BOOST_TEST(entry_of(fresh)->limits->quotas.size() == 1U);
    const std::string next = text(fresh, "id");
    BOOST_TEST(ask("PATCH", "/keys/" + next, R"({"rate":null,"quota":null})").status == 200U);
    BOOST_TEST(get(next).at("rate").is_null());
    BOOST_TEST(get(next).at("quota").is_null());
    BOOST_TEST(entry_of(fresh)->limits == nullptr);
}

BOOST_DATA_TEST_CASE_F(Life, a_patch_that_is_wrong_changes_nothing,
                       bdata::make({R"({"scopes":["fly"]})", R"({"plan":"gold"})",
                                    R"({"expires_at":"2020-01-01T00:00:00Z"})", R"({"owner":"b"})",
                                    R"({"status":"active"})", R"({"name":7})", R"({"metadata":[]})",
                                    R"({"name":"x","rate":"often"})", R"({"quota":[]})",
                                    R"({"name":"a\nb"})"}),
                       body) {
    const std::string id = text(create(), "id");
    const std::string before = header(ask("GET", "/keys/" + id), "ETag");
    const auto refused = ask("PATCH", "/keys/" + id, body);
    BOOST_TEST(refused.status == 422U, refused.body);
    BOOST_TEST(header(ask("GET", "/keys/" + id), "ETag") == before);
}

BOOST_AUTO_TEST_CASE(a_key_is_not_left_without_a_plan) {
    BOOST_TEST(put("bob", R"({"api":"shop"})").status == 201U);
    const auto made = ask("POST", "/keys", R"({"api":"shop","owner":"bob","plan":"pro"})");
    const std::string id = text(json::parse(made.body).as_object(), "id");
    BOOST_TEST(ask("PATCH", "/keys/" + id, R"({"plan":null})").status == 422U);
    BOOST_TEST(ask("PATCH", "/keys/" + id, R"({"name":"x"})").status == 200U);
}

BOOST_AUTO_TEST_CASE(revoked_is_final_and_the_rest_goes_to_and_fro) {
    const auto made = create();
    const std::string id = text(made, "id");
    const auto act = [&](const std::string& action) {
        const auto done = ask("POST", "/keys/" + id + ":" + action);
        return std::to_string(done.status) + " " +
               (done.status == 200U ? text(json::parse(done.body).as_object(), "status")
                                    : reason_of(done));
    };
    const auto status = [&] { return entry_of(made)->status; };
    BOOST_TEST(act("enable") == "200 active");
    BOOST_TEST(act("disable") == "200 disabled");
    BOOST_TEST((status() == keys::KeyStatus::disabled));
    BOOST_TEST(act("disable") == "200 disabled");
    BOOST_TEST(act("rotate") == "409 key_disabled");
    BOOST_TEST(act("enable") == "200 active");
    BOOST_TEST((status() == keys::KeyStatus::active));
    BOOST_TEST(act("revoke") == "200 revoked");
    BOOST_TEST((status() == keys::KeyStatus::revoked));
    BOOST_TEST(act("revoke") == "200 revoked");
    for (const char* action : {"enable", "disable", "rotate"})
        BOOST_TEST(act(action) == "409 key_revoked");
    BOOST_TEST(reason_of(ask("PATCH", "/keys/" + id, R"({"name":"x"})")) == "key_revoked");
    BOOST_TEST((status() == keys::KeyStatus::revoked));
    BOOST_TEST(ask("DELETE", "/keys/" + id).status == 204U);
    BOOST_TEST(!entry_of(made));
}

BOOST_AUTO_TEST_CASE(without_grace_the_old_key_is_revoked_when_the_new_one_works) {
    const auto old = create(R"(,"name":"a","scopes":["read"],"metadata":{"x":1})");
    const auto answer = ask("POST", "/keys/" + text(old, "id") + ":rotate");
    BOOST_TEST(answer.status == 201U);
    const auto fresh = json::parse(answer.body).as_object();
    BOOST_TEST(header(answer, "Location") == "/admin/v1/keys/" + text(fresh, "id"));
    BOOST_TEST(text(fresh, "rotated_from") == text(old, "id"));
    BOOST_TEST(text(fresh, "key") != text(old, "key"));
    for (const char* same : {"name", "scopes", "metadata", "owner", "plan", "mode", "expires_at"})
        BOOST_TEST(text(fresh, same) == text(old, same), same);
    BOOST_TEST((entry_of(old)->status == keys::KeyStatus::revoked));
    BOOST_TEST((entry_of(fresh)->status == keys::KeyStatus::active));
    BOOST_TEST(text(get(text(old, "id")), "rotated_to") == text(fresh, "id"));
    BOOST_TEST(!get(text(fresh, "id")).contains("key"));
}

BOOST_AUTO_TEST_CASE(with_grace_both_work_until_its_end_which_is_fixed) {
    const auto old = create();
    const std::string id = text(old, "id");
    const auto answer =
        ask("POST", "/keys/" + id + ":rotate",
            R"({"grace_seconds":3600,"name":"new","expires_at":"2027-01-01T00:00:00Z"})");
    BOOST_TEST(answer.status == 201U, answer.body);
    const auto fresh = json::parse(answer.body).as_object();
    BOOST_TEST(text(fresh, "expires_at") == "2027-01-01T00:00:00Z");
    BOOST_TEST(text(fresh, "name") == "new");
    const auto now = get(id);
    BOOST_TEST(text(now, "status") == "active");
    BOOST_TEST(text(now, "expires_at") == "2026-03-11T01:00:00Z"); // the clock stands at midnight
    BOOST_TEST(reason_of(ask("POST", "/keys/" + id + ":rotate")) == "key_rotated");
    BOOST_TEST(ask("PATCH", "/keys/" + id, R"({"expires_at":null})").status == 422U);
    BOOST_TEST(ask("PATCH", "/keys/" + id, R"({"name":"old"})").status == 200U);
    for (const char* body :
         {R"({"grace_seconds":-1})", R"({"grace_seconds":1.5})", R"({"grace_seconds":"60"})",
          R"({"grace_seconds":99999999})", R"({"grace":1})"})
        BOOST_TEST(ask("POST", "/keys/" + text(fresh, "id") + ":rotate", body).status == 422U,
                   body);
    // The key's own end comes first where it is earlier.
    const auto ending = create(R"(,"expires_at":"2026-03-11T00:10:00Z")");
    BOOST_TEST(ask("POST", "/keys/" + text(ending, "id") + ":rotate", R"({"grace_seconds":3600})")
                   .status == 201U);
    BOOST_TEST(text(get(text(ending, "id")), "expires_at") == "2026-03-11T00:10:00Z");
}

BOOST_AUTO_TEST_CASE(what_was_deleted_was_never_there) {
    const auto made = create();
    const std::string id = text(made, "id");
    const auto gone = ask("DELETE", "/keys/" + id);
    BOOST_TEST(gone.status == 204U);
    BOOST_TEST(gone.body.empty());
    BOOST_TEST(!entry_of(made));
    BOOST_TEST(stored().empty());
    for (const char* method : {"GET", "DELETE", "PATCH"})
        BOOST_TEST(ask(method, "/keys/" + id, std::string{method} == "PATCH" ? "{}" : "").status ==
                   404U);
}

BOOST_AUTO_TEST_CASE(an_owner_goes_after_its_keys) {
    const std::string id = text(create(), "id");
    BOOST_TEST(reason_of(ask("DELETE", "/owners/acme?api=shop")) == "owner_has_keys");
    BOOST_TEST(ask("DELETE", "/owners/acme").status == 400U); // of which API?
    BOOST_TEST(ask("DELETE", "/keys/" + id).status == 204U);
    BOOST_TEST(ask("DELETE", "/owners/acme?api=shop", {}, {{"If-Match", "\"0\""}}).status == 412U);
    BOOST_TEST(ask("DELETE", "/owners/acme?api=shop").status == 204U);
    BOOST_TEST(ask("DELETE", "/owners/acme?api=shop").status == 404U);
    BOOST_TEST(ask("GET", "/owners/acme?api=shop").status == 404U);
}

// Calls that meet others.

BOOST_AUTO_TEST_CASE(a_record_that_changed_meanwhile_is_not_overwritten) {
    const std::string target = "/keys/" + text(create(), "id");
    const std::string read = header(ask("GET", target), "ETag");
    BOOST_TEST(read.size() == 34U);
    const auto patch = [&](const std::string& name, const Headers& headers) {
        return ask("PATCH", target, R"({"name":")" + name + "\"}", headers).status;
    };
    BOOST_TEST(patch("one", {{"If-Match", read}}) == 200U);
    BOOST_TEST(patch("two", {{"If-Match", read}}) == 412U);
    BOOST_TEST(patch("two", {{"If-Match", "W/" + header(ask("GET", target), "ETag")}}) == 412U);
    BOOST_TEST(patch("two", {{"If-Match", ""}}) == 412U);
    BOOST_TEST(patch("two", {{"If-Match", "\"x\", " + header(ask("GET", target), "ETag")}}) ==
               200U);
    BOOST_TEST(patch("three", {{"If-Match", "*"}}) == 200U);
    for (const char* action : {":disable", ":revoke", ":rotate"})
        BOOST_TEST(ask("POST", target + action, {}, {{"If-Match", read}}).status == 412U);
    BOOST_TEST(ask("DELETE", target, {}, {{"If-Match", read}}).status == 412U);
    BOOST_TEST(ask("DELETE", "/keys/key_9", {}, {{"If-Match", "*"}}).status == 404U);

    const Headers only_new{{"If-None-Match", "*"}};
    BOOST_TEST(put("acme", R"({"api":"shop","plan":"free"})", only_new).status == 412U);
    BOOST_TEST(put("bob", R"({"api":"shop","plan":"free"})", only_new).status == 201U);
    BOOST_TEST(put("carl", R"({"api":"shop"})", {{"If-Match", "*"}}).status == 412U);
    const std::string owner = header(ask("GET", "/owners/acme?api=shop"), "ETag");
    BOOST_TEST(
        put("acme", R"({"api":"shop","plan":"pro","name":"A"})", {{"If-Match", owner}}).status ==
        200U);
    BOOST_TEST(put("acme", R"({"api":"shop","plan":"pro"})", {{"If-Match", owner}}).status == 412U);
}

BOOST_AUTO_TEST_CASE(a_call_with_a_name_is_done_once_and_answered_again_without_the_key) {
    const std::string body = R"({"api":"shop","owner":"acme"})";
    const Headers name{{"Idempotency-Key", "order-7"}};
    const auto first = ask("POST", "/keys", body, name);
    const auto again = ask("POST", "/keys", body, name);
    BOOST_TEST(first.status == 201U);
    BOOST_TEST(again.status == 201U);
    BOOST_TEST(stored().size() == 1U);
    auto made = json::parse(first.body).as_object();
    made.erase("key");
    BOOST_TEST((json::parse(again.body).as_object() == made));
    BOOST_TEST(header(again, "Location") == header(first, "Location"));
    BOOST_TEST(header(again, "Idempotent-Replayed") == "true");
    BOOST_TEST(header(first, "Idempotent-Replayed").empty());

    const auto other = ask("POST", "/keys", R"({"api":"shop","owner":"acme","name":"x"})", name);
    BOOST_TEST(other.status == 422U);
    BOOST_TEST(reason_of(other) == "idempotency_key_reused");
    const std::string id = text(made, "id");
    BOOST_TEST(ask("POST", "/keys/" + id + ":rotate", {}, name).status == 422U);

    const Headers rotation{{"Idempotency-Key", "rotate-1"}};
    const auto rotated = ask("POST", "/keys/" + id + ":rotate", {}, rotation);
    const auto repeated = ask("POST", "/keys/" + id + ":rotate", {}, rotation);
    BOOST_TEST(repeated.status == 201U);
    BOOST_TEST(!json::parse(repeated.body).as_object().contains("key"));
    BOOST_TEST(stored().size() == 2U);

    // What was refused was not done: it may be tried again under its name.
    const Headers later{{"Idempotency-Key", "later"}};
    const std::string early = R"({"api":"shop","owner":"dora","plan":"pro"})";
    BOOST_TEST(ask("POST", "/keys", early, later).status == 422U);
    BOOST_TEST(put("dora", R"({"api":"shop","plan":"pro"})").status == 201U);
    BOOST_TEST(ask("POST", "/keys", early, later).status == 201U);

    for (const Headers& bad :
         {Headers{{"Idempotency-Key", ""}}, Headers{{"Idempotency-Key", "a b"}},
          Headers{{"Idempotency-Key", std::string(256, 'x')}},
          Headers{{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}}})
        BOOST_TEST(ask("POST", "/keys", body, bad).status == 400U);
    BOOST_TEST(stored().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_dry_run_says_what_would_be_and_changes_nothing) {
    const std::string id = text(create(), "id");
    const auto before = stored();
    const std::tuple<const char*, std::string, const char*, unsigned> calls[] = {
        {"POST", "/keys", R"({"api":"shop","owner":"acme"})", 201U},
        {"POST", "/keys", R"({"api":"shop","owner":"nobody"})", 422U},
        {"PATCH", "/keys/" + id, R"({"name":"x"})", 200U},
        {"POST", "/keys/" + id + ":rotate", "", 201U},
        {"POST", "/keys/" + id + ":revoke", "", 200U},
        {"DELETE", "/keys/" + id, "", 204U},
        {"PUT", "/owners/new", R"({"api":"shop"})", 201U},
        {"DELETE", "/owners/acme?api=shop", "", 409U},
    };
    for (const auto& [method, target, body, status] : calls) {
        const std::string mark = target.find('?') == std::string::npos ? "?" : "&";
        const auto answer = ask(method, target + mark + "dry_run=true", body);
        BOOST_TEST(answer.status == status, target << ' ' << answer.body);
        if (status < 300U) BOOST_TEST(header(answer, "Dry-Run") == "true");
        BOOST_TEST(answer.body.find("\"key\":\"rp_") == std::string::npos);
    }
    BOOST_TEST((stored() == before));
    BOOST_TEST(ask("GET", "/owners/new?api=shop").status == 404U);
    BOOST_TEST(ask("POST", "/keys?dry_run=yes", R"({"api":"shop","owner":"acme"})").status == 400U);
}

// What is shown.

BOOST_AUTO_TEST_CASE(a_damaged_record_is_shown_deleted_and_nothing_else) {
    const auto made = create();
    const std::string id = text(made, "id");
    on_store([&](keys::KeyStore& records, keys::Table& entries) {
        keys::Change change;
        change.update.push_back(records.find(id).value().record);
        change.update.back().metadata = "no object";
        records.commit(change).value();
        change.update.back().readable = false;
        entries.put(change.update.back());
        return 0;
    });
    BOOST_TEST(get(id).at("metadata").is_null());
    BOOST_TEST(ask("DELETE", "/keys/" + id).status == 204U);
}

BOOST_AUTO_TEST_CASE(usage_is_shown_at_once_and_stays_with_the_owner) {
    const auto made = create();
    const std::string id = text(made, "id");
    const auto usage = [&](const std::string& of) {
        const auto answer = ask("GET", "/usage?" + of);
        BOOST_TEST_REQUIRE(answer.status == 200U, answer.body);
        return json::parse(answer.body).as_object();
    };
    BOOST_TEST(get(id).at("last_used_at").is_null());
    BOOST_TEST(json::serialize(usage("key=" + id).at("counters")) ==
               R"({"requests":{"total":0,"month":0}})");

    keys::UsedKeys used;
    for (int i = 0; i < 3; ++i)
        used.count(entry_of(made), catalog, clock.wall);
    BOOST_TEST(text(get(id), "last_used_at") == "2026-03-11T00:00:00Z");
    const std::string three = R"({"requests":{"total":3,"month":3}})";
    BOOST_TEST(json::serialize(usage("key=" + id).at("counters")) == three);
    BOOST_TEST(json::serialize(usage("owner=acme&api=shop").at("counters")) == three);
    BOOST_TEST(ask("PATCH", "/keys/" + id, R"({"name":"x"})").status == 200U);
    BOOST_TEST(text(get(id), "last_used_at") == "2026-03-11T00:00:00Z");

    const auto unused = [&](const std::string& since) {
        return json::parse(ask("GET", "/keys?unused_since=" + since).body)
            .at("data")
            .as_array()
            .size();
    };
    clock.wall += std::chrono::hours{1};
    BOOST_TEST(unused("2026-03-11T00:30:00Z") == 1U);
    used.count(entry_of(made), catalog, clock.wall);
    BOOST_TEST(unused("2026-03-11T00:30:00Z") == 0U);

    keys::UsageWriter writer{{&used}};
    on_store([&](keys::KeyStore& records, keys::Table&) {
        writer.write(records, keys::Time{}, 10).value();
        return 0;
    });
    BOOST_TEST(ask("DELETE", "/keys/" + id).status == 204U);
    BOOST_TEST(ask("GET", "/usage?key=" + id).status == 404U);
    BOOST_TEST(text(usage("owner=acme&api=shop"), "last_used_at") == "2026-03-11T01:00:00Z");
    for (const char* bad : {"", "key=a&owner=b", "owner=acme", "owner=none&api=shop", "id=x"})
        BOOST_TEST(ask("GET", std::string{"/usage?"} + bad).status >= 400U, bad);
}

BOOST_AUTO_TEST_CASE(lists_are_found_by_what_people_know) {
    const auto first = create(R"(,"name":"a")");
    create();
    const auto ids = [&](const std::string& query) {
        const auto answer = ask("GET", "/keys?" + query);
        BOOST_TEST_REQUIRE(answer.status == 200U, answer.body);
        std::string all;
        const auto page = json::parse(answer.body);
        for (const auto& key : page.at("data").as_array())
            all += text(key.as_object(), "id") + " ";
        return all;
    };
    BOOST_TEST(ids("prefix=" + text(first, "prefix")) == text(first, "id") + " ");
    BOOST_TEST(ids("prefix=rp_").empty());
    BOOST_TEST(ids("status=expired").empty());
    const auto page = json::parse(ask("GET", "/keys?limit=1").body).as_object();
    BOOST_TEST(page.at("has_more").as_bool());
    const std::string cursor = text(page, "next_cursor");
    // The key that ended the page may be gone by then.
    BOOST_TEST(ask("DELETE", "/keys/" + text(first, "id")).status == 204U);
    BOOST_TEST(!ids("cursor=" + cursor).empty());
    for (const char* bad : {"cursor=x", "cursor=-1", "limit=0", "limit=101", "unused_since=today",
                            "status=gone", "prefix=a&prefix=b"})
        BOOST_TEST(ask("GET", std::string{"/keys?"} + bad).status == 400U, bad);
}

BOOST_AUTO_TEST_CASE(what_is_not_utf_8_is_refused_in_utf_8) {
    const auto refused = ask("GET", "/keys?%ff%fe=1");
    BOOST_TEST(refused.status == 400U);
    BOOST_TEST(refused.body.find("`??`") != std::string::npos, refused.body);
    BOOST_TEST(ask("GET", "/keys?%C3%BC=1").body.find("`ü`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(apis_tell_what_keys_can_be_made_for) {
    config::Limit rate;
    rate.name = rate.text = "100/1m";
    config::Limit quota{.name = "requests",
                        .by = config::LimitBy::owner,
                        .rule = config::Quota{},
                        .dry_run = true,
                        .text = "1000/month",
                        .place = {},
                        .state = {},
                        .tag = 0,
                        .policy = {}};
    set.apis[0].plans[1].limits = {rate, quota};
    const auto list = json::parse(ask("GET", "/apis").body).at("data").as_array();
    BOOST_TEST_REQUIRE(list.size() == 2U);
    const auto& shop = list[0].as_object();
    BOOST_TEST(text(shop, "name") == "shop");
    BOOST_TEST(text(shop, "scopes") == R"(["read","write"])");
    BOOST_TEST(text(shop, "modes") == R"(["live"])");
    BOOST_TEST(
        text(shop, "plans") ==
        R"([{"name":"free","api_access":false,"rates":[],"limits":[]},)"
        R"({"name":"pro","api_access":true,"rates":["100/1m"],"limits":[)"
        R"({"name":"100/1m","by":"key","kind":"rate","limit":"100/1m","dry_run":false},)"
        R"({"name":"requests","by":"owner","kind":"quota","limit":"1000/month","dry_run":true}]}])");
    BOOST_TEST(text(list[1].as_object(), "default_plan") == "basic");
}

BOOST_AUTO_TEST_CASE(new_keys_are_digested_with_the_first_pepper) {
    const std::string file = files.file("pepper");
    std::ofstream(file) << std::string(40, 'p') << '\n';
    BOOST_TEST_REQUIRE(::chmod(file.c_str(), 0600) == 0);
    set.peppers.push_back({.name = "2026", .file = file, .place = {}});
    peppers = keys::Peppers::load(set).value();
    const auto made = create();
    BOOST_TEST(text(made, "pepper") == "2026");
    const std::string key{made.at("key").as_string()};
    BOOST_TEST(!table.find(keys::digest_of(key)));
    BOOST_TEST(bool{table.find(peppers.digest_of(0, key))});
    const auto brought = create(R"(,"digest":"sha256:)" + std::string(64, 'a') + "\"");
    BOOST_TEST(brought.at("pepper").is_null());
}

BOOST_AUTO_TEST_CASE(a_copy_is_made_over_the_socket_only) {
    create();
    const std::string file = files.file("copy.db");
    const auto made = ask("POST", "/store:backup", R"({"file":")" + file + "\"}");
    BOOST_TEST(made.status == 201U, made.body);
    BOOST_TEST(json::parse(made.body).at("bytes").to_number<std::uintmax_t>() ==
               std::filesystem::file_size(file));
    BOOST_TEST(keys::open_sqlite_store(file).value()->list({}).value().rows.size() == 1U);
    BOOST_TEST(reason_of(ask("POST", "/store:backup", R"({"file":")" + file + "\"}")) ==
               "file_exists");
    BOOST_TEST(ask("POST", "/store:backup", R"({"file":"copy.db"})").status == 422U);
    BOOST_TEST(ask("POST", "/store:backup", "{}").status == 422U);
    BOOST_TEST(ask("POST", "/store:backup", R"({"file":"/nowhere/at/all.db"})").status == 503U);

    Request request;
    request.transport = Transport::tcp;
    request.method = "POST";
    request.path = "/admin/v1/store:backup";
    request.body = R"({"file":"/tmp/x.db"})";
    request.role = Role::admin;
    BOOST_TEST(reason_of(call(request)) == "local_only");
}

BOOST_AUTO_TEST_CASE(each_role_may_what_it_is_for) {
    for (const CallName& name : Api::calls())
        for (const Role role : {Role::viewer, Role::key_operator, Role::admin}) {
            Request request;
            request.transport = Transport::local;
            request.method = name.method;
            request.path = name.path;
            const std::size_t hole = request.path.find("{id}");
            if (hole != std::string::npos) request.path.replace(hole, 4, "none");
            request.role = role;
            const auto answer = call(request);
            const bool is_refused = answer.status == 403U && reason_of(answer) == "role_too_low";
            BOOST_TEST(is_refused == !may(role, name.role),
                       name.method << ' ' << name.path << ' ' << to_string(role));
        }
}

BOOST_AUTO_TEST_CASE(a_number_that_cannot_be_kept_is_not_taken) {
    for (const std::string& number :
         {std::string{"1e999"}, std::string{"-1e999"}, std::string(400, '9')}) {
        const std::string numbers = R"({"a":[)" + number + "]}";
        const auto made =
            ask("POST", "/keys", R"({"api":"shop","owner":"acme","metadata":)" + numbers + "}");
        BOOST_TEST(made.status == 422U, made.body);
        BOOST_TEST(
            put("acme", R"({"api":"shop","plan":"pro","attributes":)" + numbers + "}").status ==
            422U);
    }
    BOOST_TEST(text(create(R"(,"metadata":{"a":1e300})"), "metadata") == R"({"a":1E300})");
}

/// A reload that comes between the begin of a call and its turn on the store's thread.
struct Overtaken : Life {
    Overtaken() = default;

    ~Overtaken() { serve(table, before); }

    Overtaken(const Overtaken&) = delete;
    Overtaken& operator=(const Overtaken&) = delete;

    void serve(keys::Table& keys, const Context& context) {
        on_store([&](keys::KeyStore&, keys::Table&) {
            store.replace(keys);
            served = &context;
            return true;
        });
    }

    Response call_overtaken(const std::string& method, const std::string& target,
                            const std::string& body = {}) {
        serve(table, before);
        Request request;
        request.transport = Transport::local;
        request.role = Role::admin;
        request.actor = "local";
        request.method = method;
        request.body = body;
        BOOST_TEST_REQUIRE(read_target("/admin/v1" + target, request));
        std::promise<void> reload;
        store.submit([&](keys::KeyStore&, keys::LiveKeys&) {
            reload.get_future().wait();
            store.replace(next_table);
            served = &after;
        });
        std::optional<Response> answer;
        boost::asio::co_spawn(loop, reloading.handle(std::move(request)),
                              [&](const std::exception_ptr& bug, Response response) {
                                  if (!bug) answer = std::move(response);
                              });
        loop.restart();
        loop.poll();
        reload.set_value();
        loop.run();
        BOOST_TEST_REQUIRE(answer.has_value());
        return std::move(*answer);
    }

    static config::Settings with_gold_for_pro() {
        config::Settings other = test::settings();
        other.apis[0].plans[1].name = "gold";
        return other;
    }

    config::Settings later = with_gold_for_pro();
    std::shared_ptr<const keys::Catalog> next_catalog =
        std::make_shared<const keys::Catalog>(later);
    keys::Table next_table{next_catalog, table.subjects()};
    Context before{set, *catalog, peppers, store, clock};
    Context after{later, *next_catalog, peppers, store, clock};
    std::atomic<const Context*> served = &before;
    Api reloading{[this] { return std::make_shared<const Context>(*served); }};
};

BOOST_FIXTURE_TEST_CASE(a_call_that_a_reload_overtakes_is_judged_by_what_is_served, Overtaken) {
    const std::string id = text(create(), "id");

    struct Row {
        std::string method;
        std::string target;
        std::string body;
        unsigned status;
    };

    const std::vector<Row> rows{
        {"PUT", "/owners/acme", R"({"api":"shop","plan":"pro"})", 422},
        {"POST", "/keys", R"({"api":"shop","owner":"acme","plan":"pro"})", 422},
        {"PATCH", "/keys/" + id, R"({"plan":"pro"})", 422},
        {"POST", "/keys:import",
         R"({"keys":[{"api":"shop","owner":"acme","plan":"pro","digest":"sha256:)" +
             std::string(64, '0') + R"("}]})",
         422},
        {"PATCH", "/keys/" + id, R"({"plan":"free"})", 200},
        {"POST", "/keys/" + id + ":revoke", {}, 200},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.method << ' ' << row.target << ' ' << row.body) {
            const Response answer = call_overtaken(row.method, row.target, row.body);
            BOOST_TEST(answer.status == row.status, answer.body);
        }
    BOOST_TEST(stored().size() == 1U);
    const auto entry = next_table.find(stored().front().digest);
    BOOST_TEST_REQUIRE((entry != nullptr));
    BOOST_TEST((entry->status == keys::KeyStatus::revoked));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
