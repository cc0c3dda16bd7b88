#include "keys/sqlite_schema.hpp"

#include "keys/store.hpp"

#include <array>

// Words and times are text, so that an operator can read the file with any SQLite tool; the CHECKs
// keep that tool from writing what keygate could not read. `number` is the order of creation and
// what cursors stand on (a bare rowid would not survive VACUUM).
namespace keygate::keys::sqlite {
namespace {

namespace errc = boost::system::errc;

constexpr const char* application_id = "1801940084"; // 0x6b677374, "kgst"

/// Step i makes version i + 1 of what version i was: a file of any age goes through those it has
/// not seen. A step that was released never changes.
constexpr std::array<const char*, 4> steps{
    // From nothing to 1.
    R"(
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
)",
    // From 1 to 2: rotation, peppers, usage, receipts of calls that are not done twice.
    R"(
ALTER TABLE keys ADD COLUMN pepper TEXT NOT NULL DEFAULT ''; -- ''; the digest is plain SHA-256
ALTER TABLE keys ADD COLUMN rotated_to TEXT;                 -- id of the key that came after it
ALTER TABLE keys ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'; -- a JSON object
CREATE INDEX keys_of_status ON keys (status);
CREATE INDEX keys_of_prefix ON keys (prefix);
CREATE INDEX active_keys_by_age ON keys (created_at) WHERE status = 'active';
CREATE TABLE usage (
    api          TEXT NOT NULL,
    owner        TEXT NOT NULL,
    id           TEXT NOT NULL, -- '': all keys of the owner that were deleted
    last_used_at TEXT CHECK (last_used_at GLOB '????-??-??T??:??:??Z'),
    total        INTEGER NOT NULL, -- allowed requests
    month        TEXT NOT NULL CHECK (month GLOB '????-??'),
    in_month     INTEGER NOT NULL, -- allowed requests in that month (UTC)
    PRIMARY KEY (api, owner, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (
    name     TEXT PRIMARY KEY,
    request  TEXT NOT NULL,
    status   INTEGER NOT NULL,
    answer   TEXT NOT NULL,
    location TEXT NOT NULL,
    at       TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??Z')
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_time ON receipts (at);
CREATE TABLE peppers (
    name  TEXT PRIMARY KEY,
    proof TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)",
    // From 2 to 3: limits of a key's own, and what quotas have counted.
    R"(
ALTER TABLE keys ADD COLUMN rate TEXT NOT NULL DEFAULT '';  -- as in a plan; '': what the plan says
ALTER TABLE keys ADD COLUMN quota TEXT NOT NULL DEFAULT '';
CREATE TABLE spent (
    api   TEXT NOT NULL,
    owner TEXT NOT NULL,
    id    TEXT NOT NULL,    -- '': the owner's own
    tag   INTEGER NOT NULL, -- which count it is, a number of 64 bits
    at    INTEGER NOT NULL, -- begin of the period, nanoseconds of Unix time
    used  INTEGER NOT NULL, -- in that period
    PRIMARY KEY (api, owner, id, tag)
) STRICT, WITHOUT ROWID;
)",
    // From 3 to 4: from where and for what a key may be used, keys that are found by a public part,
    // keys that can be shown again.
    R"(
ALTER TABLE keys ADD COLUMN addresses TEXT -- these are JSON arrays of texts; NULL: no restriction
    CHECK (addresses GLOB '[[]"*"]');
ALTER TABLE keys ADD COLUMN referrers TEXT
    CHECK (referrers GLOB '[[]"*"]');
ALTER TABLE keys ADD COLUMN endpoints TEXT
    CHECK (endpoints GLOB '[[]"*"]');
ALTER TABLE keys ADD COLUMN bind TEXT      -- a JSON object of texts
    CHECK (bind GLOB '{"*":"*"}');
ALTER TABLE keys ADD COLUMN secret_digest BLOB -- of the whole key, where digest is of its public part
    CHECK (length(secret_digest) = 32);
ALTER TABLE keys ADD COLUMN sealed TEXT NOT NULL DEFAULT ''; -- the key itself, encrypted; '': not kept
)",
};

/// The version of the file: 0 for an empty one.
Result<std::size_t> version_of(Database& database) {
    const auto application = database.read("PRAGMA application_id");
    if (!application) return application.error();
    const auto version = database.read("PRAGMA user_version");
    if (!version) return version.error();
    const auto tables = database.read("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();

    if (*application == "0" && *version == "0" && *tables == "0") return std::size_t{0};
    if (*application != application_id) return Fault{StoreError::unreadable, "not made by keygate"};
    for (std::size_t known = 1; known <= steps.size(); ++known)
        if (*version == std::to_string(known)) return known;
    return Fault{StoreError::unreadable, "its schema version is " + *version +
                                             ", this keygate reads versions up to " +
                                             std::to_string(steps.size())};
}

Result<void> bring_up_to_date(Database& database) {
    const auto version = version_of(database);
    if (!version) return version.error();
    for (std::size_t step = *version; step < steps.size(); ++step)
        if (auto made = database.run(steps[step]); !made) return made;
    if (*version == steps.size()) return {};
    const std::string now = "PRAGMA user_version = " + std::to_string(steps.size());
    return database.run(now.c_str());
}

} // namespace

Result<void> claim(Database& database) {
    // A cache of 16 MiB, taken as it is needed: digests fall on any page, so a large import would
    // read most of its pages again from the disk.
    for (const char* setting :
         {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA synchronous = FULL",
          "PRAGMA foreign_keys = ON", "PRAGMA cache_size = -16384", "BEGIN EXCLUSIVE"})
        if (auto done = database.run(setting); !done) return done;
    if (auto done = bring_up_to_date(database); !done) return done;
    if (auto committed = database.run("COMMIT"); !committed) return committed;

    const auto journal = database.read("PRAGMA journal_mode = WAL");
    if (!journal) return journal.error();
    if (*journal != "wal")
        return Fault{make_error_code(errc::operation_not_supported), "write-ahead log"};
    return {};
}

} // namespace keygate::keys::sqlite
