#include "keys/redis_commit.hpp"

#include "keys/redis_index.hpp"
#include "keys/redis_records.hpp"
#include "keys/redis_spent.hpp"
#include "keys/redis_usage.hpp"
#include "redis/error.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

// First everything that the change touches is read and watched; then the change is made on what was
// read, in memory, where each of its steps sees those before it; then the difference between before
// and after goes to Redis in one MULTI … EXEC. Nothing in there may fail by itself, because Redis
// does not take back what it has done before: types are looked at beforehand.
namespace keygate::keys {
namespace {

using redis::Command;
using redis::Reply;
using Kind = Reply::Kind;

/// A record before and after.
struct Slot {
    Reply raw; // of HGETALL
    std::optional<KeyRecord> before;
    std::optional<KeyRecord> after;
    std::optional<std::int64_t> number; // of its creation, where the index knows it
    std::optional<Digest> moved_from;
    bool is_touched = false;
};

Fault conflict(std::string id) {
    return {StoreError::conflict, std::move(id)};
}

/// The fields of a hash.
std::vector<std::string> names_in(const Reply& hgetall) {
    std::vector<std::string> names;
    if (!hgetall.is(Kind::list)) return names;
    for (std::size_t i = 0; i < hgetall.list.size(); i += 2)
        names.push_back(hgetall.list[i].text);
    return names;
}

class Commit {
  public:
    Commit(RedisTalk& talk, const Change& change)
        : talk_(talk)
        , change_(change) {}

    Result<void> run() {
        using Step = Result<void> (Commit::*)();
        for (const Step step :
             {&Commit::read_owner, &Commit::read_ids, &Commit::read_records, &Commit::judge,
              &Commit::read_uses, &Commit::number, &Commit::write, &Commit::check_types})
            if (auto done = (this->*step)(); !done) return done;
        return talk_.transact(commands_);
    }

  private:
    // ---- reading

    Result<void> read_owner() {
        for (const OwnerName& name : owners()) {
            const Command query{"HGETALL", owner_name(name)};
            auto replies = talk_.read({query[1]}, {&query, 1});
            if (!replies) return replies.error();
            auto read = owner_in(name, replies->front());
            if (!read) return read.error();
            if (*read) known_owners_.insert_or_assign(name, std::move(replies->front()));
        }
        return {};
    }

    [[nodiscard]] std::set<OwnerName> owners() const {
        std::set<OwnerName> names;
        if (change_.put_owner) names.insert({change_.put_owner->api, change_.put_owner->id});
        if (change_.remove_owner) names.insert(*change_.remove_owner);
        return names;
    }

    Result<void> read_ids() {
        std::set<std::string> ids{change_.remove.begin(), change_.remove.end()};
        for (const auto* keys : {&change_.insert, &change_.update})
            for (const KeyRecord& key : *keys)
                ids.insert(key.id);
        if (ids.empty()) return {};
        Command query{"HMGET", ids_index};
        query.insert(query.end(), ids.begin(), ids.end());
        // Only who makes or removes keys depends on ids that others make or remove.
        std::vector<std::string> watched;
        for (const KeyRecord& key : change_.insert)
            watched.push_back(guard_name(key.id));
        for (const std::string& id : change_.remove)
            watched.push_back(guard_name(id));
        const auto replies = talk_.read(watched, {&query, 1});
        if (!replies) return replies.error();
        const Reply& found = replies->front();
        if (auto fits = expect(found, Kind::list, "HMGET kg:index:ids"); !fits) return fits;
        if (found.list.size() != ids.size()) return unexpected("HMGET kg:index:ids");
        std::size_t i = 0;
        for (const std::string& id : ids)
            if (const auto digest = digest_from_hex(found.list[i++].text))
                indexed_.emplace(id, *digest);
        return {};
    }

    Result<void> read_records() {
        std::vector<Digest> digests;
        const auto add = [&](const Digest& digest) {
            if (slots_.try_emplace(digest).second) digests.push_back(digest);
        };
        for (const auto& [id, digest] : indexed_)
            add(digest);
        for (const auto* keys : {&change_.insert, &change_.update})
            for (const KeyRecord& key : *keys)
                add(key.digest);
        if (digests.empty()) return {};
        std::vector<std::string> names;
        std::vector<Command> queries;
        for (const Digest& digest : digests) {
            names.push_back(key_name(digest));
            queries.push_back({"HGETALL", names.back()});
            queries.push_back({"ZSCORE", keys_index, to_hex(digest)});
        }
        auto replies = talk_.read(names, queries);
        if (!replies) return replies.error();
        for (std::size_t i = 0; i < digests.size(); ++i)
            if (auto took = take(digests[i], (*replies)[2 * i], (*replies)[2 * i + 1]); !took)
                return took;
        // The index is believed where the record agrees.
        for (const auto& [id, digest] : indexed_) {
            const auto& key = slots_.at(digest).after;
            if (key && bears(*key, id)) ids_.emplace(id, digest);
        }
        return {};
    }

