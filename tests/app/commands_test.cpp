#include "admin/api.hpp"
#include "app/import_command.hpp"
#include "app/keys_commands.hpp"
#include "app/owners_commands.hpp"
#include "app/store_commands.hpp"
#include "app/usage_commands.hpp"
#include "keys/digest.hpp"
#include "keys/sqlite_store.hpp"
#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
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
    std::istringstream typed;
    std::ostringstream out;
    std::ostringstream err;
    Console console{typed, out, err};

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
        return set_owner(made, console);
    }

    json::object create(const std::string& owner) {
        auto made = options<CreateKey>();
        made.owner = owner;
        made.json = true;
        BOOST_TEST_REQUIRE(create_key(made, console) == 0, err.str());
        return json::parse(said()).as_object();
    }

    std::size_t count() {
        (void)said();
        auto all = options<ListKeys>();
        all.json = true;
        BOOST_TEST_REQUIRE(list_keys(all, console) == 0, err.str());
        return json::parse(said()).at("data").as_array().size();
    }

    template <class Options> Options about(const std::string& id) const {
        auto made = options<Options>();
        made.id = id;
        return made;
    }

    json::object show(const std::string& id) {
        (void)said();
        auto asked = about<OneKey>(id);
        asked.json = true;
        BOOST_TEST_REQUIRE(show_key(asked, console) == 0, err.str());
        return json::parse(said()).as_object();
    }

    /// The last line of what `show` prints.
    std::string etag_of_key(const std::string& id) {
        (void)said();
        BOOST_TEST_REQUIRE(show_key(about<OneKey>(id), console) == 0, err.str());
        return last_word(said());
    }

    std::string etag_of_owner(const std::string& id) {
        std::ostringstream shown;
        Console aside{typed, shown, err};
        BOOST_TEST_REQUIRE(show_owner(about<OneOwner>(id), aside) == 0, err.str());
        return last_word(shown.str());
    }

    static std::string last_word(const std::string& text) {
        const auto begin = text.rfind(' ') + 1;
        return text.substr(begin, text.size() - begin - 1);
    }

    int import(const std::string& text) {
        std::ofstream(folder.file("in")) << text;
        auto made = options<ImportKeys>();
        made.input = folder.file("in");
        made.skip_existing = skip_existing;
        return import_keys(made, console);
    }

    bool skip_existing = false;
};

std::string member(const json::object& object, std::string_view name) {
    return std::string{object.at({name.data(), name.size()}).as_string().c_str()};
}

std::string digest_text(int number) {
    return "sha256:" + keys::to_hex(keys::digest_of("key " + std::to_string(number)));
}

