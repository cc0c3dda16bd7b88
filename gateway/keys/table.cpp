#include "keys/table.hpp"

#include "keys/compile.hpp"
#include "keys/store.hpp"
#include "keys/stripe.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

// Readers and the writer share the stripes and nothing else. A stripe's lock is held by a reader
// for one look-up and one reference, by the writer for one assignment: whatever allocates
// (compiling an entry, growing a map) happens before, whatever frees happens after.
//
// The writer keeps for each key only what its record says by itself (Key), already compiled: a
// change of an owner copies the entry and finishes it again, without the record (keys/compile.hpp).
namespace keygate::keys {
namespace {

/// A key as its writer knows it.
struct Key {
    EntryRef entry;
    KeySaid said;
};

struct Owner {
    OwnerSaid said;
    std::vector<std::uint32_t> keys; // their numbers
};

struct NumberedOwner {
    std::uint16_t api = 0;
    std::string id;

    bool operator==(const NumberedOwner&) const = default;
};

struct OwnerHash {
    std::size_t operator()(const NumberedOwner& name) const {
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

} // namespace

// Memory: 616 bytes for a key with an id of 24 letters, a name of 17 and an owner of 11 that has
// four keys (100,000 keys; all of the heap, entries and indexes; tests/keys/measure_test.cpp).
struct Table::State {
    State(std::shared_ptr<const Catalog> names, SubjectsRef all)
        : catalog(std::move(names))
        , subjects(std::move(all)) {}

    // The map takes its place from the digest's first eight bytes, the stripe from its last.
    [[nodiscard]] Stripe& stripe_of(const Digest& digest) {
        return stripes[digest.bytes.back() % stripes.size()];
    }

    [[nodiscard]] const Key* find(std::string_view id) const;
    [[nodiscard]] SubjectRef subject_of(std::string_view id, const Table* before) const;
    void publish(Key& key, EntryRef entry);
    void finish_again(const Owner& owner);
    void leave_owner(const Entry& entry);
    void count_unreadable(const Entry* before, const Entry* after);

    const std::shared_ptr<const Catalog> catalog;
    const SubjectsRef subjects;
    std::array<Stripe, 64> stripes;

    // The writer's own.
    std::vector<Key> keys; // by number; without an entry where the number is another table's
    boost::unordered_flat_set<std::uint32_t, IdHash, IdEqual> by_id{0, IdHash{&keys},
                                                                    IdEqual{&keys}};
    boost::unordered_flat_map<NumberedOwner, Owner, OwnerHash> owners;

