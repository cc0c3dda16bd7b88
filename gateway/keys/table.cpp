#include "keys/table.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

// Readers and the writer share the stripes and nothing else. A stripe's lock is held by a reader
// for one look-up and one reference, by the writer for one assignment: whatever allocates
// (compiling an entry, growing a map) happens before, whatever frees happens after.
//
// The writer keeps for each key only what its record says by itself (Key), already compiled: a
// change of an owner copies the entry and finishes it again, without the record.
namespace keygate::keys {
namespace {

/// Held for some 20 ns and never across a system call, so waiting is rare and short; it gives up
/// its time slice because the holder may have lost its own.
class SpinLock {
  public:
    void lock() noexcept {
        while (is_held_.exchange(true, std::memory_order_acquire))
            while (is_held_.load(std::memory_order_relaxed))
                std::this_thread::yield();
    }

    void unlock() noexcept { is_held_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> is_held_ = false;
};

using Entries = boost::unordered_flat_map<Digest, EntryRef, DigestHash>;

class alignas(64) Stripe {
  public:
    [[nodiscard]] EntryRef find(const Digest& digest) const {
        const std::lock_guard lock{lock_};
        const auto found = entries_.find(digest);
        return found == entries_.end() ? nullptr : found->second;
    }

    void set(EntryRef entry) {
        // Reading without the lock is right here: nobody but this thread writes. In each branch the
        // lock is taken last, so it is given back before the old entry or the old map is freed.
        const Digest digest = entry->digest;
        if (entries_.size() < entries_.max_load() || entries_.contains(digest)) {
            const std::lock_guard lock{lock_};
            entries_[digest].swap(entry);
            return;
        }
        Entries grown;
        grown.reserve(std::max<std::size_t>(8, 2 * entries_.size()));
        grown.insert(entries_.begin(), entries_.end());
        grown.emplace(digest, std::move(entry));
        const std::lock_guard lock{lock_};
        entries_.swap(grown);
    }

    void erase(const Digest& digest) {
        EntryRef old;
        const std::lock_guard lock{lock_};
        const auto found = entries_.find(digest);
        if (found == entries_.end()) return;
        old.swap(found->second);
        entries_.erase(found);
    }

  private:
    Entries entries_;
    mutable SpinLock lock_;
};

static_assert(sizeof(Stripe) == 64, "neighbours would share a cache line, or a look-up need two");

/// The plan that a record names.
struct NamedPlan {
    enum Kind : std::uint8_t { absent, known, unknown };

    Kind kind = absent;
    std::uint16_t number = 0; // if known
};

/// A key as its writer knows it.
struct Key {
    EntryRef entry;
    std::string name;
    NamedPlan plan;
    bool has_all_scopes = false;
    bool is_readable = true; // by itself, whatever its owner says
    bool needs_owner = false;
};

struct Owner {
    bool has_record = false;
    bool is_readable = true;
    OwnerStatus status = OwnerStatus::active;
    NamedPlan plan;
    std::vector<std::uint32_t> keys; // their numbers
};

struct OwnerName {
    std::uint16_t api = 0;
    std::string id;

    bool operator==(const OwnerName&) const = default;
};

struct OwnerHash {
    std::size_t operator()(const OwnerName& name) const {
        return std::hash<std::string>{}(name.id) ^ name.api;
    }
};

// An id is looked up in the entry that bears it: the set keeps four bytes for a key instead of the
// text.
struct IdHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>{}(id); }

    std::size_t operator()(std::uint32_t number) const {
        return (*this)((*keys)[number].entry->id);
    }

    const std::vector<Key>* keys;
};

struct IdEqual {
    using is_transparent = void;

    bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }

    bool operator()(std::string_view id, std::uint32_t number) const {
        return (*keys)[number].entry->id == id;
    }

    bool operator()(std::uint32_t number, std::string_view id) const { return (*this)(id, number); }

    const std::vector<Key>* keys;
};

NamedPlan plan_named(const std::optional<std::string>& plan, const ApiNames& api) {
    if (!plan) return {};
    const auto number = api.plan_number(*plan);
    return number ? NamedPlan{NamedPlan::known, *number} : NamedPlan{NamedPlan::unknown, 0};
}

/// Appends a value as it may stand in a field: visible ASCII as it is, all else and `%` as %XX.
/// Ids, plans and scopes pass unchanged unless somebody wrote strange ones; nothing can begin a new
/// line.
void append_value(std::string& line, std::string_view value) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char c : value) {
        if (c > ' ' && c < 0x7f && c != '%') {
            line += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        line += '%';
        line += hex[byte >> 4];
        line += hex[byte & 0x0f];
    }
}

