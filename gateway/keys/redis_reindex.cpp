#include "keys/redis_reindex.hpp"

#include "keys/compile.hpp"
#include "keys/redis_index.hpp"
#include "keys/redis_records.hpp"
#include "keys/redis_talk.hpp"
#include "keys/restrictions.hpp"
#include "redis/error.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

// Every entry that is written or removed here depends on records that were just read. Those are
// watched: where a gateway changes one of them at the same moment, the portion is looked at again.
namespace keygate::keys {
namespace {

using redis::Command;
using redis::Reply;
using Kind = Reply::Kind;

constexpr std::size_t portion = 100;
constexpr std::size_t most_reasons = 100;
constexpr int tries = 20;

/// A key's entry in a sorted set that is not scored by its number.
std::string age_of(const KeyRecord& key) {
    return std::to_string(key.created_at.time_since_epoch().count());
}

class Work {
  public:
    Work(redis::Session& session, Reindex what, const ReindexProgress& progress)
        : talk_(session)
        , is_correcting_(what == Reindex::correct)
        , progress_(progress) {}

    Result<ReindexReport> run() {
        using Step = Result<void> (Work::*)();
        for (const Step step : {&Work::types, &Work::counter, &Work::keys, &Work::owners,
                                &Work::stale_ids, &Work::stale_entries})
            if (auto done = (this->*step)(); !done) return done.error();
        return std::move(report_);
    }

  private:
    // ---- walking

    /// Names with a prefix, in portions, each once.
    template <class Take> Result<void> walk(std::string_view prefix, const Take& take) {
        std::unordered_set<std::string> seen;
        std::string cursor = "0";
        do {
            const auto reply = talk_.ask(
                Command{"SCAN", cursor, "MATCH", std::string{prefix} + '*', "COUNT", "1000"});
            if (!reply) return reply.error();
            if (!reply->is(Kind::list) || reply->list.size() != 2) return unexpected("SCAN");
            cursor = reply->list[0].text;
            std::vector<std::string> names;
            for (const Reply& name : reply->list[1].list)
                if (seen.insert(name.text).second) names.push_back(name.text);
            if (auto taken = in_portions(names, take); !taken) return taken;
        } while (cursor != "0");
        return {};
    }

    template <class Item, class Take>
    Result<void> in_portions(const std::vector<Item>& items, const Take& take) {
        for (std::size_t i = 0; i < items.size(); i += portion) {
            const std::size_t count = std::min(portion, items.size() - i);
            const auto some = std::span{items}.subspan(i, count);
            if (auto taken = again([&] { return take(some); }); !taken) return taken;
            looked_at_ += count;
            if (progress_) progress_(looked_at_);
        }
        return {};
    }

    /// Until nobody changes what a portion depends on.
    template <class Take> Result<void> again(const Take& take) {
        for (int i = 1;; ++i) {
            if (auto begun = talk_.watch(); !begun) return begun;
            const ReindexReport before = report_;
            commands_.clear();
            Result<void> done = take();
            if (done && is_correcting_ && !commands_.empty()) done = talk_.transact(commands_);
            talk_.forget();
            if (done || done.error().error != StoreError::raced || i == tries) return done;
            report_ = before;
        }
    }

    void missing(Command command) {
        ++report_.added;
        commands_.push_back(std::move(command));
    }

    void wrong(Command command) {
        ++report_.removed;
        commands_.push_back(std::move(command));
    }

    void unreadable(const std::string& name, const std::string& why) {
        ++report_.unreadable;
        if (report_.reasons.size() < most_reasons) report_.reasons.push_back(name + ' ' + why);
    }

    // ---- indexes of a wrong type

    Result<void> types() {
        return walk(index_prefix, [this](std::span<const std::string> names) -> Result<void> {
            std::vector<Command> queries;
            for (const std::string& name : names)
                queries.push_back({"TYPE", name});
            const auto replies = talk_.ask(queries);
            if (!replies) return replies.error();
            for (std::size_t i = 0; i < names.size(); ++i) {
                const std::string& type = (*replies)[i].text;
                const bool is_marker =
                    names[i].starts_with(gone_name("")) || names[i].starts_with(guard_name(""));
                const std::string_view wanted = names[i] == ids_index                  ? "hash"
                                                : names[i] == next_number || is_marker ? "string"
                                                                                       : "zset";
                if (type == wanted || type == "none") {
                    if (type == "zset" && names[i] != owners_index) lists_.insert(names[i]);
                    continue;
                }
                wrong({"DEL", names[i]});
                broken_.insert(names[i]);
            }
            return {};
        });
    }

