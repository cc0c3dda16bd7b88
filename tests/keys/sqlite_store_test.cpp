#include "keys/fill.hpp"
#include "keys/records.hpp"
#include "keys/store_kinds.hpp"
#include "support/store_calls.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <sqlite3.h>

#include <fstream>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// A filter is told by what it names; the rest is empty on purpose.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using test::failed;
using test::full_record;
using test::key_record;
using test::owner_record;
using test::TempFolder;

struct Opened {
    TempFolder folder;
    std::string file = folder.file("keys.db");
    std::unique_ptr<KeyStore> store = open();

    [[nodiscard]] std::unique_ptr<KeyStore> open() const {
        auto opened = open_sqlite_store(file);
        BOOST_TEST_REQUIRE(opened.has_value());
        return std::move(*opened);
    }

    void reopen() {
        store.reset();
        store = open();
    }

    /// What an operator's own tool would do to the closed file.
    void edit(const std::string& sql) {
        store.reset();
        sqlite3* handle = nullptr;
        BOOST_TEST_REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
        char* message = nullptr;
        const int code = sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message);
        BOOST_TEST_CHECK(code == SQLITE_OK, (message != nullptr ? message : ""));
        sqlite3_free(message);
        sqlite3_close(handle);
    }

    [[nodiscard]] std::vector<KeyRecord> all_keys() const {
        std::vector<KeyRecord> keys;
        const auto done = store->each([](OwnerRecord&&) {},
                                      [&](KeyRecord&& key) { keys.push_back(std::move(key)); });
        BOOST_TEST_REQUIRE(done.has_value());
        return keys;
    }

    [[nodiscard]] std::vector<std::string> ids(const KeyFilter& filter) const {
        const auto keys = store->list(filter);
        BOOST_TEST_REQUIRE(keys.has_value());
        std::vector<std::string> ids;
        for (const KeyRow& row : keys->rows)
            ids.push_back(row.record.id);
        return ids;
    }
};

using Words = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(keys_sqlite_store, Opened)

BOOST_AUTO_TEST_CASE(a_new_file_is_empty_and_nobody_else_s) {
    BOOST_TEST(all_keys().empty());

    struct stat status {};

    for (const std::string& name : {file, file + "-wal"}) {
        BOOST_TEST_REQUIRE(::stat(name.c_str(), &status) == 0, name);
        BOOST_TEST((status.st_mode & 0777) == 0600, name);
    }
}

// Writing.

// Lists.

BOOST_AUTO_TEST_CASE(cursors_survive_a_vacuum) {
    std::vector<KeyRecord> keys;
    for (int i = 0; i < 100; ++i)
        keys.push_back(key_record(i));
    BOOST_TEST(keygate::test::insert(*store, keys).has_value());
    edit("DELETE FROM keys WHERE number % 3 = 0; VACUUM");
    store = open();
    Words all;
    KeyFilter filter{.limit = 7};
    for (bool is_last = false; !is_last;) {
        const auto page = store->list(filter).value();
        for (const KeyRow& row : page.rows)
            all.push_back(row.record.id);
        is_last = !page.next;
        filter.cursor = page.next.value_or("");
    }
    BOOST_TEST(all == ids({}), boost::test_tools::per_element());
    BOOST_TEST(all.size() == 67U);
}

// Files that are somebody else's.

BOOST_AUTO_TEST_CASE(a_second_handle_is_refused_and_harms_nothing) {
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(failed(open_sqlite_store(file), StoreError::in_use));
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
    reopen();
    BOOST_TEST(store->find("key_1").has_value());
}

BOOST_AUTO_TEST_CASE(a_second_process_is_refused_until_the_first_has_closed) {
    // The child is made before anything is opened: it shares no SQLite with us.
    store.reset();
    int go[2];
    BOOST_TEST_REQUIRE(::pipe(go) == 0);
    int verdict[2];
    BOOST_TEST_REQUIRE(::pipe(verdict) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(go[1]); // so that it ends with us, however we end
        const auto try_it = [&] {
            const auto opened = open_sqlite_store(file);
            return opened ? 'o' : failed(opened, StoreError::in_use) ? 'u' : '?';
        };
        char turn = 0;
        while (::read(go[0], &turn, 1) == 1 && turn != 'q') {
            const char answer = try_it(); // and closed again before we hear of it
            if (::write(verdict[1], &answer, 1) != 1) break;
        }
        ::_exit(0);
    }
    const auto ask = [&] {
        char answer = 0;
        BOOST_TEST(::write(go[1], "g", 1) == 1);
        BOOST_TEST(::read(verdict[0], &answer, 1) == 1);
        return answer;
    };
    store = open();
    BOOST_TEST(ask() == 'u');
    // A refused second handle of our own must not have let go of the lock.
    BOOST_TEST(failed(open_sqlite_store(file), StoreError::in_use));
    BOOST_TEST(ask() == 'u');
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
    BOOST_TEST(ask() == 'u');
    store.reset();
    BOOST_TEST(ask() == 'o');
    store = open();
    BOOST_TEST(store->find("key_1").has_value());
    BOOST_TEST(::write(go[1], "q", 1) == 1);
    ::waitpid(child, nullptr, 0);
    for (const int end : {go[0], go[1], verdict[0], verdict[1]})
        ::close(end);
}

