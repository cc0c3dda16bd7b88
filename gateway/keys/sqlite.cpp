#include "keys/sqlite.hpp"

#include "keys/store.hpp"

#include <sqlite3.h>

#include <cerrno>

namespace keygate::keys::sqlite {
namespace {

namespace errc = boost::system::errc;

boost::system::error_code error_of(sqlite3* handle, int code) {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return StoreError::in_use;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: // what was prepared does not fit the file's tables
    case SQLITE_MISMATCH:
        return StoreError::unreadable;
    case SQLITE_FULL:
        return make_error_code(errc::no_space_on_device);
    case SQLITE_READONLY:
        return make_error_code(errc::read_only_file_system);
    case SQLITE_NOMEM:
        return make_error_code(errc::not_enough_memory);
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return make_error_code(errc::permission_denied);
    case SQLITE_CONSTRAINT:
        return make_error_code(errc::invalid_argument);
    case SQLITE_TOOBIG:
        return make_error_code(errc::value_too_large);
    default:
        break;
    }
    const int system = handle != nullptr ? sqlite3_system_errno(handle) : 0;
    if (system != 0) return {system, boost::system::system_category()};
    return make_error_code(errc::io_error);
}

} // namespace

Fault fault_of(sqlite3* handle, int code, const std::string& step) {
    // SQLite's own words say more than a number can: "disk I/O error", "CHECK constraint failed:
    // …".
    const char* words = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    return {error_of(handle, code), step + " (SQLite: " + words + ")"};
}

void Database::Close::operator()(sqlite3* handle) const {
    sqlite3_close_v2(handle);
}

Result<Database> Database::open(const std::string& file) {
    sqlite3* handle = nullptr;
    // Without SQLITE_OPEN_CREATE: who makes the file decides its mode.
    const int code = sqlite3_open_v2(file.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database{handle}; // also a handle that failed must be closed
    if (code != SQLITE_OK) return fault_of(handle, code, "open " + file);
    if (sqlite3_db_readonly(handle, "main") == 1)
        return Fault{make_error_code(errc::permission_denied), "open " + file + " for writing"};

    sqlite3_extended_result_codes(handle, 1);
    // The file may have been in other hands: nothing in its schema may call functions or write to
    // tables behind our back.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return database;
}

Result<void> Database::run(const char* sql) {
    const int code = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return fault_of(handle(), code, sql);
    return {};
}

Result<std::string> Database::read(const char* sql) {
    Statement statement;
    if (auto ready = statement.prepare(*this, sql); !ready) return ready.error();
    const auto row = statement.step();
    if (!row) return row.error();
    return *row ? std::string{statement.text(0)} : std::string{};
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(handle());
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Result<void> Statement::prepare(const Database& database, const char* sql) {
    sqlite3_stmt* made = nullptr;
    const int code =
        sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    statement_.reset(made);
    if (code != SQLITE_OK) return fault_of(database.handle(), code, sql);
    return {};
}

Statement& Statement::bind(int parameter, std::string_view text) {
    // A null pointer would bind NULL where an empty text is meant.
    const char* data = text.empty() ? "" : text.data();
    binding_error_ |= sqlite3_bind_text64(statement_.get(), parameter, data, text.size(),
                                          SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    binding_error_ |= sqlite3_bind_int64(statement_.get(), parameter, value);
    return *this;
}

Statement& Statement::bind_blob(int parameter, std::span<const unsigned char> bytes) {
    binding_error_ |=
        sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
    return *this;
}

Statement& Statement::bind_optional(int parameter, const std::optional<std::string>& text) {
    if (text) return bind(parameter, std::string_view{*text});
    binding_error_ |= sqlite3_bind_null(statement_.get(), parameter);
    return *this;
}

Result<bool> Statement::step() {
    sqlite3* handle = sqlite3_db_handle(statement_.get());
    if (binding_error_ != SQLITE_OK) {
        const char* sql = sqlite3_sql(statement_.get());
        return Fault{make_error_code(errc::value_too_large), sql};
    }
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return fault_of(handle, code, sqlite3_sql(statement_.get()));
}

Result<void> Statement::finish() {
    const Use use{*this};
    const auto row = step();
    if (!row) return row.error();
    return {};
}

void Statement::reset() {
    // Its result repeats the error of the last step, which was reported.
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    binding_error_ = SQLITE_OK;
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string_view Statement::text(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return data == nullptr ? std::string_view{}
                           : std::string_view{data, static_cast<std::size_t>(size)};
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

Transaction::~Transaction() {
    // Some errors (disk full) have rolled back already; then there is nothing left to undo.
    if (is_open_ && sqlite3_get_autocommit(database_.handle()) == 0)
        sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<void> Transaction::begin() {
    auto begun = database_.run("BEGIN IMMEDIATE");
    is_open_ = begun.has_value();
    return begun;
}

Result<void> Transaction::commit() {
    auto committed = database_.run("COMMIT");
    is_open_ = !committed.has_value();
    return committed;
}

} // namespace keygate::keys::sqlite