/// Writes the identity headers of one entry.
class IdentityLines {
  public:
    explicit IdentityLines(std::string_view prefix)
        : prefix_(prefix) {}

    void add(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        begin(name);
        append_value(text_, value);
        text_ += "\r\n";
    }

    void add_scopes(const Key& key, const ScopeSet& scopes, const std::vector<std::string>& names) {
        if (!key.has_all_scopes && scopes == ScopeSet{}) return;
        begin("Scopes");
        if (key.has_all_scopes) text_ += '*';
        for (std::size_t i = 0, shown = 0; i < names.size() && !key.has_all_scopes; ++i) {
            if (!scopes.has(i)) continue;
            if (shown++ > 0) text_ += ' ';
            append_value(text_, names[i]);
        }
        text_ += "\r\n";
    }

    /// A copy of exactly the length: entries are many and stay long.
    [[nodiscard]] std::string text() const { return {text_.begin(), text_.end()}; }

  private:
    void begin(std::string_view name) { (text_ += prefix_).append(name) += ": "; }

    std::string_view prefix_;
    std::string text_;
};

constexpr std::uint16_t no_api = std::numeric_limits<std::uint16_t>::max();

} // namespace

// Measured with 100,000 keys of 12 owners' kinds: see the end of tests/keys/table_test.cpp.
struct Table::State {
    explicit State(std::shared_ptr<const Catalog> names)
        : catalog(std::move(names)) {}

    // The map takes its place from the digest's first eight bytes, the stripe from its last.
    [[nodiscard]] Stripe& stripe_of(const Digest& digest) {
        return stripes[digest.bytes.back() % stripes.size()];
    }

    [[nodiscard]] boost::intrusive_ptr<Entry> read(const KeyRecord& record, Key& key) const;
    void read_scopes(const KeyRecord& record, const ApiNames& api, Entry& entry, Key& key) const;
    void finish(Entry& entry, const Key& key, const Owner& owner) const;
    void assign_plan(Entry& entry, const Key& key, const Owner& owner) const;
    void publish(Key& key, EntryRef entry);
    void leave_owner(const Entry& entry);

    const std::shared_ptr<const Catalog> catalog;
    std::array<Stripe, 64> stripes;

    // The writer's own.
    std::vector<Key> keys; // by number
    boost::unordered_flat_set<std::uint32_t, IdHash, IdEqual> by_id{0, IdHash{&keys},
                                                                    IdEqual{&keys}};
    boost::unordered_flat_map<OwnerName, Owner, OwnerHash> owners;

    // Written by the writer, read by all.
    std::atomic<std::size_t> size = 0;
    std::atomic<std::size_t> unreadable = 0;
};

/// What the record says by itself.
boost::intrusive_ptr<Entry> Table::State::read(const KeyRecord& record, Key& key) const {
    boost::intrusive_ptr<Entry> entry{new Entry};
    entry->digest = record.digest;
    entry->id = record.id;
    entry->owner = record.owner;
    entry->status = record.status;
    entry->mode = record.mode;
    if (record.expires_at) entry->expires_at = record.expires_at->time_since_epoch().count();
    entry->api = catalog->api_number(record.api).value_or(no_api);

    key.name = record.name;
    key.needs_owner = record.owner_record_required;
    // Id and owner are what the upstream goes by: a caller without them is nobody.
    key.is_readable =
        record.readable && entry->api != no_api && !record.id.empty() && !record.owner.empty();
    if (entry->api == no_api) return entry;
    const ApiNames& api = catalog->apis[entry->api];
    key.plan = plan_named(record.plan, api);
    read_scopes(record, api, *entry, key);
    return entry;
}

void Table::State::read_scopes(const KeyRecord& record, const ApiNames& api, Entry& entry,
                               Key& key) const {
    if (!record.scopes) {
        key.has_all_scopes = api.default_scopes == config::DefaultScopes::all;
        if (key.has_all_scopes) entry.scopes = ScopeSet::first(api.scopes.size());
        return;
    }
    for (const std::string& scope : *record.scopes) {
        const auto number = api.scope_number(scope);
        if (number)
            entry.scopes.add(*number);
        else
            key.is_readable = false;
    }
}

