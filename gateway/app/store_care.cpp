#include "app/store_care.hpp"

#include "app/command_line.hpp"
#include "keys/compile.hpp"
#include "keys/redis_doctor.hpp"
#include "keys/redis_reindex.hpp"
#include "keys/redis_store.hpp"
#include "keys/restrictions.hpp"
#include "keys/sqlite_store.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <unordered_set>

namespace json = boost::json;

namespace keygate::app {
namespace {

constexpr std::size_t batch = 1'000;
constexpr std::size_t rows_with_progress = 10'000;
constexpr std::size_t most_named = 20;

CommandError unreachable(const Fault& fault) {
    return {exit_unreachable, to_string(fault)};
}

template <class T> T must(Result<T> result) {
    if (!result) throw unreachable(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::unique_ptr<keys::KeyStore> open(const config::Store& store) {
    return must(store.redis ? keys::open_redis_store(*store.redis)
                            : keys::open_sqlite_store(store.file));
}

std::string name_of(const config::Store& store) {
    return store.redis ? store.redis->url : store.file;
}

/// Tells how far it is, every now and then.
class Progress {
  public:
    Progress(std::ostream& err, std::string what)
        : err_(err)
        , what_(std::move(what)) {}

    void show(std::size_t count) {
        if (count < next_) return;
        err_ << count << ' ' << what_ << '\n' << std::flush;
        next_ = (count / rows_with_progress + 1) * rows_with_progress;
    }

  private:
    std::ostream& err_;
    std::string what_;
    std::size_t next_ = rows_with_progress;
};

void print(const std::vector<keys::Check>& checks, bool as_json, Console& console) {
    if (!as_json) {
        for (const keys::Check& check : checks)
            console.out << check.name << ": " << to_string(check.verdict) << ": " << check.said
                        << '\n';
        return;
    }
    json::array list;
    for (const keys::Check& check : checks)
        list.push_back(json::object{{"check", check.name},
                                    {"verdict", std::string{to_string(check.verdict)}},
                                    {"said", check.said}});
    console.out << json::serialize(json::object{{"object", "list"}, {"data", std::move(list)}})
                << '\n';
}

// ---- copies

/// Without records: then none of them needs to be looked for one by one.
bool is_empty(const config::Store& store, keys::KeyStore& opened) {
    if (store.redis) {
        // A product's records need not be in a list.
        redis::Session session{*store.redis};
        const auto report = must(keys::reindex(session, keys::Reindex::look, {}));
        return report.keys == 0 && report.owners == 0 && report.unreadable == 0;
    }
    keys::KeyFilter one;
    one.limit = 1;
    return must(opened.list(one)).rows.empty() && must(opened.list_owners("", "", 1)).rows.empty();
}

class Copy {
  public:
    /// @param is_new  the target is empty
    Copy(keys::KeyStore& from, keys::KeyStore& to, bool is_new, Console& console)
        : from_(from)
        , to_(to)
        , console_(console)
        , is_new_(is_new) {}

    int run(bool as_json) {
        look();
        if (!mistakes_.empty()) {
            for (const std::string& mistake : mistakes_)
                console_.err << mistake << '\n';
            if (count_ > mistakes_.size())
                console_.err << "… and " << count_ - mistakes_.size() << " more\n";
            console_.err << "nothing was copied\n";
            return exit_refused;
        }
        copy_peppers();
        copy_owners();
        copy_keys();
        copy_uses_of_owners();
        if (as_json)
            console_.out << json::serialize(json::object{{"object", "copy"},
                                                         {"keys", keys_},
                                                         {"owners", owners_},
                                                         {"unchanged", same_}})
                         << '\n';
        else
            console_.out << "copied " << keys_ << " keys and " << owners_ << " owners; " << same_
                         << " were there already\n";
        return exit_done;
    }

  private:
    void mistake(std::string what) {
        ++count_;
        if (mistakes_.size() < most_named) mistakes_.push_back(std::move(what));
    }

    // ---- before anything is written

    void look() {
        Progress progress{console_.err, "looked at"};
        std::size_t looked = 0;
        must(from_.each(
            [&](keys::OwnerRecord&& owner) {
                progress.show(++looked);
                look_at(owner);
            },
            [&](keys::KeyRecord&& key) {
                progress.show(++looked);
                look_at(key);
            }));
        for (const keys::PepperUse& pepper : must(to_.peppers()))
            for (const keys::PepperUse& ours : must(from_.peppers()))
                if (ours.name == pepper.name && ours.proof != pepper.proof)
                    mistake("pepper " + ours.name + ": is another one in the target");
    }

    void look_at(const keys::OwnerRecord& owner) {
        if (!owner.readable)
            return mistake("owner " + owner.api + ":" + owner.id + ": cannot be read");
        owner_names_.insert({owner.api, owner.id});
        if (is_new_) return;
        const auto there = to_.find_owner({owner.api, owner.id});
        if (!there && there.error().error == keys::StoreError::not_found) return;
        if (must(there) != owner)
            mistake("owner " + owner.api + ":" + owner.id + ": is another one in the target");
    }

    void look_at(const keys::KeyRecord& key) {
        if (!key.readable)
            return mistake("key " + (key.id.empty() ? "without an id" : key.id) +
                           ": cannot be read");
        if (is_new_) return;
        const auto same = must(to_.find_same(key));
        if (!same) return;
        const auto there = to_.find(*same);
        if (!there || there->record != key)
            mistake("key " + key.id + ": is another one in the target");
    }

    // ---- writing

    void copy_peppers() {
        for (keys::PepperUse& pepper : must(from_.peppers()))
            must(to_.put_pepper(pepper));
    }

    void copy_owners() {
        Progress progress{console_.err, "owners"};
        std::size_t looked = 0;
        for (const keys::OwnerName& name : owner_names_) {
            progress.show(++looked);
            const bool is_there = !is_new_ && to_.find_owner(name).has_value();
            if (is_there) {
                ++same_;
                continue;
            }
            keys::Change change;
            change.put_owner = must(from_.find_owner(name));
            must(to_.commit(change));
            ++owners_;
        }
    }

    /// In the order of their creation; then those that no list shows.
    void copy_keys() {
        Progress progress{console_.err, "keys"};
        keys::KeyFilter filter;
        filter.limit = batch;
        std::unordered_set<keys::Digest, keys::DigestHash> seen;
        for (bool is_last = false; !is_last;) {
            auto page = must(from_.list(filter));
            for (const keys::KeyRow& row : page.rows)
                seen.insert(row.record.digest);
            copy(page.rows);
            progress.show(seen.size());
            is_last = !page.next;
            filter.cursor = page.next.value_or("");
        }
        std::vector<keys::KeyRow> rest;
        must(from_.each([](keys::OwnerRecord&&) {},
                        [&](keys::KeyRecord&& key) {
                            if (seen.insert(key.digest).second) rest.push_back({key, {}});
                        }));
        for (std::size_t i = 0; i < rest.size(); i += batch)
            copy({rest.begin() + static_cast<std::ptrdiff_t>(i),
                  rest.begin() + static_cast<std::ptrdiff_t>(std::min(i + batch, rest.size()))});
    }

    void copy(const std::vector<keys::KeyRow>& rows) {
        keys::Change change;
        std::vector<keys::UsageDelta> uses;
        for (const keys::KeyRow& row : rows) {
            const keys::OwnerName owner{row.record.api, row.record.owner};
            sums_[owner].add(row.usage);
            const auto there = is_new_
                                   ? Result<keys::KeyRow>{Fault{keys::StoreError::not_found, {}}}
                                   : to_.find(row.record.id);
            if (there)
                ++same_;
            else
                change.insert.push_back(row.record);
            if (row.usage != keys::Usage{} && (!there || there->usage == keys::Usage{}))
                uses.push_back(delta(owner, row.record.id, row.usage));
        }
        if (!change.insert.empty()) must(to_.commit(change));
        if (!uses.empty()) must(to_.add(uses));
        keys_ += change.insert.size();
    }

    static keys::UsageDelta delta(const keys::OwnerName& owner, const std::string& id,
                                  const keys::Usage& usage) {
        return {.api = owner.api,
                .owner = owner.id,
                .id = id,
                .last_used_at = usage.last_used_at.value_or(keys::Time{}),
                .month = usage.month,
                .in_month = usage.in_month,
                .before = usage.total - usage.in_month};
    }

    /// What is left to the owners of keys that were deleted.
    void copy_uses_of_owners() {
        for (const keys::OwnerName& name : owner_names_)
            sums_[name];
        for (const auto& [owner, sum] : sums_) {
            const keys::Usage all = must(from_.usage_of(owner));
            if (all.total <= sum.total || must(to_.usage_of(owner)).total >= all.total) continue;
            keys::Usage rest = all;
            rest.total -= sum.total;
            rest.in_month =
                std::min(all.in_month - std::min(all.in_month, sum.in(all.month)), rest.total);
            const keys::UsageDelta use = delta(owner, {}, rest);
            must(to_.add(std::span{&use, 1}));
        }
    }

    keys::KeyStore& from_;
    keys::KeyStore& to_;
    Console& console_;
    bool is_new_;
    std::size_t count_ = 0;
    std::vector<std::string> mistakes_;
    std::set<keys::OwnerName> owner_names_; // that have a record
    std::map<keys::OwnerName, keys::Usage> sums_;
    std::size_t keys_ = 0;
    std::size_t owners_ = 0;
    std::size_t same_ = 0;
};

keys::Check look_at_records(keys::KeyStore& store) {
    std::size_t count = 0;
    std::size_t unreadable = 0;
    std::string reasons;
    must(store.each([](keys::OwnerRecord&&) {},
                    [&](keys::KeyRecord&& key) {
                        ++count;
                        const auto limits = keys::own_limits(key, {});
                        const auto rules = keys::read_restrictions(key);
                        if (key.readable && limits.value && rules.value) return;
                        if (++unreadable > most_named) return;
                        reasons += "\n    " + key.id + ": " +
                                   (!key.readable   ? "the row is damaged"
                                    : !limits.value ? limits.wrong
                                                    : rules.wrong);
                    }));
    if (unreadable == 0) return {"records", keys::Verdict::ok, std::to_string(count) + " keys"};
    return {"records", keys::Verdict::problem,
            std::to_string(unreadable) + " of " + std::to_string(count) +
                " keys cannot be read:" + reasons};
}

int doctor(const CommonOptions& options, Console& console) {
    return reported(console.err, [&] {
        return examine_store(load_settings(options.config).store, options.json, console);
    });
}

int remake_indexes(const CommonOptions& options, Console& console) {
    return reported(console.err, [&] {
        return reindex_store(load_settings(options.config).store, options.json, console);
    });
}

int copy(const CopyStore& options, Console& console) {
    return reported(console.err, [&] {
        const config::Settings from = load_settings(options.config);
        const config::Settings to = load_settings(options.to);
        return copy_store(from.store, to.store, options.json, console);
    });
}

} // namespace

int examine_store(const config::Store& store, bool as_json, Console& console) {
    std::vector<keys::Check> checks;
    if (!store.redis) {
        const auto opened = open(store);
        checks.push_back(
            {"file", keys::Verdict::ok, store.file + " opens; an embedded store needs no more"});
        checks.push_back(look_at_records(*opened));
    } else {
        redis::Session session{*store.redis};
        Progress progress{console.err, "looked at"};
        checks = keys::examine(session, [&](std::size_t count) { progress.show(count); });
    }
    print(checks, as_json, console);
    const bool is_well = std::none_of(checks.begin(), checks.end(), [](const auto& check) {
        return check.verdict == keys::Verdict::problem;
    });
    return is_well ? exit_done : exit_refused;
}

int reindex_store(const config::Store& store, bool as_json, Console& console) {
    if (!store.redis)
        throw CommandError(exit_usage,
                           "the embedded store keeps its own indexes; this is for Redis");
    redis::Session session{*store.redis};
    Progress progress{console.err, "looked at"};
    const auto report = must(keys::reindex(session, keys::Reindex::correct,
                                           [&](std::size_t count) { progress.show(count); }));
    if (as_json)
        console.out << json::serialize(json::object{{"object", "reindex"},
                                                    {"keys", report.keys},
                                                    {"owners", report.owners},
                                                    {"added", report.added},
                                                    {"removed", report.removed},
                                                    {"duplicate_ids", report.duplicate_ids},
                                                    {"unreadable", report.unreadable}})
                    << '\n';
    else
        console.out << report.keys << " keys, " << report.owners << " owners; " << report.added
                    << " entries added, " << report.removed << " removed; " << report.unreadable
                    << " records cannot be read, " << report.duplicate_ids
                    << " bear an id that is another's\n";
    for (const std::string& reason : report.reasons)
        console.err << reason << '\n';
    return exit_done;
}

int copy_store(const config::Store& from, const config::Store& to, bool as_json, Console& console) {
    if (name_of(from) == name_of(to) &&
        (!from.redis || !to.redis || from.redis->database == to.redis->database))
        throw CommandError(exit_usage, "both configurations name the same store");
    const auto source = open(from);
    const auto target = open(to);
    return Copy{*source, *target, is_empty(to, *target), console}.run(as_json);
}

void add_store_care(CLI::App& store, std::function<int()>& chosen) {
    add_command(store, chosen, "doctor", "Say what is wrong with it", doctor);
    add_command(store, chosen, "reindex", "Make the indexes in Redis anew from the records",
                remake_indexes);
    auto [flags, asked] = add_command(store, chosen, "copy", "Copy it to another store", copy);
    flags.add_option("--to", asked.to, "The configuration of the gateway that is to have it")
        ->required();
}

} // namespace keygate::app
