#include "keys/sqlite_store.hpp"

#include "keys/sqlite.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

// One file, two tables. Words and times are text, so that an operator can read the file with any
// SQLite tool; the CHECKs keep that tool from writing what keygate could not read. `number` is the
// order of creation and what cursors stand on (a bare rowid would not survive VACUUM).
//
// Commits are durable when they return: WAL with synchronous=FULL. The file's lock is taken when it
// is opened and kept until it is closed, without waiting: a second gateway on one file would decide
// by a table that knows nothing of the first one's changes.
namespace keygate::keys {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;
using sqlite::Use;
namespace errc = boost::system::errc;

constexpr const char* application_id = "1801940084"; // 0x6b677374, "kgst"
constexpr int schema_version = 1;

constexpr const char* schema = R"(
CREATE TABLE keys (
    number     INTEGER PRIMARY KEY,
    digest     BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    id         TEXT NOT NULL UNIQUE CHECK (id <> ''),
    api        TEXT NOT NULL CHECK (api <> ''),
    owner      TEXT NOT NULL CHECK (owner <> ''),
    status     TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'revoked')),
    mode       TEXT NOT NULL CHECK (mode IN ('live', 'test')),
    plan       TEXT,          -- NULL: the owner's
    scopes     TEXT,          -- space-separated; NULL: the profile's default; '': none
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
    attributes TEXT NOT NULL, -- a JSON object
    UNIQUE (api, id)
) STRICT;
PRAGMA application_id = 1801940084;
PRAGMA user_version = 1;
)";

// The order that `bind_key` and `read_key` know.
#define KEYGATE_KEY_COLUMNS                                                                        \
    "digest, id, api, owner, status, mode, plan, scopes, name, prefix, hint, created_at, "         \
    "expires_at, owner_record_required"
#define KEYGATE_OWNER_COLUMNS "api, id, name, plan, status, attributes"

std::optional<std::string> optional_text(const Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return std::string{row.text(column)};
}

/// Assigns what could be read; otherwise the word's name becomes the problem.
template <class T>
void assign(T& target, const std::optional<T>& value, const char* word, std::string& problem) {
    if (value)
        target = *value;
    else
        problem = word;
}

std::vector<std::string> split(std::string_view words) {
    std::vector<std::string> list;
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(' '), words.size());
        if (end > 0) list.emplace_back(words.substr(0, end));
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return list;
}

/// Fills `key` with what the row holds. Returns the name of a column that cannot be read, or
/// nothing.
std::string read_key(const Statement& row, KeyRecord& key) {
    std::string problem;
    const std::string_view digest = row.text(0);
    if (digest.size() == key.digest.bytes.size())
        std::copy(digest.begin(), digest.end(), key.digest.bytes.begin());
    else
        problem = "digest";
    key.id = row.text(1);
    key.api = row.text(2);
    key.owner = row.text(3);
    assign(key.status, key_status_from(row.text(4)), "status", problem);
    assign(key.mode, mode_from(row.text(5)), "mode", problem);
    key.plan = optional_text(row, 6);
    if (!row.is_null(7)) key.scopes = split(row.text(7));
    key.name = row.text(8);
    key.prefix = row.text(9);
    key.hint = row.text(10);
    assign(key.created_at, time_from(row.text(11)), "created_at", problem);
    if (!row.is_null(12)) {
        Time expires_at{};
        assign(expires_at, time_from(row.text(12)), "expires_at", problem);
        key.expires_at = expires_at;
    }
    key.owner_record_required = row.integer(13) != 0;
    key.readable = problem.empty();
    return problem;
}

std::string read_owner(const Statement& row, OwnerRecord& owner) {
    std::string problem;
    owner.api = row.text(0);
    owner.id = row.text(1);
    owner.name = row.text(2);
    owner.plan = optional_text(row, 3);
    assign(owner.status, owner_status_from(row.text(4)), "status", problem);
    owner.attributes = row.text(5);
    owner.readable = problem.empty();
    return problem;
}

Fault damaged(const char* kind, const std::string& id, const std::string& column) {
    return {StoreError::unreadable, std::string{kind} + " " + id + ": damaged " + column};
}

/// The form that a key's words and times have in its row; lives as long as they are bound.
struct KeyText {
    explicit KeyText(const KeyRecord& key)
        : created_at(to_text(key.created_at)) {
        if (key.expires_at) expires_at = to_text(*key.expires_at);
        is_readable = time_from(created_at) && (!expires_at || time_from(*expires_at));
        if (!key.scopes) return;
        scopes.emplace();
        for (const std::string& scope : *key.scopes) {
            // Would come back as another list.
            if (scope.empty() || scope.find(' ') != std::string::npos) is_readable = false;
            if (!scopes->empty()) *scopes += ' ';
            *scopes += scope;
        }
    }

