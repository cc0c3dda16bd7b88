#include "keys/sqlite_store.hpp"

#include "keys/key_filter.hpp"
#include "keys/sqlite_backup.hpp"
#include "keys/sqlite_rows.hpp"
#include "keys/sqlite_schema.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

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

/// What an index finds; the rest of a filter is asked of each row.
enum class Way : std::uint8_t { all, owner, prefix, status };
constexpr std::array<const char*, 4> way_conditions{"", " AND k.owner = ?3", " AND k.prefix = ?3",
                                                    " AND k.status = ?3"};

Way way_of(const KeyFilter& filter) {
    if (!filter.owner.empty()) return Way::owner;
    if (!filter.prefix.empty()) return Way::prefix;
    return filter.status ? Way::status : Way::all;
}

std::string_view value_of(const KeyFilter& filter, Way way) {
    switch (way) {
    case Way::owner:
        return filter.owner;
    case Way::prefix:
        return filter.prefix;
    case Way::status:
        return to_string(*filter.status);
    case Way::all:
        break;
    }
    return {};
}

class SqliteStore final : public KeyStore {
  public:
    explicit SqliteStore(Database database)
        : database_(std::move(database)) {}

    /// Prepares all statements: a file whose tables are not ours fails here and not later.
    [[nodiscard]] Result<void> prepare();

    Result<void> each(const std::function<void(OwnerRecord&&)>& on_owner,
                      const std::function<void(KeyRecord&&)>& on_key) override;

    Result<void> watch() override { return {}; } // the file is ours alone

    void forget() override {}

    Result<void> commit(const Change& change) override;
    Result<KeyRow> find(const std::string& id) override;
    Result<std::optional<std::string>> find_same(const KeyRecord& key) override;
    Result<Page<KeyRow>> list(const KeyFilter& filter) override;
    Result<OwnerRecord> find_owner(const OwnerName& name) override;
    Result<Page<OwnerRecord>> list_owners(const std::string& api, const std::string& cursor,
                                          std::size_t limit) override;
    Result<bool> has_keys(const OwnerName& owner) override;
    Result<std::vector<KeyRecord>> keys_of(const OwnerName& owner) override;
    Result<Usage> usage_of(const OwnerName& owner) override;
    Result<void> add(std::span<const UsageDelta> uses) override;
    Result<void> each_spent(
        const std::function<void(const SpentBy&, std::span<const Spent>)>& on_spent) override;
    Result<std::vector<Spent>> spent(const SpentBy& by,
                                     std::span<const config::Limit> limits) override;
    Result<std::optional<Time>> oldest_key() override;
    Result<std::optional<Receipt>> find_receipt(const std::string& name, Time since) override;
    Result<std::vector<PepperUse>> peppers() override;
    Result<void> put_pepper(const PepperUse& pepper) override;
    Result<std::unique_ptr<StoreBackup>> backup(const std::string& file) override;

  private:
    Result<void> try_commit(const Change& change);
    Result<void> insert(const KeyRecord& key);
    Result<void> update(const KeyRecord& key);
    Result<void> remove(const std::string& id);
    Result<void> put_owner(const OwnerRecord& owner);
    Result<void> remove_owner(const OwnerName& owner);
    Result<void> keep(const Receipt& receipt);
    Result<void> add_one(const UsageDelta& use);
    Result<void> put_spent(const SpentBy& by, std::span<const Spent> spent);
    Result<void> forget_spent(const SpentBy& by);
    Result<Usage> stored_usage(const OwnerName& owner, const std::string& id);
    Result<bool> exists(Statement& query);
    Result<bool> knows(const OwnerName& owner);

