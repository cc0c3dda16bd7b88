#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/tls_session.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_session_st;

namespace keygate::net {

class TlsTickets;

struct FreeTlsContext {
    void operator()(ssl_ctx_st* context) const;
};

using TlsContextRef = std::unique_ptr<ssl_ctx_st, FreeTlsContext>;

/// How one listener's clients are spoken to: its certificates, and whose certificates it asks for.
/// Immutable; any thread.
class TlsServer final : public std::enable_shared_from_this<TlsServer> {
  public:
    /// Reads all files. @param address  of the listener. @param tickets  of the process, so that
    /// clients go on with their sessions after a reload. @errors the step names the file.
    [[nodiscard]] static Result<std::shared_ptr<const TlsServer>>
    make(const config::ListenerTls& settings, const config::Endpoint& address,
         std::shared_ptr<TlsTickets> tickets);
    ~TlsServer();

    /// For one client, whose handshake begins with its first bytes.
    [[nodiscard]] std::unique_ptr<TlsSession> session() const;

    /// What an operator should know although it works: certificates that have expired.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    struct Callbacks;

    TlsServer() = default;
    /// Null: nobody's.
    [[nodiscard]] ssl_ctx_st* find(std::string_view name) const;

    std::shared_ptr<TlsTickets> tickets_;
    bool is_strict_ = false;
    std::vector<TlsContextRef> contexts_; // alike, but for their certificates; the first is default
    std::map<std::string, ssl_ctx_st*, std::less<>> exact_;
    std::map<std::string, ssl_ctx_st*, std::less<>> wildcards_; // by what follows `*`
    std::vector<std::string> warnings_;
};

/// How the servers of one upstream are spoken to. Any thread.
class TlsClient final : public std::enable_shared_from_this<TlsClient> {
  public:
    /// Reads all files. @errors the step names the file.
    [[nodiscard]] static Result<std::shared_ptr<const TlsClient>>
    make(const config::UpstreamTls& settings);
    ~TlsClient();

    /// For one connection: the server must show a certificate for `name`, a DNS name or an IP
    /// address. Goes on with the last session that a server of that name has offered. The caller
    /// begins: `Channel::handshake`.
    [[nodiscard]] std::unique_ptr<TlsSession> session(const std::string& name) const;

  private:
    struct Callbacks;

    struct FreeSession {
        void operator()(ssl_session_st* session) const;
    };

    using SessionRef = std::unique_ptr<ssl_session_st, FreeSession>;

    TlsClient() = default;

    TlsContextRef context_;
    mutable std::mutex mutex_; // guards the sessions; taken once or twice for each handshake
    mutable std::map<std::string, SessionRef> sessions_; // by name; a place stays once it is there
};

} // namespace keygate::net
