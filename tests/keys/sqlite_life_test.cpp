#include "keys/pepper.hpp"
#include "keys/records.hpp"
#include "keys/sqlite_store.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

// What becomes of a store in the course of time: older files, receipts, peppers, copies.
namespace keygate::keys {
namespace {

using test::key_record;
using test::owner_record;
using test::TempFolder;

void run_sql(const std::string& file, const std::string& sql) {
    sqlite3* handle = nullptr;
    BOOST_TEST_REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
    char* message = nullptr;
    const int code = sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message);
    BOOST_TEST_CHECK(code == SQLITE_OK, (message != nullptr ? message : ""));
    sqlite3_free(message);
    sqlite3_close(handle);
}

std::string sql_value(const std::string& file, const std::string& sql) {
    sqlite3* handle = nullptr;
    BOOST_TEST_REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
    std::string value;
    sqlite3_exec(
        handle, sql.c_str(),
        [](void* to, int, char** row, char**) {
            *static_cast<std::string*>(to) = row[0] != nullptr ? row[0] : "";
            return 0;
        },
        &value, nullptr);
    sqlite3_close(handle);
    return value;
}

// As the first release made it.
constexpr const char* version_1 = R"(
CREATE TABLE keys (
    number     INTEGER PRIMARY KEY,
    digest     BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    id         TEXT NOT NULL UNIQUE CHECK (id <> ''),
    api        TEXT NOT NULL CHECK (api <> ''),
    owner      TEXT NOT NULL CHECK (owner <> ''),
    status     TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'revoked')),
    mode       TEXT NOT NULL CHECK (mode IN ('live', 'test')),
    plan       TEXT,
    scopes     TEXT,
    name       TEXT NOT NULL,
    prefix     TEXT NOT NULL,
    hint       TEXT NOT NULL,
    created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T??:??:??Z'),
    expires_at TEXT          CHECK (expires_at GLOB '????-??-??T??:??:??Z'),
    owner_record_required INTEGER NOT NULL CHECK (owner_record_required IN (0, 1))
) STRICT;
CREATE INDEX keys_of_owner ON keys (owner);
CREATE TABLE owners (
    number     INTEGER PRIMARY KEY,
    api        TEXT NOT NULL CHECK (api <> ''),
    id         TEXT NOT NULL CHECK (id <> ''),
    name       TEXT NOT NULL,
    plan       TEXT,
    status     TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    attributes TEXT NOT NULL,
    UNIQUE (api, id)
) STRICT;
INSERT INTO keys VALUES (4, zeroblob(32), 'key_old', 'shop', 'acme', 'revoked', 'live', 'pro',
    'a:read', 'Label', 'kg_live_ab', '9xyz', '2026-03-11T10:30:00Z', NULL, 1);
INSERT INTO owners VALUES (1, 'shop', 'acme', 'Acme', 'pro', 'suspended', '{"a":1}');
PRAGMA application_id = 1801940084;
PRAGMA user_version = 1;
)";

struct Folder {
    TempFolder folder;
    std::string file = folder.file("keys.db");

    [[nodiscard]] std::unique_ptr<KeyStore> open() const { return open_sqlite_store(file).value(); }

    /// Copies that are not complete.
    [[nodiscard]] int parts() const {
        int count = 0;
        for (const auto& entry : std::filesystem::directory_iterator{folder.file("")})
            if (entry.path().string().find(".part-") != std::string::npos &&
                entry.path().string().find("-journal") == std::string::npos)
                ++count;
        return count;
    }
};

BOOST_FIXTURE_TEST_SUITE(keys_sqlite_life, Folder)

BOOST_AUTO_TEST_CASE(an_older_file_is_brought_up_to_date_and_loses_nothing) {
    run_sql(file, version_1);
    auto store = open();
    const KeyRow row = store->find("key_old").value();
    BOOST_TEST((row.record.status == KeyStatus::revoked));
    BOOST_TEST(row.record.name == "Label");
    BOOST_TEST(row.record.scopes->size() == 1U);
    BOOST_TEST(row.record.owner_record_required);
    BOOST_TEST(row.record.pepper.empty());
    BOOST_TEST(row.record.metadata == "{}");
    BOOST_TEST(row.record.rate.empty());
    BOOST_TEST(row.record.quota.empty());
    BOOST_TEST(row.record.addresses.empty());
    BOOST_TEST(row.record.referrers.empty());
    BOOST_TEST(row.record.endpoints.empty());
    BOOST_TEST(row.record.bind.empty());
    BOOST_TEST(!row.record.secret_digest.has_value());
    BOOST_TEST(row.record.sealed.empty());
    BOOST_TEST(!row.record.rotated_to.has_value());
    BOOST_TEST((row.usage == Usage{}));
    BOOST_TEST((store->find_owner({"shop", "acme"}).value().status == OwnerStatus::suspended));
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
    store.reset();
    // The same tables as a new file has.
    const std::string fresh = folder.file("fresh.db");
    BOOST_TEST_REQUIRE(open_sqlite_store(fresh).has_value());
    for (const char* sql : {"PRAGMA user_version",
                            "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema "
                            "WHERE name NOT LIKE 'sqlite%' ORDER BY name)",
                            "SELECT group_concat(name || type) FROM pragma_table_info('keys')"})
        BOOST_TEST(sql_value(file, sql) == sql_value(fresh, sql));
}