    Result<void> take(const Digest& digest, Reply& record, const Reply& score) {
        Slot& slot = slots_.at(digest);
        auto read = key_in(digest, record);
        if (!read) return read.error();
        slot.before = std::move(*read);
        slot.after = slot.before;
        slot.raw = std::move(record);
        if (is_nil(score)) return {};
        if (auto fits = expect(score, Kind::text, "ZSCORE kg:index:keys"); !fits) return fits;
        // Of a record that is gone, the number is of no use: who comes now is new.
        if (slot.before) slot.number = static_cast<std::int64_t>(std::atof(score.text.c_str()));
        return {};
    }

    // ---- deciding

    Result<void> judge() {
        for (const KeyRecord& key : change_.insert)
            if (auto done = insert(key); !done) return done;
        for (const KeyRecord& key : change_.update)
            if (auto done = update(key); !done) return done;
        for (const std::string& id : change_.remove)
            if (auto done = remove(id); !done) return done;
        if (!change_.remove_owner) return {};
        const OwnerName& owner = *change_.remove_owner;
        const bool is_put = change_.put_owner && change_.put_owner->api == owner.api &&
                            change_.put_owner->id == owner.id;
        if (!is_put && !known_owners_.contains(owner))
            return Fault{StoreError::not_found, owner.id};
        return {};
    }

    Result<void> insert(const KeyRecord& key) {
        if (auto whole = is_whole(key); !whole) return whole;
        if (ids_.contains(key.id)) return conflict(key.id);
        Slot& slot = slots_.at(key.digest);
        if (slot.after) return conflict(slot.after->id);
        put(slot, key);
        return {};
    }

    Result<void> update(const KeyRecord& key) {
        const auto found = ids_.find(key.id);
        if (found == ids_.end()) return Fault{StoreError::not_found, key.id};
        if (auto whole = is_whole(key); !whole) return whole;
        const Digest old = found->second;
        Slot& slot = slots_.at(key.digest);
        if (old != key.digest) {
            if (slot.after) return conflict(slot.after->id);
            Slot& left = slots_.at(old);
            left.after.reset();
            left.is_touched = true;
            slot.number = left.number;
            slot.moved_from = old;
        }
        put(slot, key);
        return {};
    }

    // A damaged record is only deleted: what could not be read in it may be what restricts it.
    static Result<void> is_whole(const KeyRecord& key) {
        if (!key.readable) return Fault{StoreError::unreadable, key.id};
        return {};
    }

    void put(Slot& slot, const KeyRecord& key) {
        slot.after = key;
        slot.is_touched = true;
        ids_.insert_or_assign(key.id, key.digest);
    }

    Result<void> remove(const std::string& id) {
        const auto found = ids_.find(id);
        if (found == ids_.end()) return Fault{StoreError::not_found, id};
        Slot& slot = slots_.at(found->second);
        if (!slot.after->api.empty() && !slot.after->owner.empty())
            removed_[{slot.after->api, slot.after->owner}].push_back(id);
        gone_.insert(id);
        slot.after.reset();
        slot.is_touched = true;
        ids_.erase(found);
        return {};
    }

    // ---- what depends on that

    /// What removed keys used becomes their owners'.
    Result<void> read_uses() {
        for (const auto& [owner, ids] : removed_) {
            std::vector<Command> queries{usage_query(owner, {})};
            for (const std::string& id : ids)
                queries.push_back(usage_query(owner, id));
            const auto replies = talk_.read({use_name(owner)}, queries);
            if (!replies) return replies.error();
            Usage sum;
            Command fields{"HDEL", use_name(owner)};
            bool has_uses = false;
            for (std::size_t i = 0; i < replies->size(); ++i) {
                const Reply& reply = (*replies)[i];
                if (auto fits = expect(reply, Kind::list, "HMGET of kg:use:"); !fits) return fits;
                const Usage usage = usage_in(reply);
                sum.add(usage);
                if (i == 0 || usage == Usage{}) continue;
                has_uses = true;
                for (std::string& name : usage_field_names(ids[i - 1]))
                    fields.push_back(std::move(name));
            }
            if (!has_uses) continue;
            Command kept{"HSET", use_name(owner)};
            for (std::string& word : usage_fields({}, sum))
                kept.push_back(std::move(word));
            commands_.push_back(std::move(kept));
            commands_.push_back(std::move(fields));
        }
        return {};
    }

