#pragma once

#include "base/clock.hpp"
#include "limit/bill.hpp"
#include "limit/redis_script.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace keygate::limit {

/// What one worker knows of one bill's counts in Redis: what it has taken in advance, and that it
/// was refused. Without clocks or I/O.
///
/// Times of two clocks meet here. A script ran between the instant at which its call was sent and
/// the one at which its answer was read. So at a later instant b the server's time is at most
/// `answer.now + (b - sent)` and at least `answer.now + (b - received)`: what was taken must not be
/// used, and what was refused not be refused, by the first; how long somebody has to wait is told
/// by the second.
class Purse {
  public:
    struct Refused {
        std::uint8_t by = 0;
        std::uint64_t exceeded = 0;
        Instant retry_at{}; // of the server
        std::vector<Standing> standing;
    };

    /// What is left of a lease when its time is over.
    struct Rest {
        std::uint32_t units = 0;
        std::vector<std::int64_t> taken_in; // of each item
    };

    /// No refusal is remembered longer: a reset, or what was given back elsewhere, is seen by then.
    static constexpr std::chrono::milliseconds memory{1000};
    /// The same for meters, which are given back all the time.
    static constexpr std::chrono::milliseconds memory_of_meters{250};
    static constexpr std::uint32_t most_units = 1000;

    /// Takes one unit of the lease. Nothing where there is none any more.
    [[nodiscard]] std::optional<Outcome> take(BootTime now);
    /// The refusal that is still sure.
    [[nodiscard]] std::optional<Outcome> refused(BootTime now) const;
    /// One of the units that were just granted, for a request that has waited for the answer.
    [[nodiscard]] std::optional<Outcome> share();
    /// How many units to take in advance: more where the last ones did not last long. @param
    /// waiting  requests that want one now.
    [[nodiscard]] std::uint32_t wanted(std::uint32_t waiting, BootTime now);

    /// The server has decided: `units` were granted, one of which is the asker's own.
    void on_granted(const Bill& bill, const ScriptAnswer& answer, BootTime sent, BootTime received);
    void on_refused(const Bill& bill, const ScriptAnswer& answer, BootTime sent, BootTime received);

    /// Ends the lease. Any time; units of buckets are lost, those of windows can be given back.
    [[nodiscard]] Rest end();

    [[nodiscard]] BootTime lease_ends() const { return lease_until_; }

    /// Nothing is known that a new one would not know.
    [[nodiscard]] bool is_idle(BootTime now) const {
        return units_ == 0 && now >= refused_until_ && now >= lease_until_;
    }

  private:
    [[nodiscard]] Outcome unit(BootTime now);

    [[nodiscard]] Instant server_time(BootTime now) const { return said_ + (now - received_); }

    std::uint32_t units_ = 0;
    std::uint32_t used_ = 0; // since somebody was asked
    BootTime asked_{};
    BootTime lease_until_{};
    BootTime refused_until_{};
    BootTime received_{};
    Instant said_{}; // the server's time then
    std::vector<std::int64_t> taken_in_;
    std::vector<std::uint32_t> costs_;
    Refused last_;
};

} // namespace keygate::limit
