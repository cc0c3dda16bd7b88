#include "keys/cache.hpp"

#include "keys/compile.hpp"
#include "keys/store.hpp"
#include "keys/stripe.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <deque>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace keygate::keys {
namespace {

struct Absence {
    Stamp stamp;
    bool is_invalid = false;
};

/// Digests without a record, the oldest of which goes when there are too many.
class alignas(64) Absences {
  public:
    [[nodiscard]] std::optional<Absence> find(const Digest& digest) const {
        const std::lock_guard lock{lock_};
        const auto found = all_.find(digest);
        return found == all_.end() ? std::nullopt : std::optional{found->second};
    }

    void keep(const Digest& digest, const Absence& absence, std::size_t most) {
        // Not more than that many slots are ever made, so growing under the lock is rare and short.
        const std::lock_guard lock{lock_};
        const auto [place, is_new] = all_.insert_or_assign(digest, absence);
        if (!is_new) return;
        order_.push_back(digest);
        while (order_.size() > most) {
            all_.erase(order_.front());
            order_.pop_front();
        }
    }

    void forget(const Digest& digest) {
        const std::lock_guard lock{lock_};
        // Its place in the order stays, and is used up when its turn comes.
        all_.erase(digest);
    }

    void forget_all() {
        const std::lock_guard lock{lock_};
        all_.clear();
        order_.clear();
    }

    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock{lock_};
        return all_.size();
    }

  private:
    boost::unordered_flat_map<Digest, Absence, DigestHash> all_;
    std::deque<Digest> order_;
    mutable SpinLock lock_;
};

OwnerSaid said_by(const OwnerRecord* owner, const ApiNames* api) {
    OwnerSaid said;
    if (owner == nullptr) return said;
    said.has_record = true;
    said.is_readable = owner->readable;
    said.status = owner->status;
    if (api != nullptr) said.plan = plan_named(owner->plan, *api);
    return said;
}

/// Whether what was true when the lease was intact may go on because the store is away.
bool goes_on(const Stamp& stamp, const Renewed::View& renewed, BootTime t, const Freshness& fresh) {
    return fresh.stale_while_down.count() > 0 && fresh.is_away && stamp.generation != 0 &&
           stamp.generation == renewed.generation &&
           decides(stamp, renewed, t, fresh.bound + fresh.stale_while_down);
}

} // namespace

struct Cache::State {
    State(std::shared_ptr<const Catalog> names, SubjectsRef all, NamedSubjects& by_name,
          const Freshness& how, Bounds most, std::function<void(const Change&)> announce)
        : catalog(std::move(names))
        , subjects(std::move(all))
        , named(by_name)
        , freshness(how)
        , bounds(most)
        , on_commit(std::move(announce)) {}

    [[nodiscard]] std::size_t stripe_of(const Digest& digest) const {
        return digest.bytes.back() % stripes.size();
    }

    [[nodiscard]] OwnerName owner_of(const Entry& entry) const {
        return {entry.api == no_api ? std::string{} : catalog->apis[entry.api].name, entry.owner};
    }

    void drop(std::uint32_t place);
    void make_room();

    const std::shared_ptr<const Catalog> catalog;
    const SubjectsRef subjects;
    NamedSubjects& named;
    const Freshness& freshness;
    const Bounds bounds;
    const std::function<void(const Change&)> on_commit;
    std::array<Stripe, 64> stripes;
    std::array<Absences, 64> absences;

    // What requests never touch.
    mutable std::mutex mutex; // guards all below
    std::vector<EntryRef> places;
    std::vector<std::uint32_t> free;
    std::size_t hand = 0; // where the next one to go is looked for
    boost::unordered_flat_map<std::string, std::uint32_t> by_id;
    boost::unordered_flat_map<OwnerName, std::vector<std::uint32_t>, OwnerNameHash> by_owner;

    std::atomic<std::size_t> size{0};
    std::atomic<std::size_t> unreadable{0};
    std::atomic<std::uint64_t> evictions{0};
};

