#pragma once

#include "support/child_process.hpp"
#include "support/temp_folder.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::support {

/// A real redis-server on a port of its own, in a folder of its own, without persistence unless
/// asked for. It answers when the constructor returns, and is killed when the object or the thread
/// that started it dies.
class RedisServer {
  public:
    struct Tls {
        std::string ca;
        std::string certificate;
        std::string key;
        bool asks_for_certificate = false; // of the client
    };

    /// Any of them may be named alone.
    struct Options {
        std::string password = {};           // of the default user
        std::vector<std::string> users = {}; // `user app on >secret ~* +@all`, one a line
        std::optional<Tls> tls = {};         // then the port speaks TLS only
        /// As on its command line: `--maxmemory`, `1mb`.
        std::vector<std::string> arguments = {};
    };

    RedisServer();
    explicit RedisServer(Options options);
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    /// On 127.0.0.1; the same after a restart, and nobody else's meanwhile.
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Its unix socket: always there, never TLS.
    [[nodiscard]] std::string socket() const { return folder_.file("redis.sock"); }

    /// Ends it in order; connections to the port are refused from then on.
    void stop();
    /// SIGKILL.
    void kill();
    /// Starts it again (after stop() where it runs) with the same options; what was not persisted
    /// is gone.
    void restart();
    /// It keeps its connections and says nothing, until resume().
    void pause();
    void resume();

    /// What it answers to one command, as bytes of RESP2.
    [[nodiscard]] std::string call(const std::vector<std::string>& words) const;

  private:
    void start();
    void wait_until_ready() const;
    [[nodiscard]] std::optional<std::string> try_call(const std::vector<std::string>& words) const;

    Options options_;
    TempFolder folder_;
    int reservation_ = -1;
    std::uint16_t port_ = 0;
    std::unique_ptr<ChildProcess> process_;
};

} // namespace keygate::support