    // ---- records to entries

    /// What the index says; an index that cannot be asked says nothing.
    Result<std::vector<Reply>> ask_index(std::vector<Command> queries) {
        auto replies = talk_.ask(queries);
        if (!replies) return replies;
        for (std::size_t i = 0; i < queries.size(); ++i) {
            Reply& reply = (*replies)[i];
            if (!reply.is(Kind::error)) continue;
            if (!broken_.contains(queries[i][1])) return fault_of(reply, queries[i][0]);
            reply = {};
        }
        return replies;
    }

    Result<void> keys() {
        return walk(redis_key_prefix, [this](std::span<const std::string> names) -> Result<void> {
            return enter_keys(names);
        });
    }

    Result<void> enter_keys(std::span<const std::string> names) {
        std::vector<Command> queries;
        std::vector<std::string> watched;
        std::vector<Digest> digests;
        for (const std::string& name : names)
            if (const auto digest = digest_in(name)) {
                digests.push_back(*digest);
                watched.push_back(name);
                queries.push_back({"HGETALL", name});
            } else
                unreadable("a name below kg:key:", "is no digest in hexadecimal digits");
        const auto replies = talk_.read(std::move(watched), queries);
        if (!replies) return replies.error();
        std::vector<KeyRecord> found;
        for (std::size_t i = 0; i < digests.size(); ++i) {
            auto key = key_in(digests[i], (*replies)[i]);
            if (!key) return key.error();
            if (!*key) continue; // meanwhile
            ++report_.keys;
            if (!(*key)->readable)
                unreadable(key_name(digests[i]),
                           std::get<Unreadable>(read_key_record(digests[i], (*replies)[i])).why);
            else if (const auto limits = own_limits(**key, {}); !limits.value)
                unreadable(key_name(digests[i]), "has limits that cannot be read: " + limits.wrong);
            else if (const auto rules = read_restrictions(**key); !rules.value)
                unreadable(key_name(digests[i]),
                           "has restrictions that cannot be read: " + rules.wrong);
            found.push_back(std::move(**key));
        }
        return enter(found);
    }

    Result<void> enter(const std::vector<KeyRecord>& found) {
        std::vector<Command> queries;
        for (const KeyRecord& key : found) {
            const std::string hex = to_hex(key.digest);
            queries.push_back({"HGET", ids_index, key.id});
            queries.push_back({"ZSCORE", active_index, hex});
            for (const std::string& list : lists_of(key))
                queries.push_back({"ZSCORE", list, hex});
        }
        const auto replies = ask_index(std::move(queries));
        if (!replies) return replies.error();
        auto next = replies->cbegin();
        claimed_.clear();
        for (const KeyRecord& key : found) {
            const std::string hex = to_hex(key.digest);
            if (auto done = enter_id(key, hex, *next++); !done) return done;
            const Reply age = *next++;
            if (has_age(key) && age.text != age_of(key))
                missing({"ZADD", active_index, age_of(key), hex});
            if (auto done = enter_lists(key, hex, next); !done) return done;
        }
        return {};
    }

    /// With one number in all of them: what any of them knows, the list of all keys first.
    Result<void> enter_lists(const KeyRecord& key, const std::string& hex,
                             std::vector<Reply>::const_iterator& next) {
        const auto lists = lists_of(key);
        const std::span<const Reply> scores{next, lists.size()};
        next += static_cast<std::ptrdiff_t>(lists.size());
        const auto known = std::find_if(scores.begin(), scores.end(),
                                        [](const Reply& score) { return !score.text.empty(); });
        std::string number;
        if (known != scores.end())
            number = known->text;
        else if (auto made = new_number(number); !made)
            return made;
        for (std::size_t i = 0; i < lists.size(); ++i)
            if (scores[i].text != number) missing({"ZADD", lists[i], number, hex});
        return {};
    }