    // Before the statements: they must be gone when the file is closed.
    Database database_;
    Statement all_owners_;
    Statement all_keys_;
    Statement insert_;
    Statement conflicting_;
    Statement update_;
    Statement remove_;
    Statement find_;
    std::array<Statement, way_conditions.size()> lists_;
    Statement update_owner_;
    Statement insert_owner_;
    Statement find_owner_;
    Statement remove_owner_;
    Statement list_owners_;
    Statement list_owners_of_;
    Statement has_keys_;
    Statement keys_of_;
    Statement key_exists_;
    Statement usage_;
    Statement put_usage_;
    Statement remove_usage_;
    Statement usages_of_owner_;
    Statement remove_usages_;
    Statement all_spent_;
    Statement spent_;
    Statement put_spent_;
    Statement forget_spent_;
    Statement forget_all_spent_;
    Statement oldest_;
    Statement receipt_;
    Statement put_receipt_;
    Statement drop_receipts_;
    Statement peppers_;
    Statement put_pepper_;
};

#define KEYGATE_KEY_ROW                                                                            \
    "SELECT k.digest, k.id, k.api, k.owner, k.status, k.mode, k.plan, k.scopes, k.name, "          \
    "k.prefix, k.hint, k.created_at, k.expires_at, k.owner_record_required, k.pepper, "            \
    "k.rotated_to, k.metadata, k.rate, k.quota, k.addresses, k.referrers, k.endpoints, k.bind, "   \
    "k.secret_digest, k.sealed, u.last_used_at, u.total, u.month, u.in_month, k.number "           \
    "FROM keys k LEFT JOIN usage u ON u.api = k.api AND u.owner = k.owner AND u.id = k.id "
constexpr int number_column = sqlite::key_columns + 4;

