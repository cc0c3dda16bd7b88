#pragma once

#include "base/clock.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

// Why a key that is kept in memory may decide a request although others write to the store. No I/O,
// no clock; tests/keys/lease_test.cpp runs it through millions of random schedules.
//
// Redis tells of every change on one connection (tracking), and we ping there. A pong says:
// whatever was acknowledged to its writer before the ping was *sent* has been told here. So with
//
//   t      read once for a request, after its bytes were read and before any wait
//   bound  how long an acknowledged change may take to count
//
// what is kept decides the request if its ping, or the read that brought it, was sent at or after
// t - bound; otherwise Redis is asked. A request that is sent later than acknowledgement + bound is
// then never decided by the record before, also if connections break silently, messages vanish or
// the process stands still: without a pong nothing is renewed.
//
// It holds only because
//   - there is at most one ping without an answer, and nothing else is ever sent on that connection
//     (two pings that Redis reads in one turn of its loop are answered before the change is told);
//   - only a literal pong renews (while a script runs, Redis says BUSY, and changes still wait);
//   - after n errors the next n + 1 pongs renew nothing. The turn of Redis' loop in which the
//   script
//     ran goes on after it, and may read this connection again before it tells of changes whose
//     acknowledgements left while the script ran (seen on 7.0.15): once because the connection was
//     to be read in that turn anyway, and once for each time it was read during the script;
//   - a read that began before a change of its record was told is not kept (epochs);
//   - each connection is a generation: what was read before it was set up is not renewed by its
//     pings.
namespace keygate::keys {

/// Since when something that was read is known to be so.
struct Stamp {
    std::uint64_t generation = 0; // whose pings renew it; 0: nobody's
    BootTime read_at{};           // taken before the read was sent
};

/// What pings have renewed so far. Written by one thread, read by any.
class Renewed {
  public:
    struct View {
        BootTime pinged_at{};
        std::uint64_t generation = 0;
    };

    /// First of all, before what is kept is looked up: a pong that comes in between would vouch for
    /// something that was taken away just before.
    [[nodiscard]] View load() const {
        // In this order: a time is never taken for that of a later generation (lease.cpp).
        const BootTime pinged{std::chrono::nanoseconds{pinged_at_.load()}};
        return {pinged, generation_.load()};
    }

  private:
    friend class Lease;
    /// Before every time, and far enough from the edge to be subtracted from.
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min() / 2;

    std::atomic<std::int64_t> pinged_at_{never};
    std::atomic<std::uint64_t> generation_{0};
};

/// Whether what bears this stamp decides a request that was read at `t`.
[[nodiscard]] inline bool decides(const Stamp& stamp, const Renewed::View& renewed, BootTime t,
                                  std::chrono::nanoseconds bound) {
    const BootTime since = t - bound;
    if (stamp.read_at >= since) return true;
    return stamp.generation != 0 && stamp.generation == renewed.generation &&
           renewed.pinged_at >= since;
}

/// The tracking connection as the lease sees it, and what may be kept of reads. One thread.
class Lease {
  public:
    /// A read under way.
    struct Reading {
        Stamp stamp;
        std::uint64_t epoch = 0;
        std::uint64_t flushes = 0;
    };

    explicit Lease(Renewed& renewed)
        : renewed_(renewed) {}

    // ---- the tracking connection

    /// Its last set-up reply came: from here on every change is told. A new generation begins.
    void on_set_up();
    /// It ended, or says what it must not say. What is kept still decides until its bound is over.
    void on_lost();

    [[nodiscard]] bool is_set_up() const { return is_set_up_; }

    /// There is a connection, and no ping on it waits for its answer.
    [[nodiscard]] bool may_ping() const { return is_set_up_ && !ping_; }

    /// @param now  taken before the ping was written.
    void on_ping(BootTime now) { ping_ = now; }

    [[nodiscard]] std::optional<BootTime> ping() const { return ping_; }

    /// The answer to the ping is a literal pong: it renews, unless there is doubt. False where no
    /// ping waited: the connection cannot be understood.
    [[nodiscard]] bool on_pong();
    /// The answer is an error: it is no answer to what we must know, and from here on there is
    /// doubt.
    [[nodiscard]] bool on_ping_refused();

    /// Pongs must come that renew nothing, so the next ping is sent as soon as it may.
    [[nodiscard]] bool is_in_doubt() const { return doubtful_pongs_ > 0; }

    /// A record of that name was changed: what is kept of it must go, at once.
    void on_change(std::string_view name);
    /// Everything may have changed: all that is kept must go.
    void on_flush();

    // ---- reads

    /// @param now  taken before the read is sent.
    [[nodiscard]] Reading begin_read(std::string_view name, BootTime now) const;
    /// No change of it was told since it began. If not, its result decides those who wait for it,
    /// and nobody else.
    [[nodiscard]] bool is_unchanged(const Reading& reading, std::string_view name) const;
    /// Also, pings renew what came of it.
    [[nodiscard]] bool may_keep(const Reading& reading, std::string_view name) const;

    [[nodiscard]] std::uint64_t generation() const { return generation_; }

  private:
    static constexpr std::size_t stripes = 4096;
    [[nodiscard]] static std::size_t stripe_of(std::string_view name);

    Renewed& renewed_;
    std::uint64_t generation_ = 0;
    bool is_set_up_ = false;
    std::optional<BootTime> ping_;
    /// So many may still be of a turn in which a script ran. Not ended by a new connection: it may
    /// bear the number that Redis has on its list for the old one.
    std::uint64_t doubtful_pongs_ = 0;
    std::uint64_t flushes_ = 0;
    /// Changes that were told, by name; names share them, which costs a second read at worst.
    std::array<std::uint64_t, stripes> epochs_{};
};

} // namespace keygate::keys