    Result<void> new_number(std::string& number) {
        if (!is_correcting_) {
            number = "its number";
            return {};
        }
        const auto made = talk_.ask(Command{"INCR", next_number});
        if (!made) return made.error();
        number = std::to_string(made->number);
        return {};
    }

    Result<void> enter_id(const KeyRecord& key, const std::string& hex, const Reply& known) {
        if (key.id.empty() || known.text == hex) return {};
        if (const auto other = digest_from_hex(known.text)) {
            const Command query{"HGETALL", key_name(*other)};
            const auto reply = talk_.read({query[1]}, {&query, 1});
            if (!reply) return reply.error();
            const auto record = key_in(*other, reply->front());
            if (!record) return record.error();
            if (*record && (*record)->id == key.id) {
                ++report_.duplicate_ids;
                return {};
            }
        }
        if (claimed_.insert(key.id).second)
            missing({"HSET", ids_index, key.id, hex});
        else
            ++report_.duplicate_ids;
        return {};
    }

    Result<void> owners() {
        return walk(redis_owner_prefix, [this](std::span<const std::string> names) -> Result<void> {
            return enter_owners(names);
        });
    }

    Result<void> enter_owners(std::span<const std::string> names) {
        std::vector<Command> records;
        std::vector<Command> entries;
        for (const std::string& name : names) {
            records.push_back({"HGETALL", name});
            entries.push_back({"ZSCORE", owners_index, name.substr(redis_owner_prefix.size())});
        }
        const auto replies = talk_.read({names.begin(), names.end()}, records);
        if (!replies) return replies.error();
        const auto scores = ask_index(entries);
        if (!scores) return scores.error();
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto name = owner_in(names[i]);
            if (!name) {
                unreadable("a name below kg:owner:", "is no API and id");
                continue;
            }
            const auto owner = owner_in(*name, (*replies)[i]);
            if (!owner) return owner.error();
            if (!*owner) continue;
            ++report_.owners;
            if (!(*owner)->readable)
                unreadable(names[i],
                           std::get<Unreadable>(read_owner_record(*name, (*replies)[i])).why);
            if (is_nil((*scores)[i])) missing({"ZADD", owners_index, "0", entries[i][2]});
        }
        return {};
    }

    // ---- entries to records

    Result<void> stale_ids() {
        if (broken_.contains(ids_index)) return {};
        std::string cursor = "0";
        do {
            const auto reply = talk_.ask(Command{"HSCAN", ids_index, cursor, "COUNT", "1000"});
            if (!reply) return reply.error();
            if (!reply->is(Kind::list) || reply->list.size() != 2) return unexpected("HSCAN");
            cursor = reply->list[0].text;
            std::vector<std::pair<std::string, std::string>> entries;
            const auto& list = reply->list[1].list;
            for (std::size_t i = 0; i + 1 < list.size(); i += 2)
                entries.emplace_back(list[i].text, list[i + 1].text);
            auto done = in_portions(
                entries,
                [this](std::span<const std::pair<std::string, std::string>> some) -> Result<void> {
                    return drop_ids(some);
                });
            if (!done) return done;
        } while (cursor != "0");
        return {};
    }

    Result<void> drop_ids(std::span<const std::pair<std::string, std::string>> entries) {
        std::vector<std::string> members;
        for (const auto& [id, hex] : entries)
            members.push_back(hex);
        const auto keys = records_of(members);
        if (!keys) return keys.error();
        for (std::size_t i = 0; i < entries.size(); ++i) {
            const std::optional<KeyRecord>& key = (*keys)[i];
            if (!key || !bears(*key, entries[i].first))
                wrong({"HDEL", ids_index, entries[i].first});
        }
        return {};
    }

    Result<std::vector<std::optional<KeyRecord>>>
    records_of(const std::vector<std::string>& members) {
        std::vector<std::string> names;
        std::vector<Command> queries;
        for (const std::string& hex : members) {
            names.push_back(std::string{redis_key_prefix} + hex);
            queries.push_back({"HGETALL", names.back()});
        }
        const auto replies = talk_.read(names, queries);
        if (!replies) return replies.error();
        std::vector<std::optional<KeyRecord>> keys;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto digest = digest_in(names[i]);
            keys.emplace_back();
            if (!digest) continue;
            auto key = key_in(*digest, (*replies)[i]);
            if (!key) return key.error();
            keys.back() = std::move(*key);
        }
        return keys;
    }