BOOST_AUTO_TEST_CASE(a_file_of_the_version_before_is_brought_up_to_date) {
    run_sql(file, version_1);
    BOOST_TEST_REQUIRE(open_sqlite_store(file).has_value());
    // What the fourth version has added, taken away again.
    run_sql(file, "ALTER TABLE keys DROP COLUMN addresses; ALTER TABLE keys DROP COLUMN referrers;"
                  "ALTER TABLE keys DROP COLUMN endpoints; ALTER TABLE keys DROP COLUMN bind;"
                  "ALTER TABLE keys DROP COLUMN secret_digest;"
                  "ALTER TABLE keys DROP COLUMN sealed; PRAGMA user_version = 3;"
                  "UPDATE keys SET rate = '5/1s';"
                  "INSERT INTO usage VALUES ('shop', 'acme', 'key_old', NULL, 7, '2026-03', 7)");
    const auto store = open();
    const KeyRow row = store->find("key_old").value();
    BOOST_TEST(row.record.rate == "5/1s");
    BOOST_TEST(row.record.addresses.empty());
    BOOST_TEST(row.usage.total == 7U);
    KeyRecord changed = row.record;
    changed.addresses = {"192.0.2.0/24"};
    changed.bind = {{"store", "7"}};
    changed.secret_digest = digest_of("all of it");
    changed.sealed = "v1.a.b";
    Change change;
    change.update.push_back(changed);
    BOOST_TEST(store->commit(change).has_value());
    BOOST_TEST((store->find("key_old").value().record == changed));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_brought_up_to_date_stays_as_it_is) {
    run_sql(file, std::string{version_1} + "CREATE TABLE usage (mine)");
    BOOST_TEST(open_sqlite_store(file).has_error());
    BOOST_TEST(sql_value(file, "PRAGMA user_version") == "1");
    BOOST_TEST(sql_value(file, "SELECT count(*) FROM pragma_table_info('keys')") == "15");
}

BOOST_AUTO_TEST_CASE(receipts_are_kept_with_their_change_for_a_day) {
    auto store = open();
    const Time now = *time_from("2026-11-02T00:00:00Z");
    Change change;
    change.insert.push_back(key_record(1));
    change.receipt = Receipt{.name = "ops a",
                             .request = "digest",
                             .status = 201,
                             .answer = R"({"id":"key_1"})",
                             .location = "/admin/v1/keys/key_1",
                             .at = now};
    BOOST_TEST(store->commit(change).has_value());
    store.reset();
    store = open();
    const auto since = now - receipt_life;
    BOOST_TEST((store->find_receipt("ops a", since).value() == change.receipt));
    BOOST_TEST(!store->find_receipt("ops b", since).value().has_value());
    BOOST_TEST(!store->find_receipt("ops a", now + std::chrono::seconds{1}).value().has_value());

    // One that fails leaves none.
    change.receipt->name = "ops c";
    BOOST_TEST(store->commit(change).has_error());
    BOOST_TEST(!store->find_receipt("ops c", since).value().has_value());

    // Old ones make way.
    Change later;
    later.receipt = change.receipt;
    later.receipt->at = now + std::chrono::hours{25};
    BOOST_TEST(store->commit(later).has_value());
    BOOST_TEST(!store->find_receipt("ops a", Time{}).value().has_value());
}

// Copies.

