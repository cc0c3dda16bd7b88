#include "keys/sqlite_rows.hpp"

#include "keys/texts.hpp"

#include <algorithm>
#include <vector>

namespace keygate::keys::sqlite {
namespace {

namespace errc = boost::system::errc;

std::optional<std::string> optional_text(const Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return std::string{row.text(column)};
}

/// Assigns what could be read; otherwise the record is not readable.
template <class T> void assign(T& target, const std::optional<T>& value, bool& readable) {
    if (value)
        target = *value;
    else
        readable = false;
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

/// A digest from a column that holds one.
std::optional<Digest> digest_from(std::string_view bytes) {
    Digest digest;
    if (bytes.size() != digest.bytes.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
    return digest;
}

/// Lists and maps of texts; NULL: there is none.
template <class Texts> std::optional<std::string> json_unless_empty(const Texts& texts) {
    if (texts.empty()) return std::nullopt;
    return json_of(texts);
}

/// The form that a key's words and times have in its row; lives as long as they are bound.
struct KeyText {
    explicit KeyText(const KeyRecord& key)
        : created_at(to_text(key.created_at))
        , addresses(json_unless_empty(key.addresses))
        , referrers(json_unless_empty(key.referrers))
        , endpoints(json_unless_empty(key.endpoints))
        , bind(json_unless_empty(key.bind)) {
        if (key.expires_at) expires_at = to_text(*key.expires_at);
        is_readable = time_from(created_at) && (!expires_at || time_from(*expires_at)) &&
                      (!addresses || texts_from(*addresses) == key.addresses) &&
                      (!referrers || texts_from(*referrers) == key.referrers) &&
                      (!endpoints || texts_from(*endpoints) == key.endpoints) &&
                      (!bind || text_map_from(*bind) == key.bind);
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
    std::optional<std::string> addresses;
    std::optional<std::string> referrers;
    std::optional<std::string> endpoints;
    std::optional<std::string> bind;
    bool is_readable = true; // as what it was
};

} // namespace

KeyRecord read_key(const Statement& row) {
    KeyRecord key;
    assign(key.digest, digest_from(row.text(0)), key.readable);
    key.id = row.text(1);
    key.api = row.text(2);
    key.owner = row.text(3);
    assign(key.status, key_status_from(row.text(4)), key.readable);
    assign(key.mode, mode_from(row.text(5)), key.readable);
    key.plan = optional_text(row, 6);
    if (!row.is_null(7)) key.scopes = split(row.text(7));
    key.name = row.text(8);
    key.prefix = row.text(9);
    key.hint = row.text(10);
    assign(key.created_at, time_from(row.text(11)), key.readable);
    if (!row.is_null(12)) assign(key.expires_at.emplace(), time_from(row.text(12)), key.readable);
    key.owner_record_required = row.integer(13) != 0;
    key.pepper = row.text(14);
    key.rotated_to = optional_text(row, 15);
    key.metadata = row.text(16);
    key.rate = row.text(17);
    key.quota = row.text(18);
    if (!row.is_null(19)) assign(key.addresses, texts_from(row.text(19)), key.readable);
    if (!row.is_null(20)) assign(key.referrers, texts_from(row.text(20)), key.readable);
    if (!row.is_null(21)) assign(key.endpoints, texts_from(row.text(21)), key.readable);
    if (!row.is_null(22)) assign(key.bind, text_map_from(row.text(22)), key.readable);
    if (!row.is_null(23))
        assign(key.secret_digest.emplace(), digest_from(row.text(23)), key.readable);
    key.sealed = row.text(24);
    return key;
}

OwnerRecord read_owner(const Statement& row) {
    OwnerRecord owner;
    owner.api = row.text(0);
    owner.id = row.text(1);
    owner.name = row.text(2);
    owner.plan = optional_text(row, 3);
    assign(owner.status, owner_status_from(row.text(4)), owner.readable);
    owner.attributes = row.text(5);
    return owner;
}

Usage read_usage(const Statement& row, int first) {
    Usage usage;
    // Damage here costs a number that is shown, and decides nothing.
    if (!row.is_null(first)) usage.last_used_at = time_from(row.text(first));
    usage.total = static_cast<std::uint64_t>(row.integer(first + 1));
    usage.month = month_from(row.text(first + 2)).value_or(Month{});
    usage.in_month = static_cast<std::uint64_t>(row.integer(first + 3));
    return usage;
}

Receipt read_receipt(const Statement& row) {
    return {.name = std::string{row.text(0)},
            .request = std::string{row.text(1)},
            .status = static_cast<unsigned>(row.integer(2)),
            .answer = std::string{row.text(3)},
            .location = std::string{row.text(4)},
            .at = time_from(row.text(5)).value_or(Time{})};
}

SpentBy read_spent_by(const Statement& row) {
    return {.api = std::string{row.text(0)},
            .owner = std::string{row.text(1)},
            .id = std::string{row.text(2)}};
}

Spent read_spent(const Statement& row) {
    // Numbers of 64 bits, which SQLite knows with a sign alone.
    return {.tag = static_cast<std::uint64_t>(row.integer(3)),
            .at = row.integer(4),
            .used = static_cast<std::uint64_t>(row.integer(5))};
}

Result<void> run_with(Statement& statement, const KeyRecord& key) {
    const KeyText text{key};
    if (!text.is_readable)
        return Fault{make_error_code(errc::invalid_argument), "times and lists of key " + key.id};
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
        .bind(14, static_cast<std::int64_t>(key.owner_record_required))
        .bind(15, key.pepper)
        .bind_optional(16, key.rotated_to)
        .bind(17, key.metadata)
        .bind(18, key.rate)
        .bind(19, key.quota)
        .bind_optional(20, text.addresses)
        .bind_optional(21, text.referrers)
        .bind_optional(22, text.endpoints)
        .bind_optional(23, text.bind);
    // What is not bound is NULL.
    if (key.secret_digest) statement.bind_blob(24, key.secret_digest->bytes);
    statement.bind(25, key.sealed);
    return statement.finish();
}

Result<void> run_with(Statement& statement, const OwnerRecord& owner) {
    statement.bind(1, owner.api)
        .bind(2, owner.id)
        .bind(3, owner.name)
        .bind_optional(4, owner.plan)
        .bind(5, to_string(owner.status))
        .bind(6, owner.attributes);
    return statement.finish();
}

Result<void> run_with(Statement& statement, const Receipt& receipt) {
    const std::string at = to_text(receipt.at);
    statement.bind(1, receipt.name)
        .bind(2, receipt.request)
        .bind(3, static_cast<std::int64_t>(receipt.status))
        .bind(4, receipt.answer)
        .bind(5, receipt.location)
        .bind(6, at);
    return statement.finish();
}

Result<void> run_with(Statement& statement, const OwnerName& owner, const std::string& id,
                      const Usage& usage) {
    std::optional<std::string> last;
    if (usage.last_used_at) last = to_text(*usage.last_used_at);
    const std::string month = to_text(usage.month);
    statement.bind(1, owner.api)
        .bind(2, owner.id)
        .bind(3, id)
        .bind_optional(4, last)
        .bind(5, static_cast<std::int64_t>(usage.total))
        .bind(6, month)
        .bind(7, static_cast<std::int64_t>(usage.in_month));
    return statement.finish();
}

Result<void> run_with(Statement& statement, const SpentBy& by, const Spent& spent) {
    statement.bind(1, by.api)
        .bind(2, by.owner)
        .bind(3, by.id)
        .bind(4, static_cast<std::int64_t>(spent.tag))
        .bind(5, spent.at)
        .bind(6, static_cast<std::int64_t>(spent.used));
    return statement.finish();
}

} // namespace keygate::keys::sqlite
