#pragma once

#include "config/settings.hpp"
#include "limit/redis_script.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace keygate::limit {

/// Where one worker charges what is counted in Redis: on a connection of its own, on its loop. What
/// the requests of one turn ask goes out in one write. Used on the loop's thread, but for `counts`.
class RedisCounters {
  public:
    struct Answer {
        enum class Kind : std::uint8_t {
            decided,
            changed, // a record is not what was decided on any more
            away     // Redis cannot be asked: `when_away` says what then
        };

        Kind kind = Kind::away;
        Outcome outcome; // of `decided`
    };

    /// What the limits of a bill live in: the configuration, and what the key's record says.
    struct Kept {
        std::shared_ptr<const void> settings;
        std::shared_ptr<const void> own;
    };

    /// A request that waits.
    class Asker {
      public:
        virtual void on_charge(const Answer& answer) = 0;
        /// Asked for once, when it begins to wait.
        [[nodiscard]] virtual Kept keep() const = 0;

      protected:
        ~Asker() = default;
    };

    struct Request {
        const Bill& bill;
        const Account& account;
        std::uint64_t serial = 0; // of the key's subject; 0 on a public route
        config::Truth truth = config::Truth::shared;
        std::optional<Recheck> recheck;
    };

    /// What comes back when a request is over.
    struct Owed {
        std::string name; // count_name
        std::string state;
        std::int64_t taken_in = 0;
        std::uint32_t cost = 0;
        bool is_running = false; // one of the requests at once; else of a meter
    };

    struct Counts {
        std::uint64_t asked = 0;       // calls to Redis
        std::uint64_t from_lease = 0;  // admitted without asking
        std::uint64_t from_memory = 0; // refused without asking
        std::uint64_t given_back = 0;  // units of leases that nobody used
    };

    /// Runs work on the loop in a turn of its own.
    using Enter = std::function<void(std::function<void()>)>;
    using Log = std::function<void(const std::string&)>;

    /// @param settings  outlive it. @param holder  unique among all workers of all gateways.
    RedisCounters(boost::asio::io_context& loop, const config::Redis& settings, std::string holder,
                  Enter enter, Log log);
    ~RedisCounters();
    RedisCounters(const RedisCounters&) = delete;
    RedisCounters& operator=(const RedisCounters&) = delete;

    /// Begins to connect.
    void start();
    /// Gives back what was taken in advance, and ends the connection, within `settings.timeout`:
    /// nobody is told anything any more.
    void stop();

    /// Charges all items of a bill or none. @returns the answer if nobody had to be asked; else
    /// nothing, and the asker is told in a later turn, within `settings.timeout`, unless it cancels
    /// by the ticket.
    [[nodiscard]] std::optional<Answer> charge(Request request, Asker& asker,
                                               std::uint64_t& ticket);
    /// At the end of each turn: what was asked in it goes out.
    void flush();
    /// Nobody waits any more; what may still be granted is settled as not counted.
    void cancel(std::uint64_t ticket);

    /// Requests at once, and meters. Appends to `owed`.
    static void note_owed(const Bill& bill, const Account& account, const Outcome& outcome,
                          std::vector<Owed>& owed);
    /// A request is over. @param is_counted  its answer was one that meters count.
    void settle(std::span<const Owed> owed, bool is_counted);

    /// Any thread.
    [[nodiscard]] Counts counts() const;
    [[nodiscard]] bool is_away() const;
    /// It is known whether Redis can be asked.
    [[nodiscard]] bool has_begun() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace keygate::limit
