#include "admin/api.hpp"
#include "app/keys_commands.hpp"
#include "app/owners_commands.hpp"
#include "keys/digest.hpp"
#include "keys/sqlite_store.hpp"
#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>

#include <sys/stat.h>

namespace keygate::app {
namespace {

namespace json = boost::json;
using admin::test::Folder;
using admin::test::Running;

std::size_t owners_of(admin::test::World& world) {
    return world.on_store([](keys::KeyStore& store, keys::Table&) {
        return store.list_owners("", "", 100).value().rows.size();
    });
}

/// A configuration on disk and what a command said.
struct Shell {
    Folder folder;
    std::string config = folder.file("gate.yaml");
    std::ostringstream out;
    std::ostringstream err;

    Shell() { write_config(""); }

    void write_config(const std::string& more) const {
        std::ofstream(config) << "version: 1\n"
                                 "listeners: [{address: \"127.0.0.1:0\"}]\n"
                              << more
                              << "apis:\n"
                                 "  shop:\n"
                                 "    profile: default\n"
                                 "    plans: {free: {api_access: false}, pro: {rate: 100/1m}}\n"
                                 "    upstreams: {live: {servers: [\"http://127.0.0.1:3000\"]}}\n"
                                 "    routes:\n"
                                 "      GET /a/**: a:read\n"
                                 "      POST /a: a:write\n";
    }

    template <class Options> Options options() const {
        Options made;
        made.config = config;
        return made;
    }

    std::string said() {
        std::string text = out.str();
        out.str({});
        return text;
    }

    std::string complained() {
        std::string text = err.str();
        err.str({});
        return text;
    }

    int set(const std::string& id, const std::string& plan) {
        auto made = options<SetOwner>();
        made.id = id;
        made.plan = plan;
        return set_owner(made, out, err);
    }

    json::object create(const std::string& owner) {
        auto made = options<CreateKey>();
        made.owner = owner;
        made.json = true;
        BOOST_TEST_REQUIRE(create_key(made, out, err) == 0, err.str());
        return json::parse(said()).as_object();
    }

    std::size_t count() {
        (void)said();
        auto all = options<ListKeys>();
        all.json = true;
        BOOST_TEST_REQUIRE(list_keys(all, out, err) == 0, err.str());
        return json::parse(said()).at("data").as_array().size();
    }