void Cache::State::drop(std::uint32_t place) {
    const EntryRef entry = std::exchange(places[place], nullptr);
    stripes[stripe_of(entry->digest)].erase(entry->digest);
    by_id.erase(entry->id);
    const auto owner = by_owner.find(owner_of(*entry));
    std::erase(owner->second, place);
    if (owner->second.empty()) by_owner.erase(owner);
    free.push_back(place);
    if (!entry->readable) --unreadable;
    size = by_id.size();
}

/// The hand goes round: who was looked up since it came by last stays.
void Cache::State::make_room() {
    while (by_id.size() >= bounds.keys) {
        hand = hand + 1 < places.size() ? hand + 1 : 0;
        const EntryRef& entry = places[hand];
        if (!entry || entry->is_used.take()) continue;
        drop(static_cast<std::uint32_t>(hand));
        ++evictions;
    }
}

Cache::Cache(std::shared_ptr<const Catalog> catalog, SubjectsRef subjects, NamedSubjects& named,
             const Freshness& freshness, Bounds bounds,
             std::function<void(const Change&)> on_commit)
    : state_(std::make_unique<State>(std::move(catalog), std::move(subjects), named, freshness,
                                     bounds, std::move(on_commit))) {}

Cache::~Cache() = default;

Cache::Found Cache::find(const Digest& digest, BootTime t) const {
    using Kind = Found::Kind;
    const Freshness& fresh = state_->freshness;
    // Before the look-up: see Renewed::load.
    const Renewed::View renewed = fresh.renewed.load();
    const std::size_t stripe = state_->stripe_of(digest);
    EntryRef entry = state_->stripes[stripe].find(digest);
    if (entry) {
        entry->is_used.set();
        if (decides(entry->stamp, renewed, t, fresh.bound)) return {Kind::known, std::move(entry)};
        if (!goes_on(entry->stamp, renewed, t, fresh)) return {Kind::ask, std::move(entry)};
        fresh.stale_decisions.fetch_add(1, std::memory_order_relaxed);
        return {Kind::known, std::move(entry), true};
    }
    const auto absence = state_->absences[stripe].find(digest);
    if (!absence) return {};
    const Kind kind = absence->is_invalid ? Kind::invalid : Kind::unknown;
    if (decides(absence->stamp, renewed, t, fresh.bound) &&
        t - absence->stamp.read_at <= absence_life)
        return {kind, nullptr};
    if (goes_on(absence->stamp, renewed, t, fresh)) return {kind, nullptr, true};
    return {};
}

EntryRef Cache::make(const KeyRecord& record, const OwnerRecord* owner, const Stamp& stamp,
                     std::shared_ptr<const RecordMarks> marks) const {
    KeySaid said;
    const auto entry = read(record, *state_->catalog, said);
    const ApiNames* const api = entry->api == no_api ? nullptr : &state_->catalog->apis[entry->api];
    entry->stamp = stamp;
    entry->marks = std::move(marks);
    // What the key has used survives every change of its record, and its not being kept.
    entry->subject = state_->named.of(record.id, *state_->subjects);
    entry->number = entry->subject->number();
    entry->owner_subject = state_->subjects->of_owner(record.api, record.owner);
    entry->owner_number = entry->owner_subject->number();
    finish(*entry, said, said_by(owner, api), *state_->catalog);
    return entry;
}

void Cache::keep(const EntryRef& entry) {
    const std::lock_guard lock{state_->mutex};
    const std::size_t stripe = state_->stripe_of(entry->digest);
    if (const auto known = state_->by_id.find(entry->id); known != state_->by_id.end())
        state_->drop(known->second);
    // A record may have been given another id.
    if (const EntryRef same = state_->stripes[stripe].find(entry->digest))
        state_->drop(state_->by_id.find(same->id)->second);
    state_->make_room();
    std::uint32_t place = 0;
    if (state_->free.empty()) {
        place = static_cast<std::uint32_t>(state_->places.size());
        state_->places.emplace_back();
    } else {
        place = state_->free.back();
        state_->free.pop_back();
    }
    state_->places[place] = entry;
    state_->by_id.emplace(entry->id, place);
    state_->by_owner[state_->owner_of(*entry)].push_back(place);
    if (!entry->readable) ++state_->unreadable;
    state_->size = state_->by_id.size();
    state_->absences[stripe].forget(entry->digest);
    state_->stripes[stripe].set(entry);
}