    /// In the order of the change. A number that is not used in the end is missed by nobody.
    Result<void> number() {
        std::vector<Slot*> without;
        for (const auto* keys : {&change_.insert, &change_.update})
            for (const KeyRecord& key : *keys)
                if (Slot& slot = slots_.at(key.digest); slot.after && !slot.number)
                    without.push_back(&slot);
        if (without.empty()) return {};
        const auto last = talk_.ask(Command{"INCRBY", next_number, std::to_string(without.size())});
        if (!last) return last.error();
        if (!last->is(Kind::number)) return unexpected("INCRBY kg:index:next");
        std::int64_t number = last->number - static_cast<std::int64_t>(without.size());
        for (Slot* const slot : without)
            slot->number = ++number;
        return {};
    }

    // ---- writing

    Result<void> write() {
        for (const auto* keys : {&change_.insert, &change_.update})
            for (const KeyRecord& key : *keys)
                if (auto done = write(key.digest); !done) return done;
        for (const auto& [digest, slot] : slots_)
            if (slot.is_touched)
                if (auto done = write(digest); !done) return done;
        write_index();
        if (change_.put_owner)
            if (auto done = write(*change_.put_owner); !done) return done;
        if (change_.remove_owner) remove(*change_.remove_owner);
        forget_spent();
        if (change_.receipt) write(*change_.receipt);
        return {};
    }

    Result<void> write(const Digest& digest) {
        Slot& slot = slots_.at(digest);
        if (!std::exchange(slot.is_touched, false)) return {};
        const std::string name = key_name(digest);
        const std::string hex = to_hex(digest);
        if (slot.before) leave_index(*slot.before, hex);
        if (!slot.after) {
            if (!slot.before) return {};
            commands_.push_back({"DEL", name});
        } else {
            auto fields = fields_of(*slot.after);
            if (!fields) return fields.error();
            const Reply* old = &slot.raw;
            if (slot.moved_from) {
                // With its time to live, if it has one.
                old = &slots_.at(*slot.moved_from).raw;
                if (old->is(Kind::list))
                    commands_.push_back({"RENAME", key_name(*slot.moved_from), name});
            }
            write_hash(name, *old, std::move(*fields));
            enter_index(*slot.after, hex, *slot.number);
        }
        commands_.push_back({"PUBLISH", std::string{redis_changes}, name});
        return {};
    }

    /// Replaces the whole hash, but keeps what is no part of the record: its time to live.
    void write_hash(const std::string& name, const Reply& old, Command fields) {
        if (old.is(Kind::error)) commands_.push_back({"DEL", name}); // of another type
        Command surplus{"HDEL", name};
        for (std::string& field : names_in(old)) {
            bool is_kept = false;
            for (std::size_t i = 0; i < fields.size() && !is_kept; i += 2)
                is_kept = fields[i] == field;
            if (!is_kept) surplus.push_back(std::move(field));
        }
        fields.insert(fields.begin(), {"HSET", name});
        commands_.push_back(std::move(fields));
        if (surplus.size() > 2) commands_.push_back(std::move(surplus));
    }

    void leave_index(const KeyRecord& key, const std::string& hex) {
        for (std::string& list : lists_of(key))
            left_[std::move(list)].insert(hex);
        left_[active_index].insert(hex);
        const auto now = ids_.find(key.id);
        const bool is_taken = now != ids_.end() && to_hex(now->second) == hex;
        if (!key.id.empty() && !is_taken) left_ids_.insert(key.id);
    }

    void enter_index(const KeyRecord& key, const std::string& hex, std::int64_t number) {
        for (const std::string& list : lists_of(key)) {
            left_[list].erase(hex);
            entered_[list].emplace_back(std::to_string(number), hex);
        }
        if (has_age(key)) {
            left_[active_index].erase(hex);
            entered_[active_index].emplace_back(
                std::to_string(key.created_at.time_since_epoch().count()), hex);
        }
        const auto known = indexed_.find(key.id);
        if (known == indexed_.end() || to_hex(known->second) != hex)
            entered_ids_.emplace(key.id, hex);
        left_ids_.erase(key.id);
    }

