#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

namespace json = boost::json;

namespace keygate::admin {
namespace {

using test::World;

config::Settings with_room_for(std::uint32_t most) {
    config::Settings made = test::settings();
    made.apis[0].profile.max_keys_per_owner = most;
    made.apis[0].default_plan = "pro";
    return made;
}

struct OneKey : World {
    explicit OneKey(std::uint32_t most = 1)
        : World(with_room_for(most)) {
        for (const char* owner : {"acme", "bob"})
            BOOST_TEST_REQUIRE(
                call("PUT", std::string{"/admin/v1/owners/"} + owner, R"({"api":"shop"})").status ==
                201U);
    }

    Response ask(const std::string& members = {}, const std::string& owner = "acme") {
        return call("POST", "/admin/v1/keys",
                    R"({"api":"shop","owner":")" + owner + "\"" + members + "}");
    }

    std::string create(const std::string& members = {}) {
        const auto made = ask(members);
        BOOST_TEST_REQUIRE(made.status == 201U, made.body);
        return std::string{json::parse(made.body).at("id").as_string()};
    }

    Response act(const std::string& id, const std::string& action, const std::string& body = {}) {
        return call("POST", "/admin/v1/keys/" + id + ":" + action, body);
    }

    [[nodiscard]] std::size_t active() {
        std::size_t count = 0;
        for (const keys::KeyRecord& key : stored())
            count += key.status == keys::KeyStatus::active ? 1U : 0U;
        return count;
    }
};

bool is_limit(const Response& response) {
    if (response.status != 409U) return false;
    return json::parse(response.body).at("error").at("reason") == "key_limit";
}

const std::string digest_a = R"("digest":"sha256:)" + std::string(64, 'a') + '"';
const std::string digest_b = R"("digest":"sha256:)" + std::string(64, 'b') + '"';

BOOST_FIXTURE_TEST_SUITE(admin_owner_room, OneKey)

BOOST_AUTO_TEST_CASE(one_more_than_may_be_is_a_conflict_that_changes_nothing) {
    create();
    BOOST_TEST(is_limit(ask()));
    BOOST_TEST(is_limit(ask("," + digest_a)));
    BOOST_TEST(
        is_limit(call("POST", "/admin/v1/keys?dry_run=true", R"({"api":"shop","owner":"acme"})")));
    BOOST_TEST(stored().size() == 1U);
    BOOST_TEST(ask("", "bob").status == 201U); // each owner by itself
    // Who makes no key that works takes no room.
    BOOST_TEST(ask("," + digest_a + R"(,"status":"revoked")").status == 201U);
    BOOST_TEST(ask("," + digest_b + R"(,"expires_at":"2020-01-01T00:00:00Z")").status == 201U);
}

BOOST_AUTO_TEST_CASE(room_is_what_is_not_taken_by_active_keys) {
    const std::string first = create();
    BOOST_TEST(act(first, "disable").status == 200U);
    const std::string second = create();
    // Disabled, made another, and enabled again would be two.
    BOOST_TEST(is_limit(act(first, "enable")));
    BOOST_TEST(act(second, "revoke").status == 200U);
    BOOST_TEST(act(first, "enable").status == 200U);
    BOOST_TEST(act(first, "enable").status == 200U);
    BOOST_TEST(is_limit(ask()));
    BOOST_TEST(call("PATCH", "/admin/v1/keys/" + first, R"({"name":"x"})").status == 200U);
    // One that has ended makes room, and does not come back when that is taken.
    BOOST_TEST(call("PATCH", "/admin/v1/keys/" + first, R"({"expires_at":"2026-03-12T00:00:00Z"})")
                   .status == 200U);
    clock.wall += std::chrono::hours{48};
    create();
    BOOST_TEST(is_limit(call("PATCH", "/admin/v1/keys/" + first, R"({"expires_at":null})")));
}

BOOST_AUTO_TEST_CASE(a_key_in_its_grace_takes_no_room) {
    const std::string first = create();
    const auto rotated = act(first, "rotate", R"({"grace_seconds":3600})");
    BOOST_TEST_REQUIRE(rotated.status == 201U, rotated.body);
    BOOST_TEST(is_limit(ask())); // the new one has it
    const auto id = std::string{json::parse(rotated.body).at("id").as_string()};
    BOOST_TEST(act(id, "rotate").status == 201U);
    BOOST_TEST(is_limit(ask()));
}