void Cache::keep_absence(const Digest& digest, const Stamp& stamp, bool is_invalid) {
    forget(digest);
    const std::size_t share =
        std::max<std::size_t>(1, state_->bounds.unknown / state_->absences.size());
    state_->absences[state_->stripe_of(digest)].keep(digest, {stamp, is_invalid}, share);
}

void Cache::forget(const Digest& digest) {
    const std::size_t stripe = state_->stripe_of(digest);
    state_->absences[stripe].forget(digest);
    const EntryRef entry = state_->stripes[stripe].find(digest);
    if (!entry) return;
    const std::lock_guard lock{state_->mutex};
    const auto known = state_->by_id.find(entry->id);
    if (known != state_->by_id.end() && state_->places[known->second] == entry)
        state_->drop(known->second);
}

void Cache::forget_id(const std::string& id) {
    const std::lock_guard lock{state_->mutex};
    const auto known = state_->by_id.find(id);
    if (known != state_->by_id.end()) state_->drop(known->second);
}

void Cache::forget_owner(const OwnerName& owner) {
    const std::lock_guard lock{state_->mutex};
    const auto known = state_->by_owner.find(owner);
    if (known == state_->by_owner.end()) return;
    const std::vector<std::uint32_t> places = known->second;
    for (const std::uint32_t place : places)
        state_->drop(place);
}

void Cache::forget_all() {
    for (Absences& absences : state_->absences)
        absences.forget_all();
    const std::lock_guard lock{state_->mutex};
    for (std::uint32_t place = 0; place < state_->places.size(); ++place)
        if (state_->places[place]) state_->drop(place);
}

std::vector<Digest> Cache::digests() const {
    std::vector<Digest> all;
    const std::lock_guard lock{state_->mutex};
    for (const EntryRef& entry : state_->places)
        if (entry) all.push_back(entry->digest);
    return all;
}

const Catalog& Cache::catalog() const {
    return *state_->catalog;
}

void Cache::apply(const Change& change) {
    state_->on_commit(change);
    for (const SpentBy& by : change.forget_spent)
        state_->subjects->forget_spent(subject_of(by));
}

SubjectRef Cache::subject_of(const SpentBy& by) const {
    if (by.id.empty()) return state_->subjects->find_owner(by.api, by.owner);
    const std::lock_guard lock{state_->mutex};
    const auto known = state_->by_id.find(by.id);
    return known == state_->by_id.end() ? nullptr : state_->places[known->second]->subject;
}

void Cache::add_pending(Usage& usage, const std::string& id, Time now) const {
    // Not by its entry: after a change there is none until it is asked for again.
    if (const SubjectRef subject = state_->named.find(id))
        keys::add_pending(usage, subject->tally(), now);
}

void Cache::add_pending(Usage& usage, const OwnerName& owner, Time now) const {
    const std::lock_guard lock{state_->mutex};
    const auto known = state_->by_owner.find(owner);
    if (known == state_->by_owner.end()) return;
    for (const std::uint32_t place : known->second)
        keys::add_pending(usage, state_->places[place]->subject->tally(), now);
}

const SubjectsRef& Cache::subjects() const {
    return state_->subjects;
}

std::size_t Cache::size() const {
    return state_->size;
}

std::size_t Cache::absences() const {
    std::size_t sum = 0;
    for (const Absences& absences : state_->absences)
        sum += absences.size();
    return sum;
}

std::size_t Cache::unreadable() const {
    return state_->unreadable;
}

std::uint64_t Cache::evictions() const {
    return state_->evictions;
}

} // namespace keygate::keys