void full_round(Shell& shell) {
    BOOST_TEST(shell.set("acme", "pro") == 0);
    BOOST_TEST(shell.said() ==
               "id      acme\napi     shop\nname    -\nplan    pro\nstatus  active\netag    " +
                   shell.etag_of_owner("acme") + "\n");
    const auto key = shell.create("acme");
    BOOST_TEST(std::string{key.at("key").as_string().c_str()}.substr(0, 8) == "kg_live_");

    auto lists = shell.options<ListKeys>();
    BOOST_TEST(list_keys(lists, shell.console) == 0);
    const auto table = shell.said();
    BOOST_TEST(table.find(key.at("id").as_string().c_str()) != std::string::npos);
    BOOST_TEST(table.find(key.at("key").as_string().c_str()) == std::string::npos);

    auto ends = shell.options<RevokeKey>();
    ends.id = key.at("id").as_string().c_str();
    BOOST_TEST(revoke_key(ends, shell.console) == 0);
    BOOST_TEST(shell.said() == ends.id + " is revoked\n");
    ends.id = "key_nope";
    BOOST_TEST(revoke_key(ends, shell.console) == 1);
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
    made.scopes.scopes = {"a:read"};
    BOOST_TEST(create_key(made, console) == 0);
    BOOST_TEST(said().find("\nkey        kg_live_") != std::string::npos);
    BOOST_TEST(complained().find("kg_live_") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_refused_is_1_what_is_wrongly_used_is_2_what_is_away_is_3) {
    auto made = options<CreateKey>();
    made.owner = "nobody";
    BOOST_TEST(create_key(made, console) == 1);
    BOOST_TEST(complained() == "keygate: `owner`: there is no such owner in this API\n");
    BOOST_TEST(set("free", "free") == 0);
    made.owner = "free";
    BOOST_TEST(create_key(made, console) == 1);
    BOOST_TEST(complained().find("no API access") != std::string::npos);
    made.force = true;
    BOOST_TEST(create_key(made, console) == 0);
    (void)complained();

    made.config = folder.file("absent.yaml");
    BOOST_TEST(create_key(made, console) == 2);
    BOOST_TEST(complained().find("absent.yaml") != std::string::npos);

    const auto held = keys::open_sqlite_store(folder.file("gate.db"));
    BOOST_TEST_REQUIRE(held.has_value());
    made.config = config;
    BOOST_TEST(create_key(made, console) == 3);
    BOOST_TEST(complained().find("is in use") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_gateway_on_the_socket_is_asked) {
    admin::test::World world;
    Running running(admin::test::guarded(world.handler()));
    BOOST_TEST_REQUIRE(running.on_socket(folder.file("gate.db.sock")).has_value());
    auto made = options<SetOwner>();
    made.id = "acme";
    made.plan = "pro";
    BOOST_TEST(set_owner(made, console) == 0);
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
    // Whoever listens there while no gateway runs is not sent the token.
    BOOST_TEST(set("acme", "pro") == 0, err.str());
    BOOST_TEST(owners_of(world) == 0u);
    BOOST_TEST(std::filesystem::exists(folder.file("gate.db")));

    const auto held = keys::open_sqlite_store(folder.file("gate.db"));
    BOOST_TEST_REQUIRE(held.has_value());
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
    BOOST_TEST(set_owner(made, console) == 0);
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    auto all = options<ListOwners>();
    BOOST_TEST(list_owners(all, console) == 0);
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

BOOST_AUTO_TEST_CASE(an_import_that_is_cut_says_what_is_in_and_goes_on_later) {
    std::string text = "digest,owner,plan\n";
    for (int i = 0; i < 2500; ++i)
        text += digest_text(i) + ",bob,pro\n";
    {
        admin::test::World world;
        int calls = 0;
        const auto some = [&](admin::Request request) {
            const bool is_dry = request.parameter("dry_run").has_value();
            if (!is_dry && ++calls == 3) world.fault = Fault{keys::StoreError::unreadable, "x"};
            return world.api.handle(std::move(request));
        };
        Running running(admin::test::guarded(some));
        BOOST_TEST_REQUIRE(running.on_socket(folder.file("gate.db.sock")).has_value());
        BOOST_TEST(import(text) == 3);
        BOOST_TEST(complained().find("imported 2000 of 2500 keys, up to line 2001, then: ") !=
                   std::string::npos);
        world.fault.reset();
        skip_existing = true;
        BOOST_TEST(import(text) == 0, err.str());
        BOOST_TEST(said() == "imported 500 of 500 keys; 2000 existed already\n");
        BOOST_TEST(count() == 2500u);
    }
}

BOOST_AUTO_TEST_CASE(a_signal_stops_an_import_between_two_calls) {
    sigset_t held{};
    ::sigemptyset(&held);
    ::sigaddset(&held, SIGTERM);
    BOOST_TEST_REQUIRE(::pthread_sigmask(SIG_BLOCK, &held, nullptr) == 0);
    BOOST_TEST_REQUIRE(::pthread_kill(::pthread_self(), SIGTERM) == 0);
    BOOST_TEST(import("digest,owner,plan\n" + digest_text(1) + ",bob,pro\n") == 1);
    BOOST_TEST_REQUIRE(::pthread_sigmask(SIG_UNBLOCK, &held, nullptr) == 0);
    BOOST_TEST(complained() == "keygate: stopped by a signal\n");
    BOOST_TEST(count() == 0u);
}

BOOST_AUTO_TEST_CASE(a_key_lives_from_making_to_deletion) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    const auto id = member(create("acme"), "id");
    const auto first = etag_of_key(id);

    auto change = about<UpdateKey>(id);
    BOOST_TEST(update_key(change, console) == 2);
    BOOST_TEST(complained() == "keygate: name what is to be changed; see --help\n");
    change.name = "printer";
    change.scopes.scopes = {"a:read"};
    change.expires_at = "2099-01-31T00:00:00Z";
    change.metadata = R"({"room":7})";
    change.if_match = first;
    BOOST_TEST(update_key(change, console) == 0, err.str());
    const auto changed = show(id);
    BOOST_TEST(member(changed, "name") == "printer");
    BOOST_TEST(json::serialize(changed.at("scopes")) == R"(["a:read"])");
    BOOST_TEST(json::serialize(changed.at("metadata")) == R"({"room":7})");
    BOOST_TEST(member(changed, "expires_at") == "2099-01-31T00:00:00Z");
    BOOST_TEST(update_key(change, console) == 1);
    BOOST_TEST(complained().find("`If-Match`") != std::string::npos);

    auto back = about<UpdateKey>(id);
    back.no_expiry = true;
    back.scopes.default_scopes = true;
    back.plan = "free";
    BOOST_TEST(update_key(back, console) == 0, err.str());
    BOOST_TEST(show(id).at("expires_at").is_null());
    BOOST_TEST(json::serialize(show(id).at("scopes")) == R"(["a:read","a:write"])");
    BOOST_TEST(member(show(id), "plan") == "free");
    back = about<UpdateKey>(id);
    back.no_plan = true;
    back.scopes.no_scopes = true;
    BOOST_TEST(update_key(back, console) == 0, err.str());
    BOOST_TEST(show(id).at("plan").is_null());
    BOOST_TEST(json::serialize(show(id).at("scopes")) == "[]");
    back.metadata = "[]";
    BOOST_TEST(update_key(back, console) == 2);
    BOOST_TEST(complained() == "keygate: --metadata: the body must be a JSON object\n");

    BOOST_TEST(disable_key(about<OneKey>(id), console) == 0, err.str());
    BOOST_TEST(said() == id + " is disabled\n");
    BOOST_TEST(enable_key(about<OneKey>(id), console) == 0, err.str());
    BOOST_TEST(said() == id + " is active\n");

    auto removal = about<DeleteKey>(id);
    removal.yes = true;
    BOOST_TEST(delete_key(removal, console) == 0, err.str());
    BOOST_TEST(said() == id + " is deleted\n");
    BOOST_TEST(delete_key(removal, console) == 1);
    BOOST_TEST(show_key(about<OneKey>(id), console) == 1);
}

BOOST_AUTO_TEST_CASE(a_rotation_shows_the_new_key_once) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    const auto id = member(create("acme"), "id");
    auto rotation = about<RotateKey>(id);
    for (const char* wrong : {"", "soon", "-1", "1.5h", "500ms"}) {
        rotation.grace = wrong;
        BOOST_TEST(rotate_key(rotation, console) == 2, wrong);
        BOOST_TEST(complained().find("--grace") != std::string::npos);
    }
    rotation.grace = "24h";
    rotation.idempotency_key = "once";
    BOOST_TEST(rotate_key(rotation, console) == 0, err.str());
    BOOST_TEST(said().find("\nkey        kg_live_") != std::string::npos);
    BOOST_TEST(complained() == "The key is shown this once; only its digest is kept.\n");
    BOOST_TEST(rotate_key(rotation, console) == 0, err.str());
    BOOST_TEST(complained() == "An earlier call has made it; the key was shown then.\n");

    const auto old = show(id);
    const auto fresh = show(member(old, "rotated_to"));
    const auto grace = keys::time_from(member(old, "expires_at")).value() -
                       keys::time_from(member(fresh, "created_at")).value();
    BOOST_TEST((grace == std::chrono::hours{24}));
}

BOOST_AUTO_TEST_CASE(what_is_deleted_is_asked_for_first) {
    BOOST_TEST(set("acme", "pro") == 0);
    const auto removal = about<DeleteOwner>("acme");
    BOOST_TEST(delete_owner(removal, console) == 2);
    BOOST_TEST(complained().find("--yes") != std::string::npos);
    console.is_person = true;
    for (const char* answer : {"n\n", "\n", "", "maybe\n"}) {
        typed.clear();
        typed.str(answer);
        BOOST_TEST(delete_owner(removal, console) == 1);
        BOOST_TEST(complained().find("acme and all counts of its use? [y/N] ") !=
                   std::string::npos);
    }
    typed.clear();
    typed.str("y\n");
    BOOST_TEST(delete_owner(removal, console) == 0, err.str());
    BOOST_TEST(show_owner(about<OneOwner>("acme"), console) == 1);
}

BOOST_AUTO_TEST_CASE(an_owner_with_keys_stays) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    (void)create("acme");
    auto removal = about<DeleteOwner>("acme");
    removal.yes = true;
    BOOST_TEST(delete_owner(removal, console) == 1);
    BOOST_TEST(complained().find("the owner has keys") != std::string::npos);
}