BOOST_AUTO_TEST_CASE(a_copy_is_whole_and_the_store_goes_on_meanwhile) {
    auto store = open();
    std::vector<KeyRecord> many;
    for (int i = 0; i < 20'000; ++i)
        many.push_back(key_record(i));
    BOOST_TEST(keygate::test::insert(*store, many).has_value());
    const std::string copy = folder.file("copy.db");
    auto backup = store->backup(copy).value();
    int steps = 0;
    for (bool is_complete = false; !is_complete; ++steps) {
        is_complete = backup->step().value();
        BOOST_TEST(std::filesystem::exists(copy) == is_complete);
        if (steps == 0) BOOST_TEST(keygate::test::insert(*store, {key_record(20'000)}).has_value());
    }
    BOOST_TEST(steps > 1);
    backup.reset();
    BOOST_TEST(parts() == 0);

    struct stat status {};

    BOOST_TEST(::stat(copy.c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777) == 0600);
    // While the first one is still open.
    const auto restored = open_sqlite_store(copy);
    BOOST_TEST_REQUIRE(restored.has_value());
    BOOST_TEST((*restored)->find("key_19999").has_value());
    BOOST_TEST((*restored)->find("key_20000").has_value());
}

BOOST_AUTO_TEST_CASE(a_copy_never_replaces_a_file_and_leaves_nothing_half_done) {
    auto store = open();
    const std::string copy = folder.file("copy.db");
    std::ofstream(copy) << "precious";
    const auto refused = store->backup(copy);
    BOOST_TEST((refused.has_error() && refused.error().error == boost::system::errc::file_exists));
    BOOST_TEST(store->backup("copy.db").has_error()); // relative: to what?
    BOOST_TEST(store->backup(folder.file("no/copy.db")).has_error());
    {
        auto begun = store->backup(folder.file("other.db")).value();
        BOOST_TEST(parts() == 1);
    }
    BOOST_TEST(parts() == 0);
    {
        // Somebody takes the name meanwhile.
        auto begun = store->backup(folder.file("third.db")).value();
        std::ofstream(folder.file("third.db")) << "precious";
        Result<bool> stepped = begun->step();
        while (stepped && !*stepped)
            stepped = begun->step();
        BOOST_TEST(stepped.has_error());
    }
    BOOST_TEST(std::filesystem::file_size(folder.file("third.db")) == 8U);
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
}

// Peppers.

struct PepperFiles : Folder {
    config::Settings settings;

    void add(const std::string& name, const std::string& text) {
        const std::string path = folder.file("pepper-" + name);
        std::ofstream(path) << text << '\n';
        ::chmod(path.c_str(), 0600);
        settings.peppers.push_back({.name = name, .file = path, .place = {}});
    }

    [[nodiscard]] Peppers load() const { return Peppers::load(settings).value(); }
};

BOOST_FIXTURE_TEST_CASE(a_pepper_is_the_key_of_an_hmac, PepperFiles) {
    add("2026", "0123456789abcdef0123456789abcdef");
    const Peppers peppers = load();
    // printf %s rp_abc | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    BOOST_TEST(to_hex(peppers.digest_of_new("rp_abc")) ==
               "1f00a2fb344122c0e223c752d7834a9245f528c1ce253d2315aa2a3f04d3d61f");
    BOOST_TEST((peppers.digest_of_new("rp_abc") == peppers.digest_of(0, "rp_abc")));
    BOOST_TEST((peppers.digest_of_new("rp_abc") != digest_of("rp_abc")));
    BOOST_TEST(peppers.current() == "2026");
    BOOST_TEST((Peppers{}.digest_of_new("rp_abc") == digest_of("rp_abc")));
}

BOOST_FIXTURE_TEST_CASE(pepper_files_are_secrets, PepperFiles) {
    add("short", "0123456789abcdef");
    const auto is_too_short = Peppers::load(settings);
    BOOST_TEST((is_too_short.has_error()));
    settings.peppers.clear();
    add("open", "0123456789abcdef0123456789abcdef");
    ::chmod(settings.peppers[0].file.c_str(), 0644);
    const auto is_open = Peppers::load(settings);
    BOOST_TEST(
        (is_open.has_error() && is_open.error().error == boost::system::errc::permission_denied));
    BOOST_TEST(to_string(is_open.error()).find("0123456789abcdef") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_pepper_that_keys_need_cannot_be_forgotten_or_replaced, PepperFiles) {
    auto store = open();
    add("a", std::string(40, 'a'));
    BOOST_TEST(load().agree_with(*store).has_value());
    KeyRecord key = key_record(1);
    key.pepper = "a";
    BOOST_TEST(keygate::test::insert(*store, {key}).has_value());
    BOOST_TEST(load().agree_with(*store).has_value());

    settings.peppers.clear();
    add("b", std::string(40, 'b'));
    const auto without = load().agree_with(*store);
    BOOST_TEST_REQUIRE(without.has_error());
    BOOST_TEST(to_string(without.error()).find("1 keys were made with pepper `a`") !=
               std::string::npos);

    add("a", std::string(40, 'x'));
    const auto another = load().agree_with(*store);
    BOOST_TEST_REQUIRE(another.has_error());
    BOOST_TEST(to_string(another.error()).find("another text") != std::string::npos);

    settings.peppers.pop_back();
    add("a", std::string(40, 'a'));
    BOOST_TEST(load().agree_with(*store).has_value()); // b first: new keys are made with it
    BOOST_TEST(keygate::test::remove(*store, "key_1").has_value());
    settings.peppers.pop_back();
    BOOST_TEST(load().agree_with(*store).has_value()); // nobody needs it any more
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
