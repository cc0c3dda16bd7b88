#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>

namespace json = boost::json;

namespace keygate::admin {
namespace {

using test::World;

struct KeyFolder {
    test::Folder key_files;
};

/// `shop` has recoverable keys, `deals` has not.
struct Recoverable : KeyFolder, World {
    static config::Settings with(const std::string& file) {
        config::Settings made = test::settings();
        made.apis[0].recoverable = config::Recoverable{file, {}};
        made.apis[0].default_plan = "pro";
        return made;
    }

    Recoverable()
        : World(with(key_files.file("reveal.key"))) {
        BOOST_TEST_REQUIRE(call("PUT", "/admin/v1/owners/acme", R"({"api":"shop"})").status ==
                           201U);
        BOOST_TEST_REQUIRE(call("PUT", "/admin/v1/owners/dan", R"({"api":"deals"})").status ==
                           201U);
    }

    json::object create(const std::string& body = R"({"api":"shop","owner":"acme"})") {
        const auto made = call("POST", "/admin/v1/keys", body);
        BOOST_TEST_REQUIRE(made.status == 201U, made.body);
        return json::parse(made.body).as_object();
    }

    Response reveal(const std::string& id) {
        return call("POST", "/admin/v1/keys/" + id + ":reveal");
    }
};

std::string text(const json::object& object, const char* name) {
    return std::string{object.at(name).as_string()};
}

std::string reason_of(const Response& response) {
    return std::string{json::parse(response.body).at("error").at("reason").as_string()};
}

BOOST_FIXTURE_TEST_SUITE(admin_reveal, Recoverable)

BOOST_AUTO_TEST_CASE(a_key_that_was_sealed_is_shown_again) {
    const auto made = create();
    const std::string id = text(made, "id");
    for (int round = 0; round < 2; ++round) {
        const auto shown = reveal(id);
        BOOST_TEST(shown.status == 200U);
        BOOST_TEST(shown.body == R"({"object":"api_key","id":")" + id + R"(","key":")" +
                                     text(made, "key") + "\"}");
        BOOST_TEST(shown.about == "shop/acme"); // for the log
    }
    BOOST_TEST(call("POST", "/admin/v1/keys/" + id + ":disable").status == 200U);
    BOOST_TEST(reveal(id).status == 200U);
    // Nowhere else.
    const auto record = stored().front();
    BOOST_TEST(record.sealed.starts_with("v1."));
    BOOST_TEST(call("GET", "/admin/v1/keys/" + id).body.find(record.sealed) == std::string::npos);
    std::string all;
    for (const char* file : {"keys.db", "keys.db-wal"}) {
        std::ifstream in(files.file(file), std::ios::binary);
        all.append(std::istreambuf_iterator<char>(in), {});
    }
    BOOST_TEST(all.find(record.sealed) != std::string::npos);
    BOOST_TEST(all.find(text(made, "key").substr(7)) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_rotated_key_is_sealed_anew) {
    const std::string id = text(create(), "id");
    const auto fresh =
        json::parse(
            call("POST", "/admin/v1/keys/" + id + ":rotate", R"({"grace_seconds":60})").body)
            .as_object();
    const auto shown = json::parse(reveal(text(fresh, "id")).body).as_object();
    BOOST_TEST(text(shown, "key") == text(fresh, "key"));
    BOOST_TEST(reveal(id).status == 200U); // in its grace it works
    const auto records = stored();
    BOOST_TEST(records[0].sealed != records[1].sealed);
}

BOOST_AUTO_TEST_CASE(where_nothing_was_kept_there_is_nothing_to_show) {
    const auto of_other_api = create(R"({"api":"deals","owner":"dan"})");
    BOOST_TEST(reason_of(reveal(text(of_other_api, "id"))) == "not_recoverable");
    const auto brought =
        create(R"({"api":"shop","owner":"acme","digest":"sha256:)" + std::string(64, 'a') + "\"}");
    BOOST_TEST(reveal(text(brought, "id")).status == 409U);
    BOOST_TEST(reason_of(reveal(text(brought, "id"))) == "not_recoverable");
    BOOST_TEST(reveal("key_nope").status == 404U);
    const std::string id = text(create(), "id");
    BOOST_TEST(call("POST", "/admin/v1/keys/" + id + ":revoke").status == 200U);
    BOOST_TEST(reveal(id).status == 409U);
    BOOST_TEST(reason_of(reveal(id)) == "key_revoked");
}

BOOST_AUTO_TEST_CASE(an_operator_may_and_a_viewer_may_not) {
    const std::string id = text(create(), "id");
    for (const auto& [role, status] :
         {std::pair{Role::viewer, 403U}, {Role::key_operator, 200U}, {Role::admin, 200U}}) {
        Request request;
        request.transport = Transport::local;
        request.method = "POST";
        request.role = role;
        request.actor = "somebody";
        BOOST_TEST_REQUIRE(read_target("/admin/v1/keys/" + id + ":reveal", request));
        BOOST_TEST(call(std::move(request)).status == status);
    }
    BOOST_TEST(call("GET", "/admin/v1/keys/" + id + ":reveal").status == 405U);
    BOOST_TEST(call("POST", "/admin/v1/keys/" + id + ":reveal?dry_run=true").status == 400U);
    BOOST_TEST(call("POST", "/admin/v1/keys/" + id + ":reveal", R"({"x":1})").status == 422U);
    BOOST_TEST(call("POST", "/admin/v1/keys/" + id + ":reveal", "{}").status == 200U);
}

BOOST_AUTO_TEST_CASE(another_key_file_is_told_and_opens_nothing) {
    const auto made = create();
    const std::string id = text(made, "id");
    seals = keys::Seals::load(with(key_files.file("other.key"))).value();
    const auto refused = reveal(id);
    BOOST_TEST(refused.status == 503U);
    BOOST_TEST(reason_of(refused) == "store_invalid");
    BOOST_TEST(refused.body.find("key file") != std::string::npos, refused.body);
    auto both = with(key_files.file("other.key"));
    both.apis[0].recoverable->old_key_files = {key_files.file("reveal.key")};
    seals = keys::Seals::load(both).value();
    BOOST_TEST(reveal(id).status == 200U);
}

BOOST_AUTO_TEST_CASE(what_is_sealed_in_one_record_is_worth_nothing_in_another) {
    const std::string first = text(create(), "id");
    const std::string second = text(create(), "id");
    on_store([&](keys::KeyStore& records, keys::Table&) {
        keys::Change change;
        change.update.push_back(records.find(second).value().record);
        change.update.back().sealed = records.find(first).value().record.sealed;
        return records.commit(change).has_value();
    });
    BOOST_TEST(reveal(second).status == 503U);
    BOOST_TEST(reveal(first).status == 200U);
}

BOOST_AUTO_TEST_CASE(a_receipt_never_holds_a_key) {
    const auto ask = [&] {
        Request request;
        request.transport = Transport::local;
        request.method = "POST";
        request.role = Role::admin;
        request.actor = "local";
        request.body = R"({"api":"shop","owner":"acme"})";
        request.idempotency_keys.emplace_back("once");
        BOOST_TEST_REQUIRE(read_target("/admin/v1/keys", request));
        return call(std::move(request));
    };
    const auto made = json::parse(ask().body).as_object();
    const auto again = json::parse(ask().body).as_object();
    BOOST_TEST(text(again, "id") == text(made, "id"));
    BOOST_TEST(!again.contains("key"));
    const auto shown = json::parse(reveal(text(made, "id")).body).as_object();
    BOOST_TEST(text(shown, "key") == text(made, "key"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