BOOST_AUTO_TEST_CASE(regenerate_ends_the_old_one_in_the_same_moment) {
    const std::string first = create();
    const auto dry = call("POST", "/admin/v1/keys?dry_run=true",
                          R"({"api":"shop","owner":"acme","regenerate":true})");
    BOOST_TEST(dry.status == 201U, dry.body);
    BOOST_TEST(active() == 1U);
    const std::string second = create(R"(,"regenerate":true)");
    const auto all = stored();
    BOOST_TEST_REQUIRE(all.size() == 2U);
    BOOST_TEST((all[0].status == keys::KeyStatus::revoked));
    BOOST_TEST((all[0].rotated_to == second));
    BOOST_TEST(all[0].id == first);
    BOOST_TEST((all[1].status == keys::KeyStatus::active));
    BOOST_TEST((table.find(all[0].digest)->status == keys::KeyStatus::revoked));
    // There is nothing to end, and that is no mistake.
    BOOST_TEST(ask(R"(,"regenerate":true)", "bob").status == 201U);
    BOOST_TEST(ask(R"(,"regenerate":false)").status == 409U);
    BOOST_TEST(ask(R"(,"regenerate":null)").status == 409U);
}

BOOST_AUTO_TEST_CASE(a_regeneration_that_is_refused_ends_nothing) {
    create();
    BOOST_TEST(ask(R"(,"regenerate":true,"plan":"free")").status == 403U);
    BOOST_TEST(ask(R"(,"regenerate":true,"scopes":["no"])").status == 422U);
    BOOST_TEST(active() == 1U);
}

BOOST_AUTO_TEST_CASE(an_import_has_no_more_room) {
    const auto row = [](char digit, const std::string& more = {}) {
        return R"({"api":"shop","owner":"acme","digest":"sha256:)" + std::string(64, digit) + "\"" +
               more + "}";
    };
    const auto body = [](const std::string& rows) { return "{\"keys\":[" + rows + "]}"; };
    const std::string two =
        body(row('1') + ',' + row('2', R"(,"status":"revoked")") + ',' + row('3'));
    const auto refused = call("POST", "/admin/v1/keys:import", two);
    BOOST_TEST(is_limit(refused));
    BOOST_TEST(refused.body.find("`keys[2].owner`") != std::string::npos, refused.body);
    BOOST_TEST(stored().empty());
    const auto dry = json::parse(call("POST", "/admin/v1/keys:import?dry_run=true", two).body);
    BOOST_TEST_REQUIRE(dry.at("mistakes").as_array().size() == 1U);
    BOOST_TEST(dry.at("mistakes").as_array()[0].at("row") == 2);
    BOOST_TEST(dry.at("mistakes").as_array()[0].at("reason") == "key_limit");
    const std::string one = body(row('1') + ',' + row('2', R"(,"status":"revoked")"));
    BOOST_TEST(call("POST", "/admin/v1/keys:import", one).status == 200U);
    // What is there already is told as such: who goes on with an import leaves it out.
    const auto again = json::parse(call("POST", "/admin/v1/keys:import?dry_run=true", one).body);
    BOOST_TEST(again.at("mistakes").as_array()[0].at("reason") == "conflict");
}

BOOST_AUTO_TEST_CASE(without_a_limit_regenerate_still_ends_all_of_them) {
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(call("POST", "/admin/v1/keys",
                        R"({"api":"deals","owner":"dan","digest":"sha256:)" +
                            std::string(64, static_cast<char>('1' + i)) + "\"}")
                       .status == 201U);
    BOOST_TEST(call("PUT", "/admin/v1/owners/dan", R"({"api":"deals"})").status == 201U);
    BOOST_TEST(call("POST", "/admin/v1/keys", R"({"api":"deals","owner":"dan","regenerate":true})")
                   .status == 201U);
    BOOST_TEST(active() == 1U);
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_no_limit) {
    fault = Fault{boost::system::errc::make_error_code(boost::system::errc::io_error), "read"};
    BOOST_TEST(ask().status == 503U);
    BOOST_TEST(ask(R"(,"regenerate":true)").status == 503U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