/// What the owner adds: `entry` as `read` left it, or a copy of an older one.
void Table::State::finish(Entry& entry, const Key& key, const Owner& owner) const {
    entry.owner_status = owner.status;
    entry.readable = key.is_readable && owner.is_readable && (owner.has_record || !key.needs_owner);
    entry.plan = Entry::no_plan;
    entry.identity.clear();
    if (!entry.readable) return;
    assign_plan(entry, key, owner);
    if (!entry.readable) return; // never forwarded: it needs no lines

    const ApiNames& api = catalog->apis[entry.api];
    IdentityLines lines{catalog->identity_prefix};
    lines.add("Id", entry.id);
    lines.add("Owner", entry.owner);
    if (entry.plan != Entry::no_plan) lines.add("Plan", api.plans[entry.plan]);
    lines.add_scopes(key, entry.scopes, api.scopes);
    lines.add("Mode", to_string(entry.mode));
    lines.add("Name", key.name);
    entry.identity = lines.text();
}

/// The key's plan, else the owner's, else the API's default. An API without plans asks for none.
void Table::State::assign_plan(Entry& entry, const Key& key, const Owner& owner) const {
    const ApiNames& api = catalog->apis[entry.api];
    if (api.plans.empty()) return;
    NamedPlan plan = key.plan.kind != NamedPlan::absent ? key.plan : owner.plan;
    if (plan.kind == NamedPlan::absent && api.default_plan)
        plan = {NamedPlan::known, *api.default_plan};
    if (plan.kind == NamedPlan::known)
        entry.plan = plan.number;
    else
        entry.readable = false;
}

/// From here on all threads see it.
void Table::State::publish(Key& key, EntryRef entry) {
    const EntryRef old = std::exchange(key.entry, entry);
    const bool was_unreadable = old && !old->readable;
    const bool is_unreadable = !entry->readable;
    if (is_unreadable && !was_unreadable) unreadable.fetch_add(1, std::memory_order_relaxed);
    if (was_unreadable && !is_unreadable) unreadable.fetch_sub(1, std::memory_order_relaxed);
    if (old && old->digest != entry->digest) stripe_of(old->digest).erase(old->digest);
    stripe_of(entry->digest).set(std::move(entry));
}

void Table::State::leave_owner(const Entry& entry) {
    const auto owner = owners.find(OwnerName{entry.api, entry.owner});
    if (owner != owners.end()) std::erase(owner->second.keys, entry.number);
}

Table::Table(std::shared_ptr<const Catalog> catalog)
    : state_(std::make_unique<State>(std::move(catalog))) {}

Table::~Table() = default;

EntryRef Table::find(const Digest& digest) const {
    return state_->stripe_of(digest).find(digest);
}

void Table::put(const KeyRecord& record) {
    Key key;
    const auto entry = state_->read(record, key);

    const auto known = state_->by_id.find(std::string_view{record.id});
    const bool is_new = known == state_->by_id.end();
    entry->number = is_new ? static_cast<std::uint32_t>(state_->keys.size()) : *known;
    if (!is_new) key.entry = state_->keys[entry->number].entry;

    Owner& owner = state_->owners[OwnerName{entry->api, entry->owner}];
    state_->finish(*entry, key, owner);
    const bool same_owner =
        key.entry && key.entry->api == entry->api && key.entry->owner == entry->owner;
    if (!same_owner) owner.keys.push_back(entry->number);
    if (key.entry && !same_owner) state_->leave_owner(*key.entry);

    if (is_new) {
        state_->keys.push_back(std::move(key));
        state_->publish(state_->keys.back(), entry);
        state_->by_id.insert(entry->number);
        state_->size.store(state_->keys.size(), std::memory_order_relaxed);
    } else {
        state_->keys[entry->number] = std::move(key);
        state_->publish(state_->keys[entry->number], entry);
    }
}

void Table::put_owner(const OwnerRecord& record) {
    const auto api = state_->catalog->api_number(record.api);
    if (!api) return; // its keys are not readable anyway
    Owner& owner = state_->owners[OwnerName{*api, record.id}];
    owner.has_record = true;
    owner.is_readable = record.readable;
    owner.status = record.status;
    owner.plan = plan_named(record.plan, state_->catalog->apis[*api]);
    for (const std::uint32_t number : owner.keys) {
        Key& key = state_->keys[number];
        const boost::intrusive_ptr<Entry> entry{new Entry(*key.entry)};
        state_->finish(*entry, key, owner);
        state_->publish(key, entry);
    }
}

std::size_t Table::size() const {
    return state_->size.load(std::memory_order_relaxed);
}

std::size_t Table::unreadable() const {
    return state_->unreadable.load(std::memory_order_relaxed);
}

} // namespace keygate::keys