    Result<void> stale_entries() {
        for (const std::string& list : lists_)
            if (auto done = each_member(
                    list,
                    [&](std::span<const Scored> entries) { return drop_keys(list, entries); });
                !done)
                return done;
        if (broken_.contains(owners_index)) return {};
        return each_member(
            owners_index, [this](std::span<const Scored> entries) { return drop_owners(entries); });
    }

    template <class Take> Result<void> each_member(const std::string& index, const Take& take) {
        std::string cursor = "0";
        do {
            const auto reply = talk_.ask(Command{"ZSCAN", index, cursor, "COUNT", "1000"});
            if (!reply) return reply.error();
            if (!reply->is(Kind::list) || reply->list.size() != 2) return unexpected("ZSCAN");
            cursor = reply->list[0].text;
            const auto entries = scored(reply->list[1], "ZSCAN");
            if (!entries) return entries.error();
            if (auto done = in_portions(*entries, take); !done) return done;
        } while (cursor != "0");
        return {};
    }

    Result<void> drop_keys(const std::string& list, std::span<const Scored> entries) {
        std::vector<std::string> members;
        for (const Scored& entry : entries)
            members.push_back(entry.member);
        const auto keys = records_of(members);
        if (!keys) return keys.error();
        for (std::size_t i = 0; i < members.size(); ++i) {
            const std::optional<KeyRecord>& key = (*keys)[i];
            bool belongs = false;
            if (key && list == active_index)
                belongs = has_age(*key);
            else if (key) {
                const auto lists = lists_of(*key);
                belongs = std::find(lists.begin(), lists.end(), list) != lists.end();
            }
            if (!belongs) wrong({"ZREM", list, members[i]});
        }
        return {};
    }

    Result<void> drop_owners(std::span<const Scored> entries) {
        std::vector<std::string> names;
        std::vector<Command> queries;
        for (const Scored& entry : entries) {
            names.push_back(std::string{redis_owner_prefix} + entry.member);
            queries.push_back({"EXISTS", names.back()});
        }
        const auto replies = talk_.read(names, queries);
        if (!replies) return replies.error();
        for (std::size_t i = 0; i < names.size(); ++i)
            if ((*replies)[i].number == 0 || !owner_in(names[i]))
                wrong({"ZREM", owners_index, entries[i].member});
        return {};
    }

    // ---- the counter

    /// It never gives a number again that was given before.
    Result<void> counter() {
        return again([this]() -> Result<void> {
            const std::vector<Command> queries{{"GET", next_number},
                                               {"ZREVRANGE", keys_index, "0", "0", "WITHSCORES"}};
            const auto replies = talk_.read({next_number, keys_index}, queries);
            if (!replies) return replies.error();
            if ((*replies)[1].is(Kind::error)) return {}; // only looked at, and of a wrong type
            const auto last = scored((*replies)[1], "ZREVRANGE");
            if (!last) return last.error();
            if (last->empty()) return {};
            const std::string& text = (*replies)[0].text;
            const bool is_number =
                !text.empty() && text.size() < 18 &&
                std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
            if (is_number && std::stoll(text) >= last->front().score) return {};
            missing({"SET", next_number, std::to_string(last->front().score)});
            return {};
        });
    }

    RedisTalk talk_;
    bool is_correcting_;
    const ReindexProgress& progress_;
    ReindexReport report_;
    std::vector<Command> commands_;
    std::set<std::string> lists_;   // sorted sets of digests
    std::set<std::string> broken_;  // of a wrong type, and dropped where we correct
    std::set<std::string> claimed_; // ids that the portion at hand enters
    std::size_t looked_at_ = 0;
};

} // namespace

Result<ReindexReport> reindex(redis::Session& session, Reindex what,
                              const ReindexProgress& progress) {
    return Work{session, what, progress}.run();
}

} // namespace keygate::keys
