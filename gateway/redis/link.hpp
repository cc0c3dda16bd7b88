#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "redis/reply.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace keygate::redis {

/// What a server said of itself when it was dialled (HELLO). Members are empty where it would not
/// say.
struct Hello {
    std::string version;     // `7.0.15`
    unsigned major = 0;      // 0: unknown
    std::int64_t client = 0; // our connection's id; 0: unknown
    std::string role;        // `master`, `replica`
    std::string mode;        // `standalone`, `sentinel`, `cluster`
};

/// One connection to a Redis, from the dial to its end: TCP, unix socket or TLS; then AUTH, SELECT,
/// CLIENT SETNAME and HELLO. A server that says that it is a replica or part of a cluster is not
/// taken. What is sent in one turn of the loop goes out in one write. Used on the loop's thread.
class Link {
  public:
    /// Who is told. Any of them may destroy the link.
    class Handler {
      public:
        virtual void on_open(const Hello& hello) = 0;
        virtual void on_reply(Reply reply) = 0;
        /// It could not be opened, or is over; told once, and nothing after it.
        virtual void on_closed(const Fault& fault) = 0;

      protected:
        ~Handler() = default;
    };

    /// Dials at once, within `settings.command_timeout`. `settings` and `handler` outlive the link.
    Link(boost::asio::io_context& loop, const config::Redis& settings, Handler& handler);
    /// Ends it: nothing is told any more.
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    [[nodiscard]] bool is_open() const;

    /// Sends encoded commands (redis/codec.hpp). Only while it is open. More than 64 MiB that the
    /// server does not take ends the link.
    void send(std::string_view commands);

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace keygate::redis
