#pragma once

#include "redis/link.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace keygate::redis {

/// A connection for a thread that may wait: each call blocks until its replies are there, at most
/// `settings.command_timeout`. Dialled when it is needed, again after it broke. One thread at a
/// time.
class Session {
  public:
    /// `settings` outlive it.
    explicit Session(const config::Redis& settings);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Dials if there is no connection.
    [[nodiscard]] Result<Hello> open();

    /// Sends all commands in one write and waits for all replies; a reply may be an error reply.
    /// After a Fault nobody knows which of them were carried out.
    [[nodiscard]] Result<std::vector<Reply>> ask(std::span<const Command> commands);
    /// The same on that connection only: `not_connected`, and nothing was sent, where it is not
    /// open any more. For EXEC after WATCH.
    [[nodiscard]] Result<std::vector<Reply>> ask_on(std::uint64_t connection,
                                                    std::span<const Command> commands);
    /// One command. An error reply becomes its Fault.
    [[nodiscard]] Result<Reply> ask(const Command& command);

    /// Which connection it is, counted from 1; 0: none is open. What a connection remembers (WATCH)
    /// is gone with it.
    [[nodiscard]] std::uint64_t connection() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace keygate::redis
