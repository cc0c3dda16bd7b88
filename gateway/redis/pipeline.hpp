#pragma once

#include "redis/backoff.hpp"
#include "redis/link.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>

namespace keygate::redis {

/// Commands whose replies come in their order, on a connection that is dialled again, with
/// jittered back-off, whenever it ends; one that lasted two seconds is dialled again at once. A
/// connection on which a command waits longer than
/// `settings.command_timeout` for its reply is ended. Used on the loop's thread.
class Pipeline {
  public:
    using Done = std::function<void(Result<Reply>)>;

    struct Events {
        std::function<void(const Hello&)> on_up;
        std::function<void(const Fault&)> on_down; // also for a dial that failed
    };

    /// `settings` outlive it.
    Pipeline(boost::asio::io_context& loop, const config::Redis& settings, Events events,
             std::uint64_t seed);
    /// Nothing is told any more, also not to those who wait.
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    void start();

    [[nodiscard]] bool is_up() const;

    /// Sends one encoded command; `done` is called once: with its reply, which may be an error
    /// reply, or with the Fault of the connection, and then nobody knows whether it was carried
    /// out. Only while it is up: otherwise `done` gets `not_connected`, a turn later. `done` may
    /// send, but must not destroy the pipeline.
    void send(std::string_view command, Done done);

    /// Somebody has seen that the server is there: a pause before the next dial ends.
    void hurry();

    /// Ends the connection; it is dialled again as after any other end. Not from inside of `done`.
    void drop(const Fault& why);

    /// Commands without a reply so far.
    [[nodiscard]] std::size_t waiting() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace keygate::redis