Result<void> SqliteStore::prepare() {
    const std::pair<Statement*, const char*> all[] = {
        {&all_owners_, "SELECT " KEYGATE_OWNER_COLUMNS " FROM owners ORDER BY number"},
        {&all_keys_, "SELECT " KEYGATE_KEY_COLUMNS " FROM keys ORDER BY number"},
        {&insert_,
         "INSERT INTO keys (" KEYGATE_KEY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
         " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)"},
        {&conflicting_, "SELECT id FROM keys WHERE id = ?1 OR digest = ?2 ORDER BY id = ?1 DESC"},
        {&update_, "UPDATE keys SET (digest, api, owner, status, mode, plan, scopes, name, prefix,"
                   " hint, created_at, expires_at, owner_record_required, pepper, rotated_to,"
                   " metadata, rate, quota, addresses, referrers, endpoints, bind, secret_digest,"
                   " sealed) = (?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
                   " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25) WHERE id = ?2"},
        {&remove_, "DELETE FROM keys WHERE id = ?1"},
        {&find_, KEYGATE_KEY_ROW "WHERE k.id = ?1"},
        {&update_owner_, "UPDATE owners SET name = ?3, plan = ?4, status = ?5, attributes = ?6"
                         " WHERE api = ?1 AND id = ?2"},
        {&insert_owner_,
         "INSERT INTO owners (" KEYGATE_OWNER_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&find_owner_, "SELECT " KEYGATE_OWNER_COLUMNS " FROM owners WHERE api = ?1 AND id = ?2"},
        {&remove_owner_, "DELETE FROM owners WHERE api = ?1 AND id = ?2"},
        {&list_owners_, "SELECT " KEYGATE_OWNER_COLUMNS
                        " FROM owners WHERE (api, id) > (?1, ?2) ORDER BY api, id LIMIT ?3"},
        {&list_owners_of_, "SELECT " KEYGATE_OWNER_COLUMNS
                           " FROM owners WHERE api = ?1 AND id > ?2 ORDER BY id LIMIT ?3"},
        {&has_keys_, "SELECT 1 FROM keys WHERE owner = ?2 AND api = ?1 LIMIT 1"},
        {&keys_of_,
         "SELECT " KEYGATE_KEY_COLUMNS " FROM keys WHERE owner = ?2 AND api = ?1 ORDER BY number"},
        {&key_exists_, "SELECT 1 FROM keys WHERE id = ?1"},
        {&usage_,
         "SELECT " KEYGATE_USAGE_COLUMNS " FROM usage WHERE api = ?1 AND owner = ?2 AND id = ?3"},
        {&put_usage_, "REPLACE INTO usage (api, owner, id, " KEYGATE_USAGE_COLUMNS
                      ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
        {&remove_usage_, "DELETE FROM usage WHERE api = ?1 AND owner = ?2 AND id = ?3"},
        {&usages_of_owner_,
         "SELECT " KEYGATE_USAGE_COLUMNS " FROM usage WHERE api = ?1 AND owner = ?2"},
        {&remove_usages_, "DELETE FROM usage WHERE api = ?1 AND owner = ?2"},
        {&all_spent_, "SELECT " KEYGATE_SPENT_COLUMNS " FROM spent ORDER BY api, owner, id"},
        {&spent_,
         "SELECT " KEYGATE_SPENT_COLUMNS " FROM spent WHERE api = ?1 AND owner = ?2 AND id = ?3"},
        {&put_spent_,
         "REPLACE INTO spent (" KEYGATE_SPENT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&forget_spent_, "DELETE FROM spent WHERE api = ?1 AND owner = ?2 AND id = ?3"},
        {&forget_all_spent_, "DELETE FROM spent WHERE api = ?1 AND owner = ?2"},
        {&oldest_, "SELECT min(created_at) FROM keys WHERE status = 'active'"},
        {&receipt_,
         "SELECT " KEYGATE_RECEIPT_COLUMNS " FROM receipts WHERE name = ?1 AND at >= ?2"},
        {&put_receipt_,
         "REPLACE INTO receipts (" KEYGATE_RECEIPT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&drop_receipts_, "DELETE FROM receipts WHERE at < ?1"},
        {&peppers_, "SELECT p.name, p.proof, (SELECT count(*) FROM keys WHERE pepper = p.name)"
                    " FROM peppers p"},
        {&put_pepper_, "REPLACE INTO peppers (name, proof) VALUES (?1, ?2)"},
    };
    for (const auto& [statement, sql] : all)
        if (auto prepared = statement->prepare(database_, sql); !prepared) return prepared;
    for (std::size_t way = 0; way < lists_.size(); ++way) {
        const std::string sql = std::string{KEYGATE_KEY_ROW "WHERE k.number > ?1"} +
                                way_conditions[way] + " ORDER BY k.number LIMIT ?2";
        if (auto prepared = lists_[way].prepare(database_, sql.c_str()); !prepared) return prepared;
    }
    return {};
}

Result<void> SqliteStore::each(const std::function<void(OwnerRecord&&)>& on_owner,
                               const std::function<void(KeyRecord&&)>& on_key) {
    const Use owners{all_owners_};
    for (;;) {
        const auto row = owners->step();
        if (!row) return row.error();
        if (!*row) break;
        on_owner(sqlite::read_owner(all_owners_));
    }
    const Use keys{all_keys_};
    for (;;) {
        const auto row = keys->step();
        if (!row) return row.error();
        if (!*row) return {};
        on_key(sqlite::read_key(all_keys_));
    }
}

// ---- changes

Result<void> SqliteStore::commit(const Change& change) {
    auto committed = try_commit(change);
    if (committed || committed.error().error != boost::system::errc::no_space_on_device)
        return committed;
    // A full disk: what the log holds goes to its place in the file, which takes no room where the
    // pages are there, and the log begins anew. So a key can still be revoked.
    (void)database_.read("PRAGMA wal_checkpoint(TRUNCATE)");
    return try_commit(change);
}

Result<void> SqliteStore::try_commit(const Change& change) {
    Transaction transaction{database_};
    if (auto begun = transaction.begin(); !begun) return begun;
    if (change.put_owner)
        if (auto done = put_owner(*change.put_owner); !done) return done;
    for (const KeyRecord& key : change.insert)
        if (auto done = insert(key); !done) return done;
    for (const KeyRecord& key : change.update)
        if (auto done = update(key); !done) return done;
    for (const std::string& id : change.remove)
        if (auto done = remove(id); !done) return done;
    if (change.remove_owner)
        if (auto done = remove_owner(*change.remove_owner); !done) return done;
    for (const SpentBy& by : change.forget_spent)
        if (auto done = forget_spent(by); !done) return done;
    if (change.receipt)
        if (auto done = keep(*change.receipt); !done) return done;
    return transaction.commit();
}

Result<void> SqliteStore::insert(const KeyRecord& key) {
    auto inserted = sqlite::run_with(insert_, key);
    if (inserted) return inserted;

    // Looked at only now: a conflict is rare, and SQLite's message does not name the other key.
    const auto same = find_same(key);
    if (same && *same) return Fault{StoreError::conflict, **same};
    return inserted;
}

Result<void> SqliteStore::update(const KeyRecord& key) {
    if (auto updated = sqlite::run_with(update_, key); !updated) return updated;
    if (database_.changes() == 0) return Fault{StoreError::not_found, key.id};
    return {};
}

/// What the key used becomes its owner's.
Result<void> SqliteStore::remove(const std::string& id) {
    const auto row = find(id);
    if (!row) return row.error();
    const OwnerName owner{row->record.api, row->record.owner};
    auto kept = stored_usage(owner, {});
    if (!kept) return kept.error();
    if (row->usage != Usage{}) {
        kept->add(row->usage);
        if (auto put = sqlite::run_with(put_usage_, owner, {}, *kept); !put) return put;
        remove_usage_.bind(1, owner.api).bind(2, owner.id).bind(3, id);
        if (auto removed = remove_usage_.finish(); !removed) return removed;
    }
    if (auto forgotten = forget_spent({owner.api, owner.id, id}); !forgotten) return forgotten;
    remove_.bind(1, id);
    return remove_.finish();
}

Result<void> SqliteStore::put_owner(const OwnerRecord& owner) {
    if (auto updated = sqlite::run_with(update_owner_, owner); !updated) return updated;
    if (database_.changes() > 0) return {};
    return sqlite::run_with(insert_owner_, owner);
}

Result<void> SqliteStore::remove_owner(const OwnerName& owner) {
    remove_owner_.bind(1, owner.api).bind(2, owner.id);
    if (auto removed = remove_owner_.finish(); !removed) return removed;
    if (database_.changes() == 0) return Fault{StoreError::not_found, owner.id};
    remove_usages_.bind(1, owner.api).bind(2, owner.id);
    if (auto removed = remove_usages_.finish(); !removed) return removed;
    forget_all_spent_.bind(1, owner.api).bind(2, owner.id);
    return forget_all_spent_.finish();
}

Result<void> SqliteStore::keep(const Receipt& receipt) {
    // Those that nobody may show any more make way for the new one.
    const std::string past = to_text(receipt.at - receipt_life);
    drop_receipts_.bind(1, past);
    if (auto dropped = drop_receipts_.finish(); !dropped) return dropped;
    return sqlite::run_with(put_receipt_, receipt);
}

// ---- reading

Result<bool> SqliteStore::exists(Statement& query) {
    const Use used{query};
    return query.step();
}

Result<KeyRow> SqliteStore::find(const std::string& id) {
    const Use query{find_};
    query->bind(1, id);
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return Fault{StoreError::not_found, id};
    return KeyRow{sqlite::read_key(find_), sqlite::read_usage(find_, sqlite::key_columns)};
}

Result<std::optional<std::string>> SqliteStore::find_same(const KeyRecord& key) {
    const Use query{conflicting_};
    query->bind(1, key.id).bind_blob(2, key.digest.bytes);
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return std::optional<std::string>{};
    return std::optional{std::string{query->text(0)}};
}

Result<Page<KeyRow>> SqliteStore::list(const KeyFilter& filter) {
    auto after = number_from(filter.cursor);
    if (!after) return Fault{StoreError::bad_cursor, filter.cursor};
    const Way way = way_of(filter);
    Statement& statement = lists_[static_cast<std::size_t>(way)];
    const Use query{statement};
    query->bind(1, *after).bind(2, static_cast<std::int64_t>(most_scanned + 1));
    if (way != Way::all) query->bind(3, value_of(filter, way));

    Page<KeyRow> page;
    for (std::size_t scanned = 0;; ++scanned) {
        const auto row = query->step();
        if (!row) return row.error();
        if (!*row) return page;
        if (page.rows.size() == filter.limit || scanned == most_scanned) {
            page.next = std::to_string(*after);
            return page;
        }
        after = statement.integer(number_column);
        KeyRow read{sqlite::read_key(statement),
                    sqlite::read_usage(statement, sqlite::key_columns)};
        if (passes(read, filter)) page.rows.push_back(std::move(read));
    }
}

Result<OwnerRecord> SqliteStore::find_owner(const OwnerName& name) {
    const Use query{find_owner_};
    query->bind(1, name.api).bind(2, name.id);
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return Fault{StoreError::not_found, name.id};
    return sqlite::read_owner(find_owner_);
}

Result<Page<OwnerRecord>> SqliteStore::list_owners(const std::string& api,
                                                   const std::string& cursor, std::size_t limit) {
    const auto after = owner_from(api, cursor);
    if (!after) return Fault{StoreError::bad_cursor, cursor};
    Statement& statement = api.empty() ? list_owners_ : list_owners_of_;
    const Use query{statement};
    query->bind(1, after->api).bind(2, after->id).bind(3, static_cast<std::int64_t>(limit + 1));
    Page<OwnerRecord> page;
    for (;;) {
        const auto row = query->step();
        if (!row) return row.error();
        if (!*row) return page;
        if (page.rows.size() == limit) {
            page.next = page.rows.back().api + ":" + page.rows.back().id;
            return page;
        }
        page.rows.push_back(sqlite::read_owner(statement));
    }
}

Result<bool> SqliteStore::has_keys(const OwnerName& owner) {
    has_keys_.bind(1, owner.api).bind(2, owner.id);
    return exists(has_keys_);
}

Result<std::vector<KeyRecord>> SqliteStore::keys_of(const OwnerName& owner) {
    std::vector<KeyRecord> keys;
    const Use query{keys_of_};
    query->bind(1, owner.api).bind(2, owner.id);
    for (;;) {
        const auto row = query->step();
        if (!row) return row.error();
        if (!*row) return keys;
        keys.push_back(sqlite::read_key(keys_of_));
    }
}

/// There is a record of it, or a key.
Result<bool> SqliteStore::knows(const OwnerName& owner) {
    const auto record = find_owner(owner);
    if (record) return true;
    if (record.error().error != StoreError::not_found) return record.error();
    return has_keys(owner);
}

Result<std::optional<Time>> SqliteStore::oldest_key() {
    const Use query{oldest_};
    const auto row = query->step();
    if (!row) return row.error();
    return time_from(query->text(0)); // NULL without keys
}

Result<std::optional<Receipt>> SqliteStore::find_receipt(const std::string& name, Time since) {
    const std::string oldest = to_text(since);
    const Use query{receipt_};
    query->bind(1, name).bind(2, oldest);
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return std::optional<Receipt>{};
    return std::optional{sqlite::read_receipt(receipt_)};
}

// ---- usage

Result<Usage> SqliteStore::stored_usage(const OwnerName& owner, const std::string& id) {
    const Use query{usage_};
    query->bind(1, owner.api).bind(2, owner.id).bind(3, id);
    const auto row = query->step();
    if (!row) return row.error();
    return *row ? sqlite::read_usage(usage_, 0) : Usage{};
}

Result<Usage> SqliteStore::usage_of(const OwnerName& owner) {
    Usage sum;
    const Use query{usages_of_owner_};
    query->bind(1, owner.api).bind(2, owner.id);
    for (;;) {
        const auto row = query->step();
        if (!row) return row.error();
        if (!*row) return sum;
        sum.add(sqlite::read_usage(usages_of_owner_, 0));
    }
}

Result<void> SqliteStore::add(std::span<const UsageDelta> uses) {
    Transaction transaction{database_};
    if (auto begun = transaction.begin(); !begun) return begun;
    for (const UsageDelta& use : uses)
        if (auto added = add_one(use); !added) return added;
    return transaction.commit();
}

Result<void> SqliteStore::add_one(const UsageDelta& use) {
    key_exists_.bind(1, use.id);
    const auto is_there = exists(key_exists_);
    if (!is_there) return is_there.error();
    const OwnerName owner{use.api, use.owner};
    if (!*is_there) {
        const auto is_known = knows(owner);
        if (!is_known) return is_known.error();
        if (!*is_known) return {}; // gone with all that it used; who comes next begins with nothing
    }
    const std::string& id = *is_there ? use.id : std::string{};
    auto usage = stored_usage(owner, id);
    if (!usage) return usage.error();
    usage->add(use);
    if (auto put = sqlite::run_with(put_usage_, owner, id, *usage); !put) return put;
    if (*is_there)
        if (auto put = put_spent({use.api, use.owner, use.id}, use.spent_by_key); !put) return put;
    return put_spent({use.api, use.owner, {}}, use.spent_by_owner);
}

// ---- what quotas have counted

Result<void> SqliteStore::put_spent(const SpentBy& by, std::span<const Spent> spent) {
    for (const Spent& one : spent)
        if (auto put = sqlite::run_with(put_spent_, by, one); !put) return put;
    return {};
}

Result<void> SqliteStore::forget_spent(const SpentBy& by) {
    forget_spent_.bind(1, by.api).bind(2, by.owner).bind(3, by.id);
    return forget_spent_.finish();
}

Result<void> SqliteStore::each_spent(
    const std::function<void(const SpentBy&, std::span<const Spent>)>& on_spent) {
    const Use query{all_spent_};
    SpentBy by;
    std::vector<Spent> all;
    for (;;) {
        const auto row = query->step();
        if (!row) return row.error();
        SpentBy next = *row ? sqlite::read_spent_by(all_spent_) : SpentBy{};
        if (!all.empty() && (!*row || next != by)) {
            on_spent(by, all);
            all.clear();
        }
        if (!*row) return {};
        by = std::move(next);
        all.push_back(sqlite::read_spent(all_spent_));
    }
}

Result<std::vector<Spent>> SqliteStore::spent(const SpentBy& by,
                                              std::span<const config::Limit> limits) {
    std::vector<Spent> all;
    for (const config::Limit& limit : limits)
        all.push_back({.tag = limit.tag});
    const Use query{spent_};
    query->bind(1, by.api).bind(2, by.owner).bind(3, by.id);
    for (;;) {
        const auto row = query->step();
        if (!row) return row.error();
        if (!*row) return all;
        const Spent read = sqlite::read_spent(spent_);
        for (Spent& one : all)
            if (one.tag == read.tag) one = read;
    }
}

// ---- peppers and copies

Result<std::vector<PepperUse>> SqliteStore::peppers() {
    std::vector<PepperUse> known;
    const Use query{peppers_};
    for (;;) {
        const auto row = query->step();
        if (!row) return row.error();
        if (!*row) return known;
        known.push_back({.name = std::string{query->text(0)},
                         .proof = std::string{query->text(1)},
                         .keys = static_cast<std::size_t>(query->integer(2))});
    }
}

Result<void> SqliteStore::put_pepper(const PepperUse& pepper) {
    put_pepper_.bind(1, pepper.name).bind(2, pepper.proof);
    return put_pepper_.finish();
}

Result<std::unique_ptr<StoreBackup>> SqliteStore::backup(const std::string& file) {
    return sqlite::begin_backup(database_, file);
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
    if (auto claimed = sqlite::claim(*database); !claimed) return at(claimed.error());
    auto store = std::make_unique<SqliteStore>(std::move(*database));
    if (auto prepared = store->prepare(); !prepared) return at(prepared.error());
    return std::unique_ptr<KeyStore>{std::move(store)};
}

} // namespace keygate::keys
