#pragma once

#include "keys/store.hpp"
#include "redis/session.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// What the store says to its Redis: portions of commands, and sections that are watched. One
/// thread at a time.
class RedisTalk {
  public:
    /// `session` outlives it.
    explicit RedisTalk(redis::Session& session)
        : session_(session) {}

    /// From here on everything goes over this one connection: if that breaks, it is
    /// StoreError::raced, because what Redis watched for us is gone with it.
    [[nodiscard]] Result<void> watch();
    void forget();

    [[nodiscard]] bool is_watching() const { return connection_ != 0; }

    /// All replies, in their order; they may be error replies.
    [[nodiscard]] Result<std::vector<redis::Reply>> ask(std::span<const redis::Command> commands);
    /// One command; an error reply is a Fault.
    [[nodiscard]] Result<redis::Reply> ask(const redis::Command& command);
    /// Reads what may be changed later on: in a watched section `names` are watched first.
    [[nodiscard]] Result<std::vector<redis::Reply>> read(std::vector<std::string> names,
                                                         std::span<const redis::Command> commands);

    /// All of them or none, unless something that is watched was changed (StoreError::raced). Ends
    /// the watched section that it needs. @errors  those of Redis: nothing was done.
    [[nodiscard]] Result<void> transact(std::span<const redis::Command> commands);

  private:
    Result<std::vector<redis::Reply>> send(std::span<const redis::Command> portion);
    Result<void> queue(std::span<const redis::Command> commands);
    Result<void> execute();

    redis::Session& session_;
    std::uint64_t connection_ = 0; // of the watched section
    bool has_watched_ = false;
};

/// The reply has a shape that the command does not have.
[[nodiscard]] Fault unexpected(std::string_view command);

/// The Fault of an error reply, or of a reply that is not of the kind.
[[nodiscard]] Result<void> expect(const redis::Reply& reply, redis::Reply::Kind kind,
                                  std::string_view command);

/// Not there.
[[nodiscard]] inline bool is_nil(const redis::Reply& reply) {
    return reply.is(redis::Reply::Kind::nil);
}

} // namespace keygate::keys