BOOST_AUTO_TEST_CASE(a_newer_schema_is_not_touched) {
    edit("PRAGMA user_version = 99");
    const auto opened = open_sqlite_store(file);
    BOOST_TEST(failed(opened, StoreError::unreadable));
    BOOST_TEST(opened.error().step.find("schema version is 99") != std::string::npos);
    edit("PRAGMA user_version = 4");
    store = open();
}

BOOST_AUTO_TEST_CASE(another_program_s_database_is_not_touched) {
    file = folder.file("other.db");
    edit("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')");
    const auto bytes = [&] {
        std::ifstream in{file, std::ios::binary};
        return std::string{std::istreambuf_iterator<char>{in}, {}};
    };
    const std::string before = bytes();
    const auto opened = open_sqlite_store(file);
    BOOST_TEST(failed(opened, StoreError::unreadable));
    BOOST_TEST(opened.error().step.find("not made by keygate") != std::string::npos);
    BOOST_TEST((bytes() == before));
}

BOOST_AUTO_TEST_CASE(a_text_file_is_not_a_store) {
    for (const std::size_t size : {5U, 100U, 5'000U}) {
        file = folder.file("text" + std::to_string(size));
        std::ofstream{file} << std::string(size, 'x');
        BOOST_TEST(failed(open_sqlite_store(file), StoreError::unreadable), size);
    }
}

BOOST_AUTO_TEST_CASE(a_file_without_our_tables_is_unreadable) {
    edit("DROP TABLE owners");
    BOOST_TEST(failed(open_sqlite_store(file), StoreError::unreadable));
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_a_new_store) {
    file = folder.file("empty.db");
    std::ofstream{file}.close();
    store = open();
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
}

BOOST_AUTO_TEST_CASE(a_place_that_cannot_be_is_the_system_s_error) {
    const auto missing = open_sqlite_store(folder.file("no/such/folder/keys.db"));
    BOOST_TEST_REQUIRE(missing.has_error());
    BOOST_TEST((missing.error().error == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST(missing.error().step.find("no/such/folder") != std::string::npos);
    BOOST_TEST(open_sqlite_store(folder.file("")).has_error()); // a folder
    BOOST_TEST(open_sqlite_store("").has_error());
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_be_written_is_refused) {
    if (::geteuid() == 0) return; // root may write anything
    store.reset();
    BOOST_TEST(::chmod(file.c_str(), 0400) == 0);
    const auto opened = open_sqlite_store(file);
    BOOST_TEST_REQUIRE(opened.has_error());
    BOOST_TEST((opened.error().error == boost::system::errc::permission_denied));
}

BOOST_AUTO_TEST_CASE(names_that_mean_something_to_sqlite_are_files) {
    const auto here = std::filesystem::current_path();
    std::filesystem::current_path(std::filesystem::path{file}.parent_path());
    file = ":memory:";
    store = open();
    BOOST_TEST(keygate::test::insert(*store, {key_record(1)}).has_value());
    reopen();
    BOOST_TEST(store->find("key_1").has_value());
    BOOST_TEST(std::filesystem::exists(folder.file(":memory:")));
    std::filesystem::current_path(here);
}

// Rows that somebody spoiled.

BOOST_DATA_TEST_CASE_F(
    Opened, other_tools_cannot_write_what_we_cannot_read,
    bdata::make({"status = 'Active'", "mode = 'prod'", "digest = x'00'", "digest = NULL",
                 "created_at = 'today'", "expires_at = ''", "expires_at = 5", "owner = ''",
                 "owner_record_required = 2", "id = ''", "name = x'00'", "addresses = ''",
                 "addresses = '192.0.2.1'", "referrers = '[]'", "endpoints = '{}'", "bind = '{}'",
                 "bind = '[\"a\"]'", "secret_digest = x'00'", "sealed = NULL"}),
    change) {
    BOOST_TEST(keygate::test::insert(*store, {full_record()}).has_value());
    store.reset();
    sqlite3* handle = nullptr;
    BOOST_TEST_REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
    const std::string sql = std::string{"UPDATE keys SET "} + change;
    BOOST_TEST(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK);
    sqlite3_close(handle);
}

BOOST_DATA_TEST_CASE_F(Opened, a_damaged_key_takes_no_other_with_it,
                       bdata::make({"status = 'frozen'", "mode = ''", "digest = x'00'",
                                    "created_at = '2026-02-30T00:00:00Z'",
                                    "expires_at = 'tomorrow'", "addresses = '[]'",
                                    "referrers = '[7]'", "endpoints = '[\"\"]'",
                                    "bind = '{\"a\":\"b\",\"a\":\"c\"}'", "secret_digest = x'00'"}),
                       change) {
    BOOST_TEST(
        keygate::test::insert(*store, {key_record(1), full_record(), key_record(2)}).has_value());
    edit(std::string{"PRAGMA ignore_check_constraints = ON; UPDATE keys SET "} + change +
         " WHERE id = 'key_7'");
    store = open();
    const auto keys = all_keys();
    BOOST_TEST_REQUIRE(keys.size() == 3U);
    BOOST_TEST((keys[0] == key_record(1)));
    BOOST_TEST((keys[2] == key_record(2)));
    BOOST_TEST(!keys[1].readable);
    BOOST_TEST(keys[1].id == "key_7");
    BOOST_TEST(keys[1].api == "deals");

    BOOST_TEST(!store->find("key_7").value().record.readable);
    BOOST_TEST(store->list({}).value().rows.size() == 3U);
    BOOST_TEST(!store->list({}).value().rows[1].record.readable);

    Table table{test::catalog()};
    BOOST_TEST(fill(*store, table).has_value());
    BOOST_TEST(!table.find(keys[1].digest)->readable);
}

BOOST_AUTO_TEST_CASE(a_damaged_owner_opens_nothing_and_takes_no_other_with_it) {
    KeyRecord key = key_record(1);
    key.plan = "pro";
    KeyRecord other = key_record(2);
    other.plan = "pro";
    other.owner = "umbrella";
    BOOST_TEST(keygate::test::insert(*store, {key, other}).has_value());
    BOOST_TEST(keygate::test::put_owner(*store, owner_record("acme")).has_value());
    BOOST_TEST(keygate::test::put_owner(*store, owner_record("umbrella")).has_value());
    edit("PRAGMA ignore_check_constraints = ON; UPDATE owners SET status = '' WHERE id = 'acme'");
    store = open();
    Table table{test::catalog()};
    BOOST_TEST(fill(*store, table).has_value());
    BOOST_TEST(!table.find(key.digest)->readable);
    BOOST_TEST(table.find(other.digest)->readable);
    BOOST_TEST(!store->find_owner({"shop", "acme"}).value().readable);
    // Writing it anew repairs it.
    BOOST_TEST(keygate::test::put_owner(*store, owner_record("acme")).has_value());
    BOOST_TEST(store->find_owner({"shop", "acme"}).value().readable);
}

BOOST_AUTO_TEST_CASE(a_torn_file_is_an_error_and_no_end) {
    std::vector<KeyRecord> keys;
    for (int i = 0; i < 2'000; ++i)
        keys.push_back(key_record(i));
    BOOST_TEST(keygate::test::insert(*store, keys).has_value());
    store.reset();
    {
        // Pages in the middle are overwritten, as a bad disk would.
        std::fstream bytes{file, std::ios::binary | std::ios::in | std::ios::out};
        for (int page = 8; page < 200; page += 3) {
            bytes.seekp(page * 4'096);
            bytes << std::string(4'096, '\x5a');
        }
    }
    store = open();
    const auto done = store->each([](OwnerRecord&&) {}, [](KeyRecord&&) {});
    BOOST_TEST(failed(done, StoreError::unreadable));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_a_fault_and_loses_nothing) {
    store.reset();
    const pid_t child = ::fork();
    if (child == 0) {
        // No file of this process may grow past 256 KiB.
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{256 * 1024, 256 * 1024};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        auto opened = open_sqlite_store(file);
        if (!opened || !keygate::test::insert(**opened, {key_record(1)})) ::_exit(1);
        std::vector<KeyRecord> many;
        for (int i = 2; i < 5'000; ++i)
            many.push_back(key_record(i));
        const auto inserted = keygate::test::insert(**opened, many);
        if (inserted || inserted.error().error == StoreError::conflict) ::_exit(2);
        if (!(*opened)->find("key_1") || (*opened)->find("key_2")) ::_exit(3);
        // There is room for one more, and it is taken.
        if (!keygate::test::insert(**opened, {key_record(2)})) ::_exit(4);
        opened->reset();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    BOOST_TEST(status == 0);
    store = open();
    BOOST_TEST(ids({}) == (Words{"key_1", "key_2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(errors_have_words) {
    BOOST_TEST(std::string{store_category().name()} == "keygate.store");
    for (const StoreError error : {StoreError::conflict, StoreError::not_found, StoreError::in_use,
                                   StoreError::unreadable}) {
        const boost::system::error_code code = error;
        BOOST_TEST(!code.message().empty());
        BOOST_TEST(code.message() != "unknown store error");
    }
    BOOST_TEST(store_category().message(99) == "unknown store error");
    BOOST_TEST(to_string(store->find("key_1").error()) == "key_1: not found");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