boost::asio::awaitable<admin::Response> answered(admin::Response response) {
    co_return response;
}

const std::string known_key = "kg_live_" + std::string(40, 'k');

BOOST_AUTO_TEST_CASE(a_known_key_is_hashed_here) {
    auto made = options<CreateKey>();
    made.owner = "acme";
    made.plan = "pro";
    made.key_file = "-";
    made.json = true;
    typed.str(known_key + "\n");
    BOOST_TEST(create_key(made, console) == 0, err.str());
    const auto reply = said();
    BOOST_TEST(reply.find(known_key) == std::string::npos);
    const auto key = json::parse(reply).as_object();
    BOOST_TEST(known_key.starts_with(member(key, "prefix")));
    BOOST_TEST(!member(key, "prefix").empty());

    auto store = keys::open_sqlite_store(folder.file("gate.db"));
    BOOST_TEST_REQUIRE(store.has_value());
    const auto row = (*store)->find(member(key, "id"));
    BOOST_TEST_REQUIRE(row.has_value());
    BOOST_TEST((row->record.digest == keys::digest_of(known_key)));
}

BOOST_AUTO_TEST_CASE(a_text_that_is_no_key_is_not_sent_and_not_shown) {
    auto made = options<CreateKey>();
    made.owner = "acme";
    made.plan = "pro";
    made.key_file = folder.file("key");
    BOOST_TEST(create_key(made, console) == 2);
    BOOST_TEST(complained().find("cannot be read") != std::string::npos);
    for (const auto& text :
         {std::string{}, std::string{"short"}, known_key + "\n\n", " " + known_key,
          known_key + "\nkg_live_" + std::string(40, 'x'), std::string(2000, 'k')}) {
        std::ofstream(made.key_file) << text;
        BOOST_TEST(create_key(made, console) == 2);
        BOOST_TEST(complained() == "keygate: the text in --key-file is no key of the API `shop`\n");
    }
    std::ofstream(made.key_file) << known_key;
    made.mode = "test";
    BOOST_TEST(create_key(made, console) == 2);
    BOOST_TEST(complained() == "keygate: --mode: the key itself says otherwise\n");
    BOOST_TEST(count() == 0u);
}