    void write_index() {
        for (const auto& [list, members] : left_) {
            if (members.empty()) continue;
            Command command{"ZREM", list};
            command.insert(command.end(), members.begin(), members.end());
            commands_.push_back(std::move(command));
        }
        for (const auto& [list, members] : entered_) {
            Command command{"ZADD", list};
            for (const auto& [score, member] : members)
                command.insert(command.end(), {score, member});
            commands_.push_back(std::move(command));
        }
        Command dropped{"HDEL", ids_index};
        for (const std::string& id : left_ids_)
            if (!entered_ids_.contains(id)) dropped.push_back(id);
        if (dropped.size() > 2) commands_.push_back(std::move(dropped));
        Command named{"HSET", ids_index};
        Command back{"DEL"};
        for (const auto& [id, hex] : entered_ids_) {
            named.insert(named.end(), {id, hex});
            back.push_back(gone_name(id));
        }
        if (named.size() > 2) {
            commands_.push_back(std::move(named));
            commands_.push_back(std::move(back));
        }
        const auto touch = [this](const std::string& id) {
            // Longer than anybody watches it.
            commands_.push_back({"SET", guard_name(id), "1", "EX", "60"});
        };
        for (const KeyRecord& key : change_.insert)
            touch(key.id);
        for (const std::string& id : change_.remove)
            touch(id);
        for (const std::string& id : gone_)
            if (!ids_.contains(id)) commands_.push_back({"SET", gone_name(id), "1", "EX", "86400"});
    }

    Result<void> write(const OwnerRecord& owner) {
        const OwnerName name{owner.api, owner.id};
        auto fields = fields_of(owner);
        if (!fields) return fields.error();
        const auto known = known_owners_.find(name);
        write_hash(owner_name(name), known == known_owners_.end() ? Reply{} : known->second,
                   std::move(*fields));
        commands_.push_back({"ZADD", owners_index, "0", name.api + ':' + name.id});
        entered_[owners_index];
        commands_.push_back({"PUBLISH", std::string{redis_changes}, owner_name(name)});
        return {};
    }

    void remove(const OwnerName& name) {
        commands_.push_back({"DEL", owner_name(name), use_name(name)});
        commands_.push_back({"ZREM", owners_index, name.api + ':' + name.id});
        left_[owners_index];
        commands_.push_back({"PUBLISH", std::string{redis_changes}, owner_name(name)});
    }

    /// What was asked for, and what nobody is left for. Of what runs nothing is forgotten.
    void forget_spent() {
        std::vector<SpentBy> all = change_.forget_spent;
        for (const auto& [owner, ids] : removed_)
            for (const std::string& id : ids)
                all.push_back({owner.api, owner.id, id});
        if (const auto& owner = change_.remove_owner) all.push_back({owner->api, owner->id, {}});
        for (const SpentBy& by : all)
            commands_.push_back({"DEL", spent_name(by)});
    }

    void write(const Receipt& receipt) {
        const std::string name = receipt_name(receipt.name);
        commands_.push_back({"DEL", name});
        commands_.push_back({"HSET", name, "name", receipt.name, "request", receipt.request,
                             "status", std::to_string(receipt.status), "answer", receipt.answer,
                             "location", receipt.location, "at", to_text(receipt.at)});
        constexpr auto life = std::chrono::seconds{receipt_life}.count();
        commands_.push_back({"EXPIRE", name, std::to_string(life)});
    }

    /// What would fail in the middle of the transaction.
    Result<void> check_types() {
        std::set<std::string> lists;
        for (const auto& [list, members] : left_)
            lists.insert(list);
        for (const auto& [list, members] : entered_)
            lists.insert(list);
        std::vector<Command> queries;
        for (const std::string& list : lists)
            queries.push_back({"TYPE", list});
        if (queries.empty()) return {};
        const auto replies = talk_.ask(queries);
        if (!replies) return replies.error();
        for (std::size_t i = 0; i < queries.size(); ++i) {
            const Reply& type = (*replies)[i];
            if (auto fits = expect(type, Kind::status, "TYPE"); !fits) return fits;
            if (type.text != "zset" && type.text != "none")
                return Fault{redis::Error::wrong_type, queries[i][1]};
        }
        return {};
    }

    RedisTalk& talk_;
    const Change& change_;
    std::map<OwnerName, Reply> known_owners_;
    std::map<std::string, Digest> indexed_; // what the index says
    std::map<std::string, Digest> ids_;     // what is true, and becomes what will be
    std::unordered_map<Digest, Slot, DigestHash> slots_;
    std::map<OwnerName, std::vector<std::string>> removed_;
    std::set<std::string> gone_;
    std::map<std::string, std::set<std::string>> left_;
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> entered_;
    std::set<std::string> left_ids_;
    std::map<std::string, std::string> entered_ids_;
    std::vector<Command> commands_;
};

} // namespace

Result<void> commit_to_redis(RedisTalk& talk, const Change& change) {
    constexpr int tries = 8;
    const bool is_section = talk.is_watching();
    for (int i = 1;; ++i) {
        if (!talk.is_watching())
            if (auto begun = talk.watch(); !begun) return begun;
        auto done = Commit{talk, change}.run();
        talk.forget();
        const bool may_repeat =
            !is_section && i < tries && done.has_error() && done.error().error == StoreError::raced;
        if (!may_repeat) return done;
    }
}

} // namespace keygate::keys