    std::string created_at;
    std::optional<std::string> expires_at;
    std::optional<std::string> scopes;
    bool is_readable = true; // as what it was
};

void bind_key(Statement& statement, const KeyRecord& key, const KeyText& text) {
    statement.bind_blob(1, key.digest.bytes)
        .bind(2, key.id)
        .bind(3, key.api)
        .bind(4, key.owner)
        .bind(5, to_string(key.status))
        .bind(6, to_string(key.mode))
        .bind_optional(7, key.plan)
        .bind_optional(8, text.scopes)
        .bind(9, key.name)
        .bind(10, key.prefix)
        .bind(11, key.hint)
        .bind(12, text.created_at)
        .bind_optional(13, text.expires_at)
        .bind(14, static_cast<std::int64_t>(key.owner_record_required));
}

void bind_owner(Statement& statement, const OwnerRecord& owner) {
    statement.bind(1, owner.api)
        .bind(2, owner.id)
        .bind(3, owner.name)
        .bind_optional(4, owner.plan)
        .bind(5, to_string(owner.status))
        .bind(6, owner.attributes);
}

class SqliteStore final : public KeyStore {
  public:
    explicit SqliteStore(Database database)
        : database_(std::move(database)) {}

    /// Prepares all statements: a file whose tables are not ours fails here and not later.
    [[nodiscard]] Result<void> prepare();

    Result<void> each(const std::function<void(OwnerRecord&&)>& on_owner,
                      const std::function<void(KeyRecord&&)>& on_key) override;
    Result<void> insert(const std::vector<KeyRecord>& records) override;
    Result<KeyRecord> set_status(const std::string& id, KeyStatus status) override;
    Result<KeyRecord> find(const std::string& id) override;
    Result<std::vector<KeyRecord>> list(const KeyFilter& filter) override;
    Result<bool> put_owner(const OwnerRecord& owner) override;
    Result<OwnerRecord> find_owner(const std::string& api, const std::string& id) override;
    Result<std::vector<OwnerRecord>> list_owners(const std::string& api) override;

  private:
    Result<void> insert_one(const KeyRecord& key);
    Result<std::int64_t> number_of(const std::string& id);
    Result<std::vector<OwnerRecord>> owners_of(Statement& statement);

    // Before the statements: they must be gone when the file is closed.
    Database database_;
    Statement all_owners_;
    Statement all_keys_;
    Statement insert_;
    Statement conflicting_;
    Statement number_;
    Statement find_;
    Statement set_status_;
    Statement list_;
    Statement list_of_owner_;
    Statement update_owner_;
    Statement insert_owner_;
    Statement find_owner_;
    Statement owners_of_api_;
};