BOOST_AUTO_TEST_CASE(lists_are_followed_over_empty_pages_and_cut_where_asked) {
    std::vector<std::string> seen;
    // A gateway whose second page is empty and not the last.
    const auto pages = [&](admin::Request request) {
        const auto cursor = request.parameter("cursor").value_or("");
        seen.push_back(cursor + "/" + request.parameter("limit").value_or(""));
        admin::Response response;
        const auto page = [&](const char* ids, const char* next) {
            response.body = std::string{R"({"object":"list","data":[)"} + ids +
                            R"(],"has_more":true,"next_cursor":)" + next + "}";
        };
        if (cursor.empty()) page(R"({"id":"key_1"},{"id":"key_2"})", R"("b")");
        if (cursor == "b") page("", R"("c")");
        if (cursor == "c") page(R"({"id":"key_3","name":"a long name"})", "null");
        return answered(std::move(response));
    };
    Running running(admin::test::guarded(pages));
    BOOST_TEST_REQUIRE(running.on_socket(folder.file("gate.db.sock")).has_value());
    auto all = options<ListKeys>();
    BOOST_TEST(list_keys(all, console) == 0, err.str());
    const auto table = said();
    BOOST_TEST(table.starts_with("ID     API"));
    BOOST_TEST(std::count(table.begin(), table.end(), '\n') == 4);
    BOOST_TEST(table.find("key_3") != std::string::npos);
    const std::vector<std::string> whole{"/100", "b/100", "c/100"};
    BOOST_TEST(seen == whole, boost::test_tools::per_element());

    all.json = true;
    all.limit = 3;
    BOOST_TEST(list_keys(all, console) == 0, err.str());
    BOOST_TEST(json::parse(said()) ==
               json::parse(R"({"object":"list","data":[{"id":"key_1"},{"id":"key_2"},)"
                           R"({"id":"key_3","name":"a long name"}],)"
                           R"("has_more":false,"next_cursor":null})"));
    seen.clear();
    all.limit = 2;
    all.prefix = "kg_";
    BOOST_TEST(list_keys(all, console) == 0, err.str());
    BOOST_TEST(json::parse(said()).at("next_cursor") == "b");
    BOOST_TEST(seen.size() == 1u);
}

