#include "keys/redis_store.hpp"

#include "keys/key_filter.hpp"
#include "keys/redis_commit.hpp"
#include "keys/redis_index.hpp"
#include "keys/redis_records.hpp"
#include "keys/redis_spent.hpp"
#include "keys/redis_talk.hpp"
#include "keys/redis_usage.hpp"
#include "redis/error.hpp"
#include "redis/session.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace keygate::keys {
namespace {

using redis::Command;
using redis::Reply;
using Kind = Reply::Kind;
namespace errc = boost::system::errc;

constexpr std::size_t most_at_once = 500; // entries of an index, or records, in one portion

struct Numbered {
    Digest digest;
    std::int64_t number = 0;
};

/// Entries to look at for so many rows: one more, and some for a filter to pass over.
std::size_t portion_for(std::size_t limit) {
    return std::clamp<std::size_t>(limit, 100, most_at_once - 1) + 1;
}

/// Keys as the index lists them, by number; what the records say is asked of them.
std::string index_of(const KeyFilter& filter) {
    if (!filter.api.empty() && !filter.owner.empty())
        return owner_index({filter.api, filter.owner});
    if (!filter.prefix.empty()) return prefix_index(filter.prefix);
    return filter.status ? status_index(*filter.status) : std::string{keys_index};
}

class RedisStore final : public KeyStore {
  public:
    explicit RedisStore(const config::Redis& settings)
        : settings_(settings)
        , session_(settings_) {}

    [[nodiscard]] Result<void> dial() {
        auto opened = session_.open();
        if (!opened) return opened.error();
        return {};
    }

    Result<void> each(const std::function<void(OwnerRecord&&)>& on_owner,
                      const std::function<void(KeyRecord&&)>& on_key) override;

    Result<void> watch() override { return talk_.watch(); }

    void forget() override { talk_.forget(); }

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

    Result<void>
    each_spent(const std::function<void(const SpentBy&, std::span<const Spent>)>&) override {
        return {}; // nothing is kept: it is counted here
    }

    Result<std::vector<Spent>> spent(const SpentBy& by,
                                     std::span<const config::Limit> limits) override {
        return read_spent(talk_, by, limits);
    }

    Result<std::optional<Time>> oldest_key() override;
    Result<std::optional<Receipt>> find_receipt(const std::string& name, Time since) override;
    Result<std::vector<PepperUse>> peppers() override;
    Result<void> put_pepper(const PepperUse& pepper) override;
    Result<std::unique_ptr<StoreBackup>> backup(const std::string& file) override;

  private:
    using Found = std::vector<std::optional<KeyRecord>>;

    Result<Found> records_of(std::span<const Digest> digests);
    Result<std::optional<KeyRecord>> record_of(const std::string& id);
    Result<std::vector<Usage>> uses_of(std::span<const KeyRecord> keys);
    Result<std::vector<KeyRow>> rows_of(const std::vector<Numbered>& entries);
    Result<std::vector<Numbered>> entries_of(const std::string& index, std::int64_t after,
                                             std::size_t most);
    Result<void> each_of(const OwnerName& owner, const std::function<bool(KeyRecord&&)>& on_key);
    Result<void> scan(std::string_view prefix,
                      const std::function<void(const std::string&, const Reply&)>& on_record);
    Result<void> confirm();

