#include "keys/lease.hpp"

#include <functional>
#include <utility>

namespace keygate::keys {

// Readers load the time first and the generation second. Here the time of the old generation is
// taken back before the new one begins, so whoever sees a time of generation n sees n or later. A
// time of n beside a later generation is harmless: what bears the later one was read after it.
void Lease::on_set_up() {
    is_set_up_ = true;
    ping_.reset();
    renewed_.pinged_at_ = Renewed::never;
    renewed_.generation_ = ++generation_;
}

void Lease::on_lost() {
    is_set_up_ = false;
    ping_.reset();
}

bool Lease::on_pong() {
    if (!is_set_up_ || !ping_) return false;
    const BootTime sent = *std::exchange(ping_, std::nullopt);
    if (doubtful_pongs_ > 0) {
        --doubtful_pongs_;
        return true;
    }
    renewed_.pinged_at_ = sent.time_since_epoch().count();
    return true;
}

bool Lease::on_ping_refused() {
    if (!is_set_up_ || !ping_) return false;
    ping_.reset();
    doubtful_pongs_ += is_in_doubt() ? 1 : 2;
    return true;
}

void Lease::on_change(std::string_view name) {
    ++epochs_[stripe_of(name)];
}

void Lease::on_flush() {
    ++flushes_;
}

Lease::Reading Lease::begin_read(std::string_view name, BootTime now) const {
    // Without a connection nothing tells of changes: what is read now is nobody's to renew.
    return {.stamp = {.generation = is_set_up_ ? generation_ : 0, .read_at = now},
            .epoch = epochs_[stripe_of(name)],
            .flushes = flushes_};
}

bool Lease::is_unchanged(const Reading& reading, std::string_view name) const {
    return reading.epoch == epochs_[stripe_of(name)] && reading.flushes == flushes_;
}

bool Lease::may_keep(const Reading& reading, std::string_view name) const {
    return reading.stamp.generation == generation_ && reading.stamp.generation != 0 && is_set_up_ &&
           is_unchanged(reading, name);
}

std::size_t Lease::stripe_of(std::string_view name) {
    return std::hash<std::string_view>{}(name) % stripes;
}

} // namespace keygate::keys