Result<void> SqliteStore::prepare() {
    const std::pair<Statement*, const char*> all[] = {
        {&all_owners_, "SELECT " KEYGATE_OWNER_COLUMNS " FROM owners ORDER BY number"},
        {&all_keys_, "SELECT " KEYGATE_KEY_COLUMNS " FROM keys ORDER BY number"},
        {&insert_, "INSERT INTO keys (" KEYGATE_KEY_COLUMNS ")"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"},
        {&conflicting_, "SELECT id FROM keys WHERE id = ?1 OR digest = ?2 ORDER BY id = ?1 DESC"},
        {&number_, "SELECT number FROM keys WHERE id = ?1"},
        {&find_, "SELECT " KEYGATE_KEY_COLUMNS " FROM keys WHERE id = ?1"},
        {&set_status_, "UPDATE keys SET status = ?2 WHERE id = ?1"},
        {&list_,
         "SELECT " KEYGATE_KEY_COLUMNS " FROM keys WHERE number > ?1"
         " AND (?2 = '' OR api = ?2) AND (?3 = '' OR status = ?3) ORDER BY number LIMIT ?4"},
        {&list_of_owner_,
         "SELECT " KEYGATE_KEY_COLUMNS " FROM keys WHERE number > ?1 AND owner = ?5"
         " AND (?2 = '' OR api = ?2) AND (?3 = '' OR status = ?3) ORDER BY number LIMIT ?4"},
        {&update_owner_, "UPDATE owners SET name = ?3, plan = ?4, status = ?5, attributes = ?6"
                         " WHERE api = ?1 AND id = ?2"},
        {&insert_owner_,
         "INSERT INTO owners (" KEYGATE_OWNER_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&find_owner_, "SELECT " KEYGATE_OWNER_COLUMNS " FROM owners WHERE api = ?1 AND id = ?2"},
        {&owners_of_api_,
         "SELECT " KEYGATE_OWNER_COLUMNS " FROM owners WHERE ?1 = '' OR api = ?1 ORDER BY number"},
    };
    for (const auto& [statement, sql] : all)
        if (auto prepared = statement->prepare(database_, sql); !prepared) return prepared;
    return {};
}

Result<void> SqliteStore::each(const std::function<void(OwnerRecord&&)>& on_owner,
                               const std::function<void(KeyRecord&&)>& on_key) {
    const Use owners{all_owners_};
    for (;;) {
        const auto row = owners->step();
        if (!row) return row.error();
        if (!*row) break;
        OwnerRecord owner;
        read_owner(all_owners_, owner); // a problem stands in `readable`
        on_owner(std::move(owner));
    }
    const Use keys{all_keys_};
    for (;;) {
        const auto row = keys->step();
        if (!row) return row.error();
        if (!*row) return {};
        KeyRecord key;
        read_key(all_keys_, key);
        on_key(std::move(key));
    }
}

Result<void> SqliteStore::insert(const std::vector<KeyRecord>& records) {
    Transaction transaction{database_};
    if (auto begun = transaction.begin(); !begun) return begun;
    for (const KeyRecord& key : records)
        if (auto inserted = insert_one(key); !inserted) return inserted;
    return transaction.commit();
}

Result<void> SqliteStore::insert_one(const KeyRecord& key) {
    const KeyText text{key};
    if (!text.is_readable)
        return Fault{make_error_code(errc::invalid_argument), "times and scopes of key " + key.id};
    bind_key(insert_, key, text);
    auto inserted = insert_.finish();
    if (inserted) return inserted;

    // Looked at only now: a conflict is rare, and SQLite's message does not name the other key.
    const Use conflicting{conflicting_};
    conflicting->bind(1, key.id).bind_blob(2, key.digest.bytes);
    const auto row = conflicting->step();
    if (row && *row) return Fault{StoreError::conflict, std::string{conflicting->text(0)}};
    return inserted;
}

Result<KeyRecord> SqliteStore::set_status(const std::string& id, KeyStatus status) {
    auto key = find(id);
    if (!key || key->status == status) return key;
    set_status_.bind(1, id).bind(2, to_string(status));
    if (auto updated = set_status_.finish(); !updated) return updated.error();
    key->status = status;
    return key;
}

Result<KeyRecord> SqliteStore::find(const std::string& id) {
    const Use query{find_};
    query->bind(1, id);
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return Fault{StoreError::not_found, id};
    KeyRecord key;
    const std::string problem = read_key(find_, key);
    if (!problem.empty()) return damaged("key", id, problem);
    return key;
}

Result<std::int64_t> SqliteStore::number_of(const std::string& id) {
    const Use query{number_};
    query->bind(1, id);
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return Fault{StoreError::not_found, id};
    return query->integer(0);
}

Result<std::vector<KeyRecord>> SqliteStore::list(const KeyFilter& filter) {
    std::int64_t after = 0;
    if (!filter.after.empty()) {
        const auto number = number_of(filter.after);
        if (!number) return number.error();
        after = *number;
    }
    constexpr std::size_t most = std::numeric_limits<std::int64_t>::max();
    const Use query{filter.owner.empty() ? list_ : list_of_owner_};
    query->bind(1, after)
        .bind(2, filter.api)
        .bind(3, filter.status ? to_string(*filter.status) : std::string_view{})
        .bind(4, static_cast<std::int64_t>(std::min(filter.limit, most)));
    if (!filter.owner.empty()) query->bind(5, filter.owner);

    std::vector<KeyRecord> keys;
    for (;;) {
        const auto row = query->step();
        if (!row) return row.error();
        if (!*row) return keys;
        KeyRecord& key = keys.emplace_back();
        const std::string problem = read_key(*query.operator->(), key);
        if (!problem.empty()) return damaged("key", key.id, problem);
    }
}

Result<bool> SqliteStore::put_owner(const OwnerRecord& owner) {
    Transaction transaction{database_};
    if (auto begun = transaction.begin(); !begun) return begun.error();
    bind_owner(update_owner_, owner);
    if (auto updated = update_owner_.finish(); !updated) return updated.error();
    const bool is_new = database_.changes() == 0;
    if (is_new) {
        bind_owner(insert_owner_, owner);
        if (auto inserted = insert_owner_.finish(); !inserted) return inserted.error();
    }
    if (auto committed = transaction.commit(); !committed) return committed.error();
    return is_new;
}

Result<OwnerRecord> SqliteStore::find_owner(const std::string& api, const std::string& id) {
    const Use query{find_owner_};
    query->bind(1, api).bind(2, id);
    auto owners = owners_of(find_owner_);
    if (!owners) return owners.error();
    if (owners->empty()) return Fault{StoreError::not_found, id};
    return std::move(owners->front());
}

Result<std::vector<OwnerRecord>> SqliteStore::list_owners(const std::string& api) {
    const Use query{owners_of_api_};
    query->bind(1, api);
    return owners_of(owners_of_api_);
}

Result<std::vector<OwnerRecord>> SqliteStore::owners_of(Statement& statement) {
    std::vector<OwnerRecord> owners;
    for (;;) {
        const auto row = statement.step();
        if (!row) return row.error();
        if (!*row) return owners;
        OwnerRecord& owner = owners.emplace_back();
        const std::string problem = read_owner(statement, owner);
        if (!problem.empty()) return damaged("owner", owner.id, problem);
    }
}

Fault system_fault(const std::string& step) {
    return {{errno, boost::system::system_category()}, step};
}

/// Makes an empty file that nobody else may read, if there is none. An existing file is not opened:
/// closing it again would drop the locks that another handle of this process holds on it (POSIX).
Result<void> make_file(const std::filesystem::path& file) {
    const int made = ::open(file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (made < 0) {
        if (errno == EEXIST) return {};
        return system_fault("make " + file.string());
    }
    ::close(made);
    // The name must be as durable as what will be committed under it.
    const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return system_fault("open the folder of " + file.string());
    const bool is_synced = ::fsync(folder) == 0 || errno == EINVAL; // some file systems cannot
    Result<void> synced;
    if (!is_synced) synced = system_fault("sync the folder of " + file.string());
    ::close(folder);
    return synced;
}

/// Takes the file's lock, then looks at what the file is, and only then writes to it.
Result<void> claim(Database& database) {
    for (const char* setting : {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA synchronous = FULL",
                                "PRAGMA foreign_keys = ON", "BEGIN EXCLUSIVE"})
        if (auto done = database.run(setting); !done) return done;

    const auto application = database.read("PRAGMA application_id");
    if (!application) return application.error();
    const auto version = database.read("PRAGMA user_version");
    if (!version) return version.error();
    const auto tables = database.read("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();

    const bool is_empty = *application == "0" && *version == "0" && *tables == "0";
    if (!is_empty && *application != application_id)
        return Fault{StoreError::unreadable, "not made by keygate"};
    if (!is_empty && *version != std::to_string(schema_version))
        return Fault{StoreError::unreadable, "its schema version is " + *version +
                                                 ", this keygate reads version " +
                                                 std::to_string(schema_version)};
    if (is_empty)
        if (auto made = database.run(schema); !made) return made;
    if (auto committed = database.run("COMMIT"); !committed) return committed;

    const auto journal = database.read("PRAGMA journal_mode = WAL");
    if (!journal) return journal.error();
    if (*journal != "wal")
        return Fault{make_error_code(errc::operation_not_supported), "write-ahead log"};
    return {};
}

} // namespace

Result<std::unique_ptr<KeyStore>> open_sqlite_store(const std::string& file) {
    const auto at = [&](Fault fault) {
        fault.step = "key store " + file + ": " + fault.step;
        return fault;
    };
    if (file.empty()) return at({make_error_code(errc::invalid_argument), "no file is named"});
    // An absolute path has none of the names that mean something else to SQLite, like `:memory:`.
    std::error_code ignored;
    const std::filesystem::path path = std::filesystem::absolute(file, ignored);
    if (auto made = make_file(path); !made) return at(made.error());
    auto database = Database::open(path.string());
    if (!database) return at(database.error());
    if (auto claimed = claim(*database); !claimed) return at(claimed.error());
    auto store = std::make_unique<SqliteStore>(std::move(*database));
    if (auto prepared = store->prepare(); !prepared) return at(prepared.error());
    return std::unique_ptr<KeyStore>{std::move(store)};
}

} // namespace keygate::keys
