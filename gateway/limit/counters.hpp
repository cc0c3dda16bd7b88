#pragma once

#include "limit/bill.hpp"
#include "limit/quota.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace keygate::limit {

/// What subjects have used, for all threads of the process: exact. Subjects (keys, owners, routes,
/// addresses) are numbered densely, so a charge is an index and one short lock of each subject on
/// the bill, nearly always one. Memory is taken in blocks as numbers appear: 16 bytes for a
/// subject and 24 for each count.
class Counters {
  public:
    /// Numbers from here on are not those of keys and owners.
    static constexpr std::uint32_t first_address = 0xffff0000; // 65,536 of them
    static constexpr std::uint32_t first_route = 0xfff00000;

    /// @param counts_per_subject  that have their place beside the subject's lock, 0..64; more have
    ///                            it elsewhere and cost a little more.
    explicit Counters(std::size_t counts_per_subject);
    ~Counters();
    Counters(const Counters&) = delete;
    Counters& operator=(const Counters&) = delete;

    /// Charges all items or none. A dry run refuses nobody, and takes nothing where it would have.
    /// @param calendar  of the thread. Allocates when a count first appears. Any thread.
    [[nodiscard]] Outcome charge(const Bill& bill, Instant now, Calendar& calendar);
    /// What `charge` would say; nothing is taken. Any thread.
    [[nodiscard]] Outcome test(const Bill& bill, Instant now, Calendar& calendar) const;

    /// A request is over. @param is_counted  its answer was one that meters count. Any thread.
    void settle(std::span<const Owed> owed, bool is_counted);

    /// Begins to fetch a subject's state from memory: a charge will follow soon. Any thread.
    void prefetch(std::uint32_t subject) const;

    /// Makes more room beside the locks; what is spent stays. Fewer than before change nothing.
    /// While nobody charges; a `reset` at the same time may be lost.
    void grow(std::size_t counts_per_subject);

    /// Forgets a subject: the number is somebody else's from now on. Any thread.
    void reset(std::uint32_t subject);
    /// Forgets what a subject has used; requests that are running still count. Any thread.
    void forget_spent(std::uint32_t subject);

    /// What a subject has used, but for requests that are running. Any thread.
    [[nodiscard]] std::vector<State> spent(std::uint32_t subject) const;
    /// Adds what was used before this process began: states of windows and quotas, not of buckets.
    /// Where something is counted already in the same window, both are added. Any thread.
    void restore(std::uint32_t subject, std::span<const State> spent);

  private:
    struct Blocks;
    std::atomic<Blocks*> blocks_; // the last of them
    // Those that were outgrown stay: somebody who resets a number may still look into them.
    std::vector<std::unique_ptr<Blocks>> all_;
};

} // namespace keygate::limit