BOOST_AUTO_TEST_CASE(usage_is_shown_of_a_key_or_of_an_owner) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    const auto id = member(create("acme"), "id");
    auto asked = options<ShowUsage>();
    BOOST_TEST(show_usage(asked, console) == 2);
    asked.key = id;
    BOOST_TEST(show_usage(asked, console) == 0, err.str());
    BOOST_TEST(said().find("requests") != std::string::npos);
    asked.owner = "acme";
    BOOST_TEST(show_usage(asked, console) == 2);
    asked.key.clear();
    BOOST_TEST(show_usage(asked, console) == 0, err.str());
    asked.owner = "nobody";
    BOOST_TEST(show_usage(asked, console) == 1);
}

BOOST_AUTO_TEST_CASE(rates_and_quotas_begin_anew_when_somebody_says_so) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    auto asked = options<ResetUsage>();
    BOOST_TEST(reset_usage(asked, console) == 2);
    asked.key = member(create("acme"), "id");
    BOOST_TEST(reset_usage(asked, console) == 2); // nobody is there to be asked
    asked.yes = true;
    BOOST_TEST(reset_usage(asked, console) == 0, err.str());
    BOOST_TEST(said() == "rates and quotas of " + asked.key + " begin anew\n");
    asked.key = "nobody";
    BOOST_TEST(reset_usage(asked, console) == 1);
    asked.key.clear();
    asked.owner = "acme";
    BOOST_TEST(reset_usage(asked, console) == 0, err.str());
}

BOOST_AUTO_TEST_CASE(a_key_may_have_limits_of_its_own) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    auto made = options<CreateKey>();
    made.owner = "acme";
    made.json = true;
    made.limits.rates = {"5/1s", R"({"rate":"100/1m","burst":20})"};
    made.limits.quotas = {"requests=1000/month", R"(requests={"limit":"50/day","by":"owner"})"};
    BOOST_TEST_REQUIRE(create_key(made, console) == 0, err.str());
    const auto key = json::parse(said()).as_object();
    BOOST_TEST(json::serialize(key.at("rate")) == R"(["5/1s",{"rate":"100/1m","burst":20}])");
    BOOST_TEST(json::serialize(key.at("quota")) ==
               R"({"requests":["1000/month",{"limit":"50/day","by":"owner"}]})");
    const auto id = member(key, "id");
    auto asked = options<ShowUsage>();
    asked.key = id;
    BOOST_TEST(show_usage(asked, console) == 0, err.str());
    BOOST_TEST(said().find(" 0 of 100/1m by key\n") != std::string::npos);
    auto changed = about<UpdateKey>(id);
    changed.limits.rates = {"7/1s"};
    BOOST_TEST(update_key(changed, console) == 0, err.str());
    BOOST_TEST(show(id).at("rate") == "7/1s");
    for (const char* quota :
         {"1000/month", "=5/day", "requests={x", "requests=often", "tests=1/day"}) {
        auto wrong = about<UpdateKey>(id);
        wrong.limits.quotas = {quota};
        BOOST_TEST(update_key(wrong, console) != 0, quota);
    }
    auto none = about<UpdateKey>(id);
    none.plan_limits = true;
    BOOST_TEST(update_key(none, console) == 0, err.str());
    BOOST_TEST(show(id).at("rate").is_null());
    BOOST_TEST(show(id).at("quota").is_null());
}

