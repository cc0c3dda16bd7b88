#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

// The thinnest layer over SQLite that cannot forget: handles that close, statements that reset,
// errors that are Faults. It knows nothing of keys; keys/sqlite_store.cpp alone uses it.
namespace keygate::keys::sqlite {

/// One open file. All calls on one thread at a time.
class Database {
  public:
    /// Opens a file that exists, for reading and writing. A file that the system lets us only read
    /// is a Fault.
    [[nodiscard]] static Result<Database> open(const std::string& file);

    /// Runs statements without parameters and drops their rows.
    [[nodiscard]] Result<void> run(const char* sql);
    /// The first column of the first row.
    [[nodiscard]] Result<std::string> read(const char* sql);
    /// How many rows the last statement changed.
    [[nodiscard]] std::int64_t changes() const;

    [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };

    explicit Database(sqlite3* handle)
        : handle_(handle) {}

    std::unique_ptr<sqlite3, Close> handle_;
};

/// What SQLite's last error on this file means: StoreError::in_use or ::unreadable, or the system's
/// error.
[[nodiscard]] Fault fault_of(sqlite3* handle, int code, const std::string& step);

/// A prepared statement. Parameters are numbered from 1, columns from 0.
class Statement {
  public:
    Statement() = default;
    [[nodiscard]] Result<void> prepare(const Database& database, const char* sql);

    // What is bound must live until `reset`. An error of a binding is reported by `step`.
    Statement& bind(int parameter, std::string_view text);
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind_blob(int parameter, std::span<const unsigned char> bytes);
    /// NULL where there is no text.
    Statement& bind_optional(int parameter, const std::optional<std::string>& text);

    /// True: there is a row to read. False: done.
    [[nodiscard]] Result<bool> step();
    /// Steps a statement that gives no rows, and resets it.
    [[nodiscard]] Result<void> finish();
    void reset();

    // Of the current row; valid until the next step.
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int binding_error_ = 0;
};

/// Resets a statement when the scope ends, on whichever way.
class Use {
  public:
    explicit Use(Statement& statement)
        : statement_(&statement) {}

    ~Use() { statement_->reset(); }

    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    Statement* operator->() const { return statement_; }

  private:
    Statement* statement_;
};

/// All or nothing: what was not committed when the scope ends is rolled back.
class Transaction {
  public:
    explicit Transaction(Database& database)
        : database_(database) {}

    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    [[nodiscard]] Result<void> begin();
    /// Durable when it returned without a Fault.
    [[nodiscard]] Result<void> commit();

  private:
    Database& database_;
    bool is_open_ = false;
};

} // namespace keygate::keys::sqlite
