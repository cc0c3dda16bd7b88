#include "keys/used_keys.hpp"

#include <algorithm>

namespace keygate::keys {
namespace {

// One transaction: long enough to pay for its sync, short enough for a change that waits behind it.
constexpr std::size_t batch_size = 500;

Time whole_second(WallTime now) {
    return std::chrono::floor<std::chrono::seconds>(now);
}

UsageDelta delta_of(const UsedKey& used, const Tally::Counts& counts) {
    const Entry& entry = *used.entry;
    return {.api = used.catalog->apis[entry.api].name,
            .owner = entry.owner,
            .id = entry.id,
            .last_used_at = Time{std::chrono::seconds{counts.last}},
            .month = counts.month,
            .in_month = counts.in_month,
            .before = counts.before};
}

} // namespace

void UsedKeys::count(const EntryRef& entry, const std::shared_ptr<const Catalog>& catalog,
                     WallTime now) {
    if (now >= month_ends_ || now < month_begins_) {
        month_ = month_of(whole_second(now));
        month_begins_ = begin_of(month_);
        month_ends_ = begin_of(Month{static_cast<std::int32_t>(month_) + 1});
    }
    const std::int64_t second = whole_second(now).time_since_epoch().count();
    if (entry->subject->tally().add(month_, second)) list(entry, catalog);
}

void UsedKeys::touch(const EntryRef& entry, const std::shared_ptr<const Catalog>& catalog) {
    if (entry->subject->tally().list()) list(entry, catalog);
}

void UsedKeys::list(const EntryRef& entry, const std::shared_ptr<const Catalog>& catalog) {
    const std::lock_guard lock{mutex_};
    listed_.push_back({entry, catalog});
}

std::vector<UsedKey> UsedKeys::take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(listed_, {});
}

Result<void> UsageWriter::write(KeyStore& store, Time now, std::size_t most) {
    for (UsedKeys* list : lists_)
        for (UsedKey& used : list->take())
            waiting_.push_back(std::move(used));
    const Month month = month_of(now);
    for (std::size_t left = std::min(most, waiting_.size()); left > 0;) {
        const std::size_t size = std::min(left, batch_size);
        if (auto written = write_batch(store, month, size); !written) return written;
        left -= size;
    }
    return {};
}

Result<void> UsageWriter::write_batch(KeyStore& store, Month month, std::size_t size) {
    std::vector<Tally::Counts> counts;
    std::vector<UsageDelta> deltas;
    for (std::size_t i = 0; i < size; ++i) {
        counts.push_back(waiting_[i].entry->subject->tally().take(month));
        deltas.push_back(delta_of(waiting_[i], counts[i]));
        // After `take`: what comes back from here on lists the key again.
        if (add_spent_) add_spent_(waiting_[i], deltas.back());
    }
    auto stored = store.add(deltas);
    if (stored) {
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size));
        return stored;
    }
    // A key that was used again meanwhile stands on its thread's list: it waits there.
    std::deque<UsedKey> kept;
    for (std::size_t i = 0; i < size; ++i)
        if (waiting_[i].entry->subject->tally().give_back(counts[i]))
            kept.push_back(std::move(waiting_[i]));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size));
    waiting_.insert(waiting_.begin(), std::make_move_iterator(kept.begin()),
                    std::make_move_iterator(kept.end()));
    return stored;
}

} // namespace keygate::keys