    int import(const std::string& text) {
        std::ofstream(folder.file("in")) << text;
        auto made = options<ImportKeys>();
        made.input = folder.file("in");
        return import_keys(made, out, err);
    }
};

std::string digest_text(int number) {
    return "sha256:" + keys::to_hex(keys::digest_of("key " + std::to_string(number)));
}

void full_round(Shell& shell) {
    BOOST_TEST(shell.set("acme", "pro") == 0);
    BOOST_TEST(shell.said() ==
               "id      acme\napi     shop\nname    -\nplan    pro\nstatus  active\n");
    const auto key = shell.create("acme");
    BOOST_TEST(std::string{key.at("key").as_string().c_str()}.substr(0, 8) == "kg_live_");

    auto lists = shell.options<ListKeys>();
    BOOST_TEST(list_keys(lists, shell.out, shell.err) == 0);
    const auto table = shell.said();
    BOOST_TEST(table.find(key.at("id").as_string().c_str()) != std::string::npos);
    BOOST_TEST(table.find(key.at("key").as_string().c_str()) == std::string::npos);

    auto ends = shell.options<RevokeKey>();
    ends.id = key.at("id").as_string().c_str();
    BOOST_TEST(revoke_key(ends, shell.out, shell.err) == 0);
    BOOST_TEST(shell.said() == ends.id + " is revoked\n");
    ends.id = "key_nope";
    BOOST_TEST(revoke_key(ends, shell.out, shell.err) == 1);
    BOOST_TEST(shell.complained() == "keygate: there is no key with this id\n");
}

BOOST_FIXTURE_TEST_SUITE(app_commands, Shell)

BOOST_AUTO_TEST_CASE(without_a_gateway_the_embedded_file_is_opened) {
    full_round(*this);
}

BOOST_AUTO_TEST_CASE(a_key_for_people_stands_on_stdout_alone) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    auto made = options<CreateKey>();
    made.owner = "acme";
    made.scopes = {"a:read"};
    BOOST_TEST(create_key(made, out, err) == 0);
    BOOST_TEST(said().find("\nkey      kg_live_") != std::string::npos);
    BOOST_TEST(complained().find("kg_live_") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_refused_is_1_what_is_wrongly_used_is_2_what_is_away_is_3) {
    auto made = options<CreateKey>();
    made.owner = "nobody";
    BOOST_TEST(create_key(made, out, err) == 1);
    BOOST_TEST(complained() == "keygate: `owner`: there is no such owner in this API\n");
    BOOST_TEST(set("free", "free") == 0);
    made.owner = "free";
    BOOST_TEST(create_key(made, out, err) == 1);
    BOOST_TEST(complained().find("no API access") != std::string::npos);
    made.force = true;
    BOOST_TEST(create_key(made, out, err) == 0);
    (void)complained();

    made.config = folder.file("absent.yaml");
    BOOST_TEST(create_key(made, out, err) == 2);
    BOOST_TEST(complained().find("absent.yaml") != std::string::npos);

    const auto held = keys::open_sqlite_store(folder.file("gate.db"));
    BOOST_TEST_REQUIRE(held.has_value());
    made.config = config;
    BOOST_TEST(create_key(made, out, err) == 3);
    BOOST_TEST(complained().find("is in use") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_gateway_on_the_socket_is_asked) {
    admin::test::World world;
    Running running(admin::test::guarded(world.handler()));
    BOOST_TEST_REQUIRE(running.on_socket(folder.file("gate.db.sock")).has_value());
    auto made = options<SetOwner>();
    made.id = "acme";
    made.plan = "pro";
    BOOST_TEST(set_owner(made, out, err) == 0);
    BOOST_TEST(owners_of(world) == 1u);
    BOOST_TEST(!std::filesystem::exists(folder.file("gate.db")));
}

BOOST_AUTO_TEST_CASE(a_gateway_is_asked_on_the_socket_that_the_configuration_names) {
    admin::test::World world;
    Running running(admin::test::guarded(world.handler()));
    BOOST_TEST_REQUIRE(running.on_socket(folder.file("admin.sock")).has_value());
    write_config("admin: {address: \"unix:admin.sock\"}\n");
    BOOST_TEST(set("acme", "pro") == 0, err.str());
    BOOST_TEST(owners_of(world) == 1u);
    BOOST_TEST(!std::filesystem::exists(folder.file("gate.db")));
}

BOOST_AUTO_TEST_CASE(a_gateway_at_the_admin_address_is_asked_with_its_token) {
    admin::test::World world;
    const auto token_file = folder.file("admin.token");
    auto token = admin::read_or_make_token(token_file);
    BOOST_TEST_REQUIRE(token.has_value());
    Running running(admin::test::guarded(world.handler(), std::string{token->reveal()}));
    running.on_tcp();
    write_config("admin: {address: \"127.0.0.1:" + std::to_string(running.port()) +
                 "\", token_file: admin.token}\n");
    BOOST_TEST(set("acme", "pro") == 0, err.str());
    BOOST_TEST(owners_of(world) == 1u);

    std::ofstream(token_file) << "not the token of this one\n";
    std::ofstream(token_file) << "not-the-token-of-this-one\n";
    BOOST_TEST(set("acme", "pro") == 1);
    BOOST_TEST(complained() == "keygate: the admin token is not valid\n");
    BOOST_TEST_REQUIRE(::chmod(token_file.c_str(), 0644) == 0);
    BOOST_TEST(set("acme", "pro") == 3);
    BOOST_TEST(complained().find("chmod 600") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(setting_an_owner_keeps_what_is_not_named) {
    auto made = options<SetOwner>();
    made.id = "acme";
    made.name = "Acme";
    made.plan = "free";
    made.status = "suspended";
    BOOST_TEST(set_owner(made, out, err) == 0);
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    auto all = options<ListOwners>();
    BOOST_TEST(list_owners(all, out, err) == 0);
    BOOST_TEST(said() == "ID    API   NAME  PLAN  STATUS\nacme  shop  Acme  pro   suspended\n");
}

BOOST_AUTO_TEST_CASE(keys_are_brought_in_from_a_file) {
    std::string text = "digest,owner,plan,scopes\n";
    for (int i = 0; i < 2500; ++i)
        text += digest_text(i) + ",owner" + std::to_string(i % 7) + ",pro,a:read\n";
    BOOST_TEST(import(text) == 0, err.str());
    BOOST_TEST(said() == "imported 2500 of 2500 keys\n");
    BOOST_TEST(count() == 2500u);

    BOOST_TEST(import(text) == 1);
    BOOST_TEST(complained().find("in:2: `digest`: exists already\n") != std::string::npos);
    BOOST_TEST(count() == 2500u);
}

BOOST_AUTO_TEST_CASE(one_bad_row_among_thousands_keeps_all_out) {
    std::string text = "digest,owner,plan\n";
    for (int i = 0; i < 2500; ++i)
        text += digest_text(i) + ",bob," + (i == 2400 ? "gold" : "pro") + "\n";
    text += "x,bob,pro\n\"\n";
    BOOST_TEST(import(text) == 1);
    const auto in = folder.file("in");
    BOOST_TEST(complained() ==
               in + ":2402: `plan`: unknown `gold`; one of: free, pro\n" + in +
                   ":2502: `digest`: must be `sha256:` and 64 lower-case hexadecimal digits\n" +
                   in + ":2503: a quoted cell does not end\n" +
                   "keygate: nothing was imported; mistakes: 3\n");
    BOOST_TEST(count() == 0u);
}

BOOST_AUTO_TEST_CASE(json_lines_are_brought_in_as_well) {
    const auto line = R"({"digest":")" + digest_text(1) + R"(","owner":"bob","plan":"pro"})";
    BOOST_TEST(import(line) == 0, err.str());
    BOOST_TEST(count() == 1u);
    BOOST_TEST(import("digest\n") == 1);
    BOOST_TEST(complained().find("no key in it") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::app