    // Written by the writer, read by all.
    std::atomic<std::size_t> size = 0;
    std::atomic<std::size_t> unreadable = 0;
};

const Key* Table::State::find(std::string_view id) const {
    const auto known = by_id.find(id);
    return known == by_id.end() ? nullptr : &keys[*known];
}

SubjectRef Table::State::subject_of(std::string_view id, const Table* before) const {
    const Key* known = find(id);
    if (known == nullptr && before != nullptr) known = before->state_->find(id);
    return known != nullptr ? known->entry->subject : subjects->make();
}

void Table::State::count_unreadable(const Entry* before, const Entry* after) {
    const bool was_unreadable = before != nullptr && !before->readable;
    const bool is_unreadable = after != nullptr && !after->readable;
    if (is_unreadable && !was_unreadable) unreadable.fetch_add(1, std::memory_order_relaxed);
    if (was_unreadable && !is_unreadable) unreadable.fetch_sub(1, std::memory_order_relaxed);
}

/// From here on all threads see it.
void Table::State::publish(Key& key, EntryRef entry) {
    const EntryRef old = std::exchange(key.entry, entry);
    count_unreadable(old.get(), entry.get());
    if (old && old->digest != entry->digest) stripe_of(old->digest).erase(old->digest);
    stripe_of(entry->digest).set(std::move(entry));
}

void Table::State::leave_owner(const Entry& entry) {
    const auto owner = owners.find(NumberedOwner{entry.api, entry.owner});
    if (owner == owners.end()) return;
    std::erase(owner->second.keys, entry.number);
    if (owner->second.keys.empty() && !owner->second.said.has_record) owners.erase(owner);
}

void Table::State::finish_again(const Owner& owner) {
    for (const std::uint32_t number : owner.keys) {
        Key& key = keys[number];
        const boost::intrusive_ptr<Entry> entry{new Entry(*key.entry)};
        finish(*entry, key.said, owner.said, *catalog);
        publish(key, entry);
    }
}

Table::Table(std::shared_ptr<const Catalog> catalog, SubjectsRef subjects)
    : state_(std::make_unique<State>(std::move(catalog), std::move(subjects))) {}

Table::~Table() = default;

EntryRef Table::find(const Digest& digest) const {
    return state_->stripe_of(digest).find(digest);
}

void Table::put(const KeyRecord& record, const Table* before) {
    Key key;
    const auto entry = read(record, *state_->catalog, key.said);
    entry->subject = state_->subject_of(record.id, before);
    entry->number = entry->subject->number();
    entry->owner_subject = state_->subjects->of_owner(record.api, record.owner);
    entry->owner_number = entry->owner_subject->number();

    if (const Key* const known = state_->find(record.id)) key.entry = known->entry;
    const bool is_new = !key.entry;

    Owner& owner = state_->owners[NumberedOwner{entry->api, entry->owner}];
    finish(*entry, key.said, owner.said, *state_->catalog);
    const bool same_owner =
        key.entry && key.entry->api == entry->api && key.entry->owner == entry->owner;
    if (!same_owner) owner.keys.push_back(entry->number);
    if (key.entry && !same_owner) state_->leave_owner(*key.entry);

    if (state_->keys.size() <= entry->number) state_->keys.resize(entry->number + std::size_t{1});
    Key& place = state_->keys[entry->number];
    place = std::move(key);
    state_->publish(place, entry);
    if (!is_new) return;
    state_->by_id.insert(entry->number);
    state_->size.store(state_->by_id.size(), std::memory_order_relaxed);
}

bool Table::remove(const std::string& id) {
    const auto known = state_->by_id.find(std::string_view{id});
    if (known == state_->by_id.end()) return false;
    Key& place = state_->keys[*known];
    // The index finds an id in the entry, so it forgets the key first.
    state_->by_id.erase(known);
    const Key key = std::exchange(place, {});
    state_->stripe_of(key.entry->digest).erase(key.entry->digest);
    state_->count_unreadable(key.entry.get(), nullptr);
    state_->leave_owner(*key.entry);
    state_->size.store(state_->by_id.size(), std::memory_order_relaxed);
    return true;
}

void Table::put_owner(const OwnerRecord& record) {
    const auto api = state_->catalog->api_number(record.api);
    if (!api) return; // its keys are not readable anyway
    Owner& owner = state_->owners[NumberedOwner{*api, record.id}];
    owner.said.has_record = true;
    owner.said.is_readable = record.readable;
    owner.said.status = record.status;
    owner.said.plan = plan_named(record.plan, state_->catalog->apis[*api]);
    state_->finish_again(owner);
}

void Table::remove_owner(const std::string& api, const std::string& id) {
    const auto number = state_->catalog->api_number(api);
    if (!number) return;
    const auto owner = state_->owners.find(NumberedOwner{*number, id});
    if (owner == state_->owners.end()) return;
    owner->second.said = {};
    state_->finish_again(owner->second);
    if (owner->second.keys.empty()) state_->owners.erase(owner);
    state_->subjects->forget_owner(api, id);
}

/// What ends comes first: a key that replaces another works when the other one does not any more.
void Table::apply(const Change& change) {
    if (change.put_owner) put_owner(*change.put_owner);
    for (const std::string& id : change.remove)
        remove(id);
    for (const KeyRecord& key : change.update)
        put(key);
    for (const KeyRecord& key : change.insert)
        put(key);
    if (change.remove_owner) remove_owner(change.remove_owner->api, change.remove_owner->id);
    for (const SpentBy& by : change.forget_spent)
        state_->subjects->forget_spent(subject_of(by));
}

const SubjectsRef& Table::subjects() const {
    return state_->subjects;
}

void Table::add_pending(Usage& usage, const std::string& id, Time now) const {
    const auto known = state_->by_id.find(std::string_view{id});
    if (known != state_->by_id.end())
        keys::add_pending(usage, state_->keys[*known].entry->subject->tally(), now);
}

void Table::add_pending(Usage& usage, const OwnerName& name, Time now) const {
    const auto api = state_->catalog->api_number(name.api);
    const auto owner = state_->owners.find(NumberedOwner{api.value_or(no_api), name.id});
    if (owner == state_->owners.end()) return;
    for (const std::uint32_t number : owner->second.keys)
        keys::add_pending(usage, state_->keys[number].entry->subject->tally(), now);
}

SubjectRef Table::subject_of(const SpentBy& by) const {
    if (by.id.empty()) return state_->subjects->find_owner(by.api, by.owner);
    const Key* const known = state_->find(by.id);
    return known == nullptr ? nullptr : known->entry->subject;
}

const Catalog& Table::catalog() const {
    return *state_->catalog;
}

std::size_t Table::size() const {
    return state_->size.load(std::memory_order_relaxed);
}

std::size_t Table::unreadable() const {
    return state_->unreadable.load(std::memory_order_relaxed);
}

} // namespace keygate::keys