    const config::Redis settings_; // before the session that lives on it
    redis::Session session_;
    RedisTalk talk_{session_};
};

// ---- all records

Result<void>
RedisStore::scan(std::string_view prefix,
                 const std::function<void(const std::string&, const Reply&)>& on_record) {
    std::unordered_set<std::string> seen; // SCAN may tell a name twice
    std::string cursor = "0";
    do {
        auto reply =
            talk_.ask(Command{"SCAN", cursor, "MATCH", std::string{prefix} + '*', "COUNT", "1000"});
        if (!reply) return reply.error();
        if (!reply->is(Kind::list) || reply->list.size() != 2) return unexpected("SCAN");
        cursor = reply->list[0].text;
        std::vector<Command> queries;
        for (Reply& name : reply->list[1].list)
            if (seen.insert(name.text).second) queries.push_back({"HGETALL", std::move(name.text)});
        const auto replies = talk_.ask(queries);
        if (!replies) return replies.error();
        for (std::size_t i = 0; i < queries.size(); ++i)
            on_record(queries[i][1], (*replies)[i]);
    } while (cursor != "0");
    return {};
}

Result<void> RedisStore::each(const std::function<void(OwnerRecord&&)>& on_owner,
                              const std::function<void(KeyRecord&&)>& on_key) {
    Result<void> done;
    const auto tell = [&done](auto read, const auto& to) {
        if (!read)
            done = read.error();
        else if (*read)
            to(std::move(**read));
    };
    auto scanned = scan(redis_owner_prefix, [&](const std::string& name, const Reply& reply) {
        if (const auto owner = owner_in(name)) tell(owner_in(*owner, reply), on_owner);
    });
    if (scanned && done)
        scanned = scan(redis_key_prefix, [&](const std::string& name, const Reply& reply) {
            if (const auto digest = digest_in(name)) tell(key_in(*digest, reply), on_key);
        });
    return scanned ? done : scanned;
}

// ---- changes

Result<void> RedisStore::commit(const Change& change) {
    if (auto done = commit_to_redis(talk_, change); !done) return done;
    return confirm();
}

/// A replica that becomes the master must know what was acknowledged: a revocation above all. Asked
/// each time: replicas come and go.
Result<void> RedisStore::confirm() {
    const auto failed = [](const char* step) {
        return Fault{redis::Error::too_few_replicas, step};
    };
    // WAIT speaks of what its own connection has written, so all of it goes over the same one.
    const std::uint64_t connection = session_.connection();
    const Command role{"ROLE"};
    const auto told = session_.ask_on(connection, {&role, 1});
    if (!told) return failed("done on the master, and whether a replica has it is not known");
    const Reply& said = told->front();
    // Who may not ask is told so by `keygate store doctor`.
    if (!said.is(Kind::list) || said.list.size() != 3 || said.list[2].list.empty()) return {};
    const auto patience = std::max<std::int64_t>(settings_.command_timeout.count() / 2, 1);
    const Command wait{"WAIT", "1", std::to_string(patience)};
    const auto reached = session_.ask_on(connection, {&wait, 1});
    if (reached && reached->front().number > 0) return {};
    return failed("done on the master, but no replica has confirmed it");
}

// ---- reading

/// As many as were asked for, with nothing where there is no record.
Result<RedisStore::Found> RedisStore::records_of(std::span<const Digest> digests) {
    Found found;
    if (digests.empty()) return found;
    std::vector<std::string> names;
    std::vector<Command> queries;
    for (const Digest& digest : digests) {
        names.push_back(key_name(digest));
        queries.push_back({"HGETALL", names.back()});
    }
    const auto replies = talk_.read(std::move(names), queries);
    if (!replies) return replies.error();
    for (std::size_t i = 0; i < digests.size(); ++i) {
        auto key = key_in(digests[i], (*replies)[i]);
        if (!key) return key.error();
        found.push_back(std::move(*key));
    }
    return found;
}

/// Through the index.
Result<std::optional<KeyRecord>> RedisStore::record_of(const std::string& id) {
    const auto hex = talk_.ask(Command{"HGET", ids_index, id});
    if (!hex) return hex.error();
    if (const auto digest = digest_from_hex(hex->text)) {
        auto found = records_of(std::span{&*digest, 1});
        if (!found) return found.error();
        std::optional<KeyRecord>& key = found->front();
        if (key && bears(*key, id)) {
            key->id = id;
            return std::move(key);
        }
    }
    return std::optional<KeyRecord>{};
}

Result<std::vector<Usage>> RedisStore::uses_of(std::span<const KeyRecord> keys) {
    std::vector<Command> queries;
    for (const KeyRecord& key : keys)
        queries.push_back(usage_query({key.api, key.owner}, key.id));
    const auto replies = talk_.ask(queries);
    if (!replies) return replies.error();
    std::vector<Usage> uses;
    for (const Reply& reply : *replies)
        uses.push_back(usage_in(reply));
    return uses;
}

Result<KeyRow> RedisStore::find(const std::string& id) {
    auto key = record_of(id);
    if (!key) return key.error();
    if (!*key) return Fault{StoreError::not_found, id};
    const auto uses = uses_of(std::span{&**key, 1});
    if (!uses) return uses.error();
    return KeyRow{std::move(**key), uses->front()};
}

Result<std::optional<std::string>> RedisStore::find_same(const KeyRecord& key) {
    // That an id is nobody's has no record that could be watched.
    const Command query{"HGET", ids_index, key.id};
    if (auto watched = talk_.read({guard_name(key.id)}, {&query, 1}); !watched)
        return watched.error();
    const auto by_id = record_of(key.id);
    if (!by_id) return by_id.error();
    if (*by_id) return std::optional{key.id};
    auto by_digest = records_of(std::span{&key.digest, 1});
    if (!by_digest) return by_digest.error();
    if (!by_digest->front()) return std::optional<std::string>{};
    return std::optional{std::move(by_digest->front()->id)};
}

Result<std::vector<Numbered>> RedisStore::entries_of(const std::string& index, std::int64_t after,
                                                     std::size_t most) {
    const auto reply = talk_.ask(Command{"ZRANGEBYSCORE", index, "(" + std::to_string(after),
                                         "+inf", "WITHSCORES", "LIMIT", "0", std::to_string(most)});
    if (!reply) return reply.error();
    const auto members = scored(*reply, "ZRANGEBYSCORE");
    if (!members) return members.error();
    std::vector<Numbered> entries;
    for (const Scored& each : *members)
        entries.push_back({digest_from_hex(each.member).value_or(Digest{}), each.score});
    return entries;
}

/// Rows of those whose records are there; the others have an empty one.
Result<std::vector<KeyRow>> RedisStore::rows_of(const std::vector<Numbered>& entries) {
    std::vector<Digest> digests;
    for (const Numbered& entry : entries)
        digests.push_back(entry.digest);
    auto found = records_of(digests);
    if (!found) return found.error();
    std::vector<KeyRecord> keys;
    for (std::optional<KeyRecord>& key : *found)
        keys.push_back(key ? std::move(*key) : KeyRecord{});
    const auto uses = uses_of(keys);
    if (!uses) return uses.error();
    std::vector<KeyRow> rows;
    for (std::size_t i = 0; i < keys.size(); ++i)
        rows.push_back({std::move(keys[i]), (*uses)[i]});
    return rows;
}

Result<Page<KeyRow>> RedisStore::list(const KeyFilter& filter) {
    auto after = number_from(filter.cursor);
    if (!after) return Fault{StoreError::bad_cursor, filter.cursor};
    const std::string index = index_of(filter);
    Page<KeyRow> page;
    std::size_t scanned = 0;
    for (;;) {
        const std::size_t most = portion_for(filter.limit);
        const auto entries = entries_of(index, *after, most);
        if (!entries) return entries.error();
        auto rows = rows_of(*entries);
        if (!rows) return rows.error();
        for (std::size_t i = 0; i < entries->size(); ++i, ++scanned) {
            if (page.rows.size() == filter.limit || scanned == most_scanned) {
                page.next = std::to_string(*after);
                return page;
            }
            after = (*entries)[i].number;
            KeyRow& row = (*rows)[i];
            const bool is_there = !row.record.id.empty() || !row.record.readable;
            if (is_there && passes(row, filter)) page.rows.push_back(std::move(row));
        }
        if (entries->size() < most) return page;
    }
}

Result<OwnerRecord> RedisStore::find_owner(const OwnerName& name) {
    const Command query{"HGETALL", owner_name(name)};
    const auto replies = talk_.read({query[1]}, {&query, 1});
    if (!replies) return replies.error();
    auto owner = owner_in(name, replies->front());
    if (!owner) return owner.error();
    if (!*owner) return Fault{StoreError::not_found, name.id};
    return std::move(**owner);
}

Result<Page<OwnerRecord>> RedisStore::list_owners(const std::string& api, const std::string& cursor,
                                                  std::size_t limit) {
    if (!owner_from(api, cursor)) return Fault{StoreError::bad_cursor, cursor};
    std::string after = cursor;
    const std::string end = api.empty() ? "+" : "(" + api + ';'; // the letter behind the colon
    Page<OwnerRecord> page;
    for (std::size_t scanned = 0;;) {
        const std::string begin = !after.empty() ? "(" + after
                                  : api.empty()  ? "-"
                                                 : "[" + api + ':';
        const std::size_t most = portion_for(limit);
        const auto members = talk_.ask(
            Command{"ZRANGEBYLEX", owners_index, begin, end, "LIMIT", "0", std::to_string(most)});
        if (!members) return members.error();
        if (!members->is(Kind::list)) return unexpected("ZRANGEBYLEX");
        std::vector<Command> queries;
        for (const Reply& member : members->list)
            queries.push_back({"HGETALL", std::string{redis_owner_prefix} + member.text});
        const auto replies = talk_.ask(queries);
        if (!replies) return replies.error();
        for (std::size_t i = 0; i < queries.size(); ++i, ++scanned) {
            if (page.rows.size() == limit || scanned == most_scanned) {
                page.next = after;
                return page;
            }
            after = members->list[i].text;
            const auto name = owner_in(queries[i][1]);
            if (!name) continue;
            auto owner = owner_in(*name, (*replies)[i]);
            if (!owner) return owner.error();
            if (*owner) page.rows.push_back(std::move(**owner));
        }
        if (queries.size() < most) return page;
    }
}

/// Hands on the records of an owner until `on_key` has had enough and says so with false.
Result<void> RedisStore::each_of(const OwnerName& owner,
                                 const std::function<bool(KeyRecord&&)>& on_key) {
    const std::string index = owner_index(owner);
    const Command query{"ZCARD", index};
    if (auto watched = talk_.read({index}, {&query, 1}); !watched) return watched.error();
    for (std::int64_t after = 0;;) {
        const auto entries = entries_of(index, after, most_at_once);
        if (!entries) return entries.error();
        std::vector<Digest> digests;
        for (const Numbered& entry : *entries)
            digests.push_back(entry.digest);
        auto found = records_of(digests);
        if (!found) return found.error();
        for (std::optional<KeyRecord>& key : *found)
            if (key && key->api == owner.api && key->owner == owner.id && !on_key(std::move(*key)))
                return {};
        if (entries->size() < most_at_once) return {};
        after = entries->back().number;
    }
}

Result<bool> RedisStore::has_keys(const OwnerName& owner) {
    bool has_some = false;
    const auto done = each_of(owner, [&](KeyRecord&&) {
        has_some = true;
        return false;
    });
    if (!done) return done.error();
    return has_some;
}

Result<std::vector<KeyRecord>> RedisStore::keys_of(const OwnerName& owner) {
    std::vector<KeyRecord> keys;
    const auto done = each_of(owner, [&](KeyRecord&& key) {
        keys.push_back(std::move(key));
        return true;
    });
    if (!done) return done.error();
    return keys;
}

Result<std::optional<Time>> RedisStore::oldest_key() {
    for (std::size_t offset = 0; offset < most_scanned;) {
        const auto reply = talk_.ask(Command{"ZRANGE", active_index, std::to_string(offset),
                                             std::to_string(offset + 9), "WITHSCORES"});
        if (!reply) return reply.error();
        const auto entries = scored(*reply, "ZRANGE");
        if (!entries) return entries.error();
        std::vector<Digest> digests;
        for (const Scored& entry : *entries)
            digests.push_back(digest_from_hex(entry.member).value_or(Digest{}));
        const auto found = records_of(digests);
        if (!found) return found.error();
        for (const std::optional<KeyRecord>& key : *found)
            if (key && has_age(*key)) return std::optional{key->created_at};
        if (entries->size() < 10) break;
        offset += entries->size();
    }
    return std::optional<Time>{};
}

Result<std::optional<Receipt>> RedisStore::find_receipt(const std::string& name, Time since) {
    const std::string key = receipt_name(name);
    const Command query{"HMGET", key, "name", "request", "status", "answer", "location", "at"};
    const auto replies = talk_.read({key}, {&query, 1});
    if (!replies) return replies.error();
    const Reply& reply = replies->front();
    if (auto fits = expect(reply, Kind::list, "HMGET of kg:receipt:"); !fits) return fits.error();
    if (reply.list.size() != 6) return unexpected("HMGET of kg:receipt:");
    const auto text = [&](std::size_t i) { return reply.list[i].text; };
    const auto at = time_from(text(5));
    if (text(0) != name || !at || *at < since) return std::optional<Receipt>{};
    // Whoever is answered again may rely on it again: a replica that knows this write knows that
    // change.
    const auto touched = talk_.ask(Command{"HSET", key, "at", text(5)});
    if (!touched) return touched.error();
    if (auto confirmed = confirm(); !confirmed) return confirmed.error();
    return std::optional{Receipt{.name = text(0),
                                 .request = text(1),
                                 .status = static_cast<unsigned>(std::atoi(text(2).c_str())),
                                 .answer = text(3),
                                 .location = text(4),
                                 .at = *at}};
}

// ---- usage

Result<Usage> RedisStore::usage_of(const OwnerName& owner) {
    const auto reply = talk_.ask(Command{"HGETALL", use_name(owner)});
    if (!reply) return reply.error();
    return usage_of_all(*reply);
}

Result<void> RedisStore::add(std::span<const UsageDelta> uses) {
    return add_usage(talk_, uses);
}

// ---- peppers and copies

Result<std::vector<PepperUse>> RedisStore::peppers() {
    const auto reply = talk_.ask(Command{"HGETALL", pepper_proofs});
    if (!reply) return reply.error();
    if (!reply->is(Kind::list)) return unexpected("HGETALL kg:peppers");
    std::vector<PepperUse> known;
    for (std::size_t i = 0; i + 1 < reply->list.size(); i += 2) {
        PepperUse pepper{.name = reply->list[i].text, .proof = reply->list[i + 1].text};
        const auto count = talk_.ask(Command{"ZCARD", pepper_index(pepper.name)});
        if (!count) return count.error();
        pepper.keys = static_cast<std::size_t>(count->number);
        known.push_back(std::move(pepper));
    }
    return known;
}

Result<void> RedisStore::put_pepper(const PepperUse& pepper) {
    const auto put = talk_.ask(Command{"HSET", pepper_proofs, pepper.name, pepper.proof});
    if (!put) return put.error();
    return {};
}

Result<std::unique_ptr<StoreBackup>> RedisStore::backup(const std::string&) {
    return Fault{make_error_code(errc::operation_not_supported),
                 "Redis is copied by its own means (BGSAVE, its append-only file)"};
}

} // namespace

std::unique_ptr<KeyStore> make_redis_store(const config::Redis& settings) {
    return std::make_unique<RedisStore>(settings);
}

Result<std::unique_ptr<KeyStore>> open_redis_store(const config::Redis& settings) {
    auto store = std::make_unique<RedisStore>(settings);
    if (auto dialled = store->dial(); !dialled) {
        Fault fault = dialled.error();
        fault.step = "key store " + settings.url + ": " + fault.step;
        return fault;
    }
    return std::unique_ptr<KeyStore>{std::move(store)};
}

} // namespace keygate::keys