BOOST_AUTO_TEST_CASE(a_key_may_be_for_some_places_and_some_uses) {
    BOOST_TEST_REQUIRE(set("acme", "pro") == 0);
    auto made = options<CreateKey>();
    made.owner = "acme";
    made.json = true;
    made.restrictions.addresses = {"192.0.2.0/24", "2001:db8::/32"};
    made.restrictions.referrers = {"https://*.example.com"};
    made.restrictions.endpoints = {"GET /a/**"};
    (void)said();
    BOOST_TEST_REQUIRE(create_key(made, console) == 0, err.str());
    const auto id = std::string{json::parse(said()).at("id").as_string()};
    BOOST_TEST(json::serialize(show(id).at("addresses")) == R"(["192.0.2.0/24","2001:db8::/32"])");
    BOOST_TEST(show_key(about<OneKey>(id), console) == 0);
    const std::string shown = said();
    BOOST_TEST(shown.find("192.0.2.0/24, 2001:db8::/32\n") != std::string::npos, shown);
    BOOST_TEST(shown.find("https://*.example.com\n") != std::string::npos, shown);
    BOOST_TEST(shown.find("GET /a/**\n") != std::string::npos, shown);

    auto changed = about<UpdateKey>(id);
    changed.no_addresses = changed.no_referrers = changed.no_bind = true;
    changed.restrictions.endpoints = {"POST /a"};
    BOOST_TEST(update_key(changed, console) == 0, err.str());
    BOOST_TEST(show(id).at("addresses").is_null());
    BOOST_TEST(show(id).at("referrers").is_null());
    BOOST_TEST(json::serialize(show(id).at("endpoints")) == R"(["POST /a"])");
    // A binding is a name and a value; which names there are says the API.
    for (const char* wrong : {"store", "=7", "store="}) {
        changed.restrictions.bind = {wrong};
        BOOST_TEST(update_key(changed, console) == 2, wrong);
        BOOST_TEST(complained().find("--bind: expected a name and its value") != std::string::npos);
    }
    changed.restrictions.bind = {"store=7", "store=8"};
    BOOST_TEST(update_key(changed, console) == 2);
    BOOST_TEST(complained().find("stands there twice") != std::string::npos);
    changed.restrictions.bind = {"store=7=8"};
    changed.no_bind = false;
    BOOST_TEST(update_key(changed, console) == 1);
    BOOST_TEST(complained().find("`bind`: no path of the API is bound to `store`") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_key_made_anew_ends_the_others) {
    BOOST_TEST_REQUIRE(set("acme", "pro") == 0);
    (void)said();
    const auto first = create("acme");
    auto made = options<CreateKey>();
    made.owner = "acme";
    made.regenerate = true;
    BOOST_TEST_REQUIRE(create_key(made, console) == 0, err.str());
    BOOST_TEST(show(std::string{first.at("id").as_string()}).at("status") == "revoked");
}

BOOST_AUTO_TEST_CASE(a_key_is_shown_again_where_it_was_kept) {
    BOOST_TEST_REQUIRE(set("acme", "pro") == 0);
    (void)said();
    const auto before = std::string{create("acme").at("id").as_string()};
    BOOST_TEST(reveal_key(about<OneKey>(before), console) == 1);
    BOOST_TEST(complained().find("not recoverable") != std::string::npos);
    std::ifstream read(config);
    std::string text{std::istreambuf_iterator<char>(read), {}};
    text.insert(text.find("    plans:"), "    recoverable: {key_file: reveal.key}\n");
    std::ofstream(config) << text;
    (void)said();
    const auto key = create("acme");
    BOOST_TEST(reveal_key(about<OneKey>(std::string{key.at("id").as_string()}), console) == 0,
               err.str());
    BOOST_TEST(said() == std::string{key.at("key").as_string()} + "\n");
    BOOST_TEST(std::filesystem::exists(folder.file("reveal.key")));
    BOOST_TEST(reveal_key(about<OneKey>(before), console) == 1); // made when nothing was kept
}

BOOST_AUTO_TEST_CASE(a_backup_can_be_opened_and_replaces_nothing) {
    BOOST_TEST(set("acme", "pro") == 0);
    (void)said();
    auto made = options<BackUp>();
    made.file = std::filesystem::relative(folder.file("x/../copy.db")).string();
    BOOST_TEST(back_up(made, console) == 0, err.str());
    BOOST_TEST(
        said().starts_with(std::filesystem::absolute(folder.file("copy.db")).string() + " holds "));
    auto copy = keys::open_sqlite_store(folder.file("copy.db"));
    BOOST_TEST_REQUIRE(copy.has_value());
    BOOST_TEST(((*copy)->find_owner({"shop", "acme"}).has_value()));
    BOOST_TEST(back_up(made, console) == 1);
    BOOST_TEST(complained().find("exists already") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_flag_that_cannot_be_a_field_is_wrong_usage) {
    auto made = about<OneKey>("key_1");
    made.if_match = "a\r\nX: y";
    BOOST_TEST(disable_key(made, console) == 2);
    BOOST_TEST(complained() == "keygate: --if-match: visible ASCII characters only\n");
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
