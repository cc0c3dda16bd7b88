#pragma once

#include "config/settings.hpp"
#include "keys/question.hpp"
#include "keys/store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keygate::keys {

/// Keeps what requests know of the keys in Redis true: one thread with two connections. On the one
/// it hears of changes (keys/tracker.hpp), on the other it reads what it is asked for, each record
/// once however many wait for it. It never blocks, and answers every question within
/// `store.redis.timeout`: what cannot be told by then is `unavailable`.
class Keeper {
  public:
    enum class Severity : std::uint8_t { info, warning, error };
    using Log = std::function<void(Severity, const std::string&)>;

    /// `settings.redis` is set. `settings` outlive the keeper.
    Keeper(const config::Store& settings, Log log);
    /// As `stop`.
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    /// Begins to connect.
    void start();
    /// Ends the thread; questions are not answered any more.
    void stop();

    /// The store holds what this configuration can judge (peppers): from here on questions are
    /// answered. Any thread.
    void allow();
    [[nodiscard]] bool is_allowed() const;

    /// An empty cache for a configuration. Any thread.
    [[nodiscard]] std::shared_ptr<Cache> make_cache(std::shared_ptr<const Catalog> catalog,
                                                    SubjectsRef subjects);
    /// Reads into `next` all that `before` holds, and keeps both true from here on. Blocks; not the
    /// keeper's thread. @errors timed_out where the store cannot be asked.
    [[nodiscard]] Result<void> warm(const std::shared_ptr<Cache>& next,
                                    const std::shared_ptr<Cache>& before);
    /// Only this one is kept true from here on. Any thread.
    void serve(std::shared_ptr<Cache> cache);

    /// Any thread; answers go to the questions' desks.
    void ask(std::vector<Question> questions);

    /// What is true of the store. Any thread.
    struct Condition {
        bool is_up = false;       // reads are answered
        bool is_tracking = false; // changes are told
        bool is_allowed = false;
        bool offers_tracking = true;  // false: nothing renews what was read
        bool is_one_server = false;   // reads and changes come from one process
        std::string tracking_problem; // why changes are not told
        std::string problem;          // why not, for people
        BootTime since{};             // of `is_up`
    };

    [[nodiscard]] Condition condition() const;

    struct Counts {
        std::uint64_t asked = 0; // questions
        std::uint64_t reads = 0; // commands sent to read records
        std::uint64_t unavailable = 0;
        std::uint64_t changes = 0;    // records that Redis told of
        std::uint64_t unreadable = 0; // records read that mean nothing to us
        std::uint64_t dials = 0;      // connections on which records are read
    };

    [[nodiscard]] Counts counts() const;
    /// How old the newest answered ping is; less than the bound: what is kept decides.
    [[nodiscard]] std::chrono::nanoseconds lease_age() const;
    [[nodiscard]] const Freshness& freshness() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace keygate::keys
