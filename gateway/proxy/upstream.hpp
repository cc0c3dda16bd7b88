#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "proxy/breaker.hpp"
#include "proxy/server.hpp"
#include "proxy/slots.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace keygate::proxy {

/// An IP address, as it was looked up.
struct Address {
    sockaddr_storage storage{}; // its port is 0
    socklen_t size = 0;
};

[[nodiscard]] bool operator==(const Address& one, const Address& other);

/// `10.0.0.4:3000`, `api.internal:3000`, `unix:/run/app.sock`: what a server is called in logs and
/// metrics.
[[nodiscard]] std::string name_of(const config::Server& server);

/// The servers that requests of one kind are forwarded to: for the whole process what each thread's
/// pool has to know. Any thread.
class Upstream {
  public:
    using Servers = std::vector<std::shared_ptr<const Server>>;

    /// Reads the files of `tls`. Servers that are addresses are there at once, names when they are
    /// looked up (proxy/resolver.hpp).
    /// @param api  its name, and @param name  that of the upstream in it: for metrics.
    /// @param before  the same upstream in the configuration before, or null: what is known of
    ///                servers that stay as they are is still known.
    [[nodiscard]] static Result<std::shared_ptr<Upstream>> make(const config::Upstream& settings,
                                                                std::string api, std::string name,
                                                                const Upstream* before = nullptr);

    [[nodiscard]] const config::Upstream& settings() const { return settings_; }

    [[nodiscard]] const std::string& api() const { return api_; }

    [[nodiscard]] const std::string& name() const { return name_; }

    /// Host of the first server, as configured.
    [[nodiscard]] const std::string& host() const { return host_; }

    /// What they are now.
    [[nodiscard]] std::shared_ptr<const Servers> servers() const;

    /// Changes whenever they do.
    [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

    /// Names that have to be looked up.
    [[nodiscard]] std::vector<std::string> hosts() const;
    /// What a name stands for from now on. Requests in flight stay where they are.
    void set_addresses(const std::string& host, const std::vector<Address>& addresses);

    /// Null: no bound.
    [[nodiscard]] Slots* slots() const { return slots_.get(); }

    /// A server is there again: who waits may find a place.
    void look_again();

    // The breaker; where there is none everybody is let in.
    [[nodiscard]] Breaker::Pass ask_breaker(SteadyTime now);
    void tell_breaker(SteadyTime now, const Breaker::Pass& pass, bool has_failed);
    void abandon(const Breaker::Pass& pass);

    [[nodiscard]] std::uint64_t breaker_openings() const {
        return openings_.load(std::memory_order_relaxed);
    }

  private:
    Upstream(const config::Upstream& settings, std::string api, std::string name,
             const Upstream* before);

    [[nodiscard]] Result<void> read_tls();
    void publish(const Upstream* before);
    [[nodiscard]] std::shared_ptr<const Server>
    make_server(std::size_t number, const Address& address, const Upstream* before) const;

    const config::Upstream settings_;
    const std::string api_;
    const std::string name_;
    std::string host_;
    std::shared_ptr<const net::TlsClient> tls_;

    mutable std::mutex mutex_;                    // guards the two below
    std::vector<std::vector<Address>> addresses_; // of each configured server
    std::shared_ptr<const Servers> servers_;
    std::atomic<std::uint64_t> version_{1};

    std::shared_ptr<Slots> slots_; // of all configurations that have the upstream
    std::mutex breaker_mutex_;
    std::optional<Breaker> breaker_;
    std::atomic<std::uint64_t> openings_{0};
};

/// What can go wrong with an upstream before its answer has begun.
enum class Failure : std::uint8_t {
    unreachable,        // no connection: refused, no route, no descriptor, no trust
    connect_timeout,    // no connection in time
    first_byte_timeout, // connected, but silent
    closed_early,       // closed or reset before the answer's head was whole
    not_http,           // an answer that cannot be understood, or that nobody asked for
};

/// upstream_*: how a failure is told to the client.
[[nodiscard]] Reason reason_for(Failure failure);

} // namespace keygate::proxy
