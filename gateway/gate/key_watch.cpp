#include "gate/key_watch.hpp"

#include "auth/key.hpp"
#include "policy/plan.hpp"

#include <utility>

namespace keygate::gate {

KeyWatch::KeyWatch(Lane& lane, const keys::Entry& caller, std::string api, KeyWatcher& watcher)
    : lane_(lane)
    , digest_(caller.digest)
    , id_(caller.id)
    , api_(std::move(api))
    , watcher_(watcher)
    , deadline_(lane.poller.wheel(), *this) {
    deadline_.set(period);
}

KeyWatch::~KeyWatch() {
    if (ticket_ != 0) lane_.desk->cancel(ticket_);
}

void KeyWatch::on_deadline() {
    deadline_.set(period);
    if (ticket_ != 0 || !lane_.epoch) return;
    if (lane_.epoch->keys.cache) return look_in_cache();
    judge(lane_.epoch->keys.table->find(digest_).get());
}

void KeyWatch::look_in_cache() {
    const auto& cache = lane_.epoch->keys.cache;
    const BootTime now = BootClock::now();
    const auto found = cache->find(digest_, now);
    switch (found.kind) {
    case keys::Cache::Found::Kind::known:
        if (!found.is_stale) judge(found.entry.get());
        return;
    case keys::Cache::Found::Kind::unknown:
        if (!found.is_stale) judge(nullptr);
        return;
    case keys::Cache::Found::Kind::invalid:
        return watcher_.on_key_ended(Reason::store_invalid);
    case keys::Cache::Found::Kind::ask:
        ticket_ = lane_.desk->ask(digest_, now, cache, found.entry, *this);
    }
}

void KeyWatch::on_answer(const keys::Answer& answer) {
    ticket_ = 0;
    switch (answer.kind) {
    case keys::Answer::Kind::known:
        if (!answer.is_stale) judge(answer.entry.get());
        return;
    case keys::Answer::Kind::unknown:
        return judge(nullptr);
    case keys::Answer::Kind::invalid:
        return watcher_.on_key_ended(Reason::store_invalid);
    case keys::Answer::Kind::unavailable:
        return;
    }
}

/// The watcher may end this.
void KeyWatch::judge(const keys::Entry* entry) {
    const Snapshot& snapshot = *lane_.epoch->snapshot;
    const auto api = snapshot.catalog->api_number(api_);
    // Under the same digest another key may have come in its place.
    if (entry == nullptr || !api || entry->id != id_)
        return watcher_.on_key_ended(Reason::key_unknown);
    const WallTime now = lane_.poller.now().wall;
    if (const auto refusal = auth::check_record(*entry, *api, snapshot.catalog->apis[*api], now))
        return watcher_.on_key_ended(refusal->reason);
    if (const auto refusal = policy::check_owner(*entry, snapshot.settings.apis[*api].plans))
        watcher_.on_key_ended(refusal->reason);
}

} // namespace keygate::gate
