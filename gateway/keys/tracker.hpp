#pragma once

#include "config/settings.hpp"
#include "keys/lease.hpp"
#include "redis/backoff.hpp"
#include "redis/link.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace keygate::keys {

/// Which process a server is, by its answer to `INFO server`; empty where it does not say.
[[nodiscard]] std::string run_id_in(const redis::Reply& info);

/// The connection on which Redis tells of changes, dialled again whenever it ends: CLIENT TRACKING
/// in broadcasting mode, redirected to the connection itself, and keygate's own messages
/// (`kg:changes`). All that is ever sent there is the set-up and one ping at a time (keys/lease.hpp
/// has the reason). Where Redis offers no tracking, keygate's own messages alone can do if nobody
/// else writes. Used on the loop's thread.
class Tracker final : redis::Link::Handler {
  public:
    struct Events {
        std::function<void(std::string_view name)> on_change;
        std::function<void()> on_flush;
        std::function<void()> on_set_up;
        std::function<void(const std::string& why)> on_lost;
        /// A pong has renewed the lease.
        std::function<void()> on_renewed;
        /// A message on `kg:wait`.
        std::function<void(const std::string& text)> on_wait;
    };

    /// `settings` and `lease` outlive it.
    Tracker(boost::asio::io_context& loop, const config::Store& settings, Lease& lease,
            Events events, std::uint64_t seed);
    ~Tracker();
    Tracker(const Tracker&) = delete;
    Tracker& operator=(const Tracker&) = delete;

    void start();

    /// Which process it is that tells (`run_id` of INFO); empty while nobody does, or where it does
    /// not say.
    [[nodiscard]] const std::string& run_id() const { return run_id_; }

    /// Ends the connection and dials again.
    void restart(const std::string& why);

    /// False since the server said that it cannot be tracked: nothing is renewed.
    [[nodiscard]] bool offers_tracking() const { return offers_tracking_; }

    [[nodiscard]] std::uint64_t dials() const { return dials_; }

  private:
    enum class Step : std::uint8_t {
        closed,
        opening,
        info,
        client,
        threads,
        tracking,
        subscribing,
        set_up
    };

    void on_open(const redis::Hello& hello) override;
    void on_reply(redis::Reply reply) override;
    void on_closed(const Fault& fault) override;

    void dial();
    void on_info_reply(const redis::Reply& reply);
    void ask_threads(std::int64_t client);
    void on_client_reply(const redis::Reply& reply);
    void on_threads_reply(const redis::Reply& reply);
    void track(std::int64_t client);
    void on_tracking_reply(const redis::Reply& reply);
    void subscribe();
    void on_subscription();
    void on_message(const redis::Reply& reply);
    void on_invalidation(const redis::Reply& names);
    void ping();
    void arm(std::chrono::milliseconds after);
    void on_timer();
    void lose(const std::string& why);

    boost::asio::io_context& loop_;
    const config::Store& settings_;
    Lease& lease_;
    Events events_;
    redis::Backoff backoff_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<redis::Link> link_;
    Step step_ = Step::closed;
    redis::Hello hello_;           // of this connection
    std::string run_id_;           // of the server
    std::int64_t client_ = 0;      // our connection's id
    unsigned subscriptions_ = 0;   // confirmed
    bool is_looked_again_ = false; // for a pong that is overdue
    bool offers_tracking_ = true;
    std::uint64_t dials_ = 0;
};

} // namespace keygate::keys
