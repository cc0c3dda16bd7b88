#pragma once

#include "limit/bill.hpp"
#include "limit/quota.hpp"
#include "redis/reply.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// How limits are counted in Redis: one script charges all items of a bill or none, by the clock of
// the server. What it does is what limit/rate.cpp, quota.cpp and concurrency.hpp do, in
// microseconds; a test compares them.
//
// A subject's counts are one hash, whose fields are config::Limit::state:
//
//     kg:rl:{<api>:<owner>}:k:<key id>     of a key
//     kg:rl:{<api>:<owner>}:o              of an owner
//     kg:rl:{<api>}:r:<METHOD path>        of a route
//     kg:rl:{<api>:@<address>}:a           of an address
//
// `w…` and `q:…` hold `<first microsecond of the window> <used>`, `b…` holds `<microsecond at which
// it is empty> <fraction> <limit> <microsecond at which that was written>`. Requests at once have a
// hash of their own for each limit, its state (`c`, `r:GET /v1/orders:c`) and `:` before the last
// part of the name: for each holder (a worker of a gateway) `n:<holder>` how many it has running,
// and `e:<holder>` until when that is believed.
namespace keygate::limit {

/// Who is charged. Views are good while a bill is written.
struct Account {
    std::string_view api;
    std::string_view owner; // empty on a public route
    std::string_view key;   // id
    std::string_view route; // `METHOD path`
    std::string_view address;
};

/// Records that must still be what was decided on.
struct Recheck {
    std::array<std::string, 2> names; // of the key's and the owner's record
    std::array<std::string, 2> marks; // mark_of what was read
};

/// The name of what an item is counted under.
[[nodiscard]] std::string count_name(const config::Limit& limit, const Account& account);

/// How long a lease lives, from the moment at which it was asked for.
inline constexpr std::chrono::milliseconds lease_life{500};
/// A lease takes one in so many of what is left, so that nobody holds what others want.
inline constexpr std::uint32_t lease_share = 8;
/// How long a gateway that says nothing is believed to have its requests running.
inline constexpr std::chrono::seconds holder_life{10};

/// Writes calls of the script.
class ScriptCalls {
  public:
    /// @param holder  who has what is running: unique among all workers of all gateways.
    explicit ScriptCalls(std::string holder)
        : holder_(std::move(holder)) {}

    struct Call {
        std::uint32_t units = 1;           // wanted: so many times the bill, at least once
        std::uint32_t share = lease_share; // more than one unit: one in so many of what is left
        bool has_leases = false; // the API's limits are `leased`, be it other bills: buckets have
                                 // room for less (lease_life)
        const Recheck* recheck = nullptr; // `revocation_bound: 0`
        Instant now{};                    // about the time of the server
        bool is_whole = false;            // the script's text instead of its digest
    };

    /// Appends one command.
    void charge(std::string& out, const Bill& bill, const Account& account, const Call& call);
    /// Gives back what was taken from a window (not from a bucket: it fills by itself).
    void give_back(std::string& out, const std::string& name, const std::string& state,
                   std::int64_t taken_in, std::uint64_t cost) const;
    /// So many requests are over.
    void leave(std::string& out, const std::string& name, std::uint32_t count = 1) const;

    enum class Hold : std::uint8_t {
        exact,   // nothing is on its way: these are all
        prolong, // they go on; how many they are is known already
    };

    /// Says what is running.
    void hold(std::string& out, std::span<const std::pair<std::string, std::uint32_t>> running,
              Hold how = Hold::exact);
    /// Commands that have the server keep the scripts.
    [[nodiscard]] static std::vector<std::string> loads();

    /// The server does not keep them: every call brings its text from here on.
    void bring_texts() { brings_texts_ = true; }

  private:
    using Bounds = std::array<std::int64_t, 4>;

    struct Told {
        std::string_view kind;
        std::uint64_t limit = 0;
        Bounds rest{};
    };

    [[nodiscard]] Told told_of(const Item& item, const Call& call);
    [[nodiscard]] const Bounds& bounds_of(const Quota& quota, Instant now);

    struct Known {
        const TimeZone* zone = nullptr;
        Period period = Period::month;
        Bounds bounds{}; // microseconds: the period before, this one, the next
    };

    std::string holder_;
    bool brings_texts_ = false;
    std::vector<Known> known_;
};

/// What the script says.
struct ScriptAnswer {
    enum class Kind : std::uint8_t {
        decided,
        skewed,  // the server's time was not where the call took it to be: ask again by `now`
        changed, // a record is not what was decided on
        unusable // no answer of ours
    };

    Kind kind = Kind::unusable;
    Outcome outcome;         // of `decided`
    std::uint32_t units = 0; // granted
    Instant now{};           // of the server; of `decided` and `skewed`
};

[[nodiscard]] ScriptAnswer read_answer(const redis::Reply& reply, std::size_t items);

/// Whether a limit can be counted in Redis exactly, and taken in advance there.
[[nodiscard]] bool can_be_leased(const Bill& bill);

/// The text of the charge, for tests: `time` is how it reads the clock.
[[nodiscard]] std::string charge_script(std::string_view time = "redis.call('TIME')");

} // namespace keygate::limit
