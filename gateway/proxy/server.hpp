#pragma once

#include "proxy/ejection.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <sys/socket.h>

namespace keygate::net {
class TlsClient;
}

namespace keygate::proxy {

/// Whether a server is well, as requests and checks have found it: one for each address of an
/// upstream, for the whole process. Any thread; a server that is well costs one load.
class Standing {
  public:
    explicit Standing(const config::Ejection& settings)
        : ejection_(settings) {}

    enum class State : std::uint8_t {
        in,
        due,    // out, and a request may find out whether it still should be
        out,    // others first
        unwell, // a check says that it cannot answer
    };
    [[nodiscard]] State state(SteadyTime now) const;
    /// Before a request is sent to one that is `due`: false if somebody else finds out.
    [[nodiscard]] bool begin_trial(SteadyTime now);

    void succeed(bool was_trial);
    void fail(SteadyTime now, bool was_trial);
    void abandon_trial();

    /// Once in ten seconds: what goes wrong with each connection is not told for each.
    [[nodiscard]] bool may_tell(SteadyTime now);

    void set_well(bool is_well) { is_well_.store(is_well, std::memory_order_relaxed); }

    [[nodiscard]] bool is_well() const { return is_well_.load(std::memory_order_relaxed); }

    /// How often it was put out.
    [[nodiscard]] std::uint64_t ejections() const {
        return ejections_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<bool> is_well_{true};
    /// Neither out nor with a failure: nothing to remember, nobody to ask.
    std::atomic<bool> is_clean_{true};
    std::atomic<std::uint64_t> ejections_{0};
    std::atomic<SteadyTime::rep> told_at_{0};
    mutable std::mutex mutex_; // guards what is below
    Ejection ejection_;
};

/// One server of an upstream, ready to be connected to: one address. Immutable but for its
/// standing.
struct Server {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string name;         // `10.0.0.4:3000`, `unix:/run/app.sock`: for logs and metrics
    std::string host;         // for Host: as configured, with a port that is not the usual one
    std::uint32_t weight = 1; // 1..1'000
    std::size_t number = 0;   // of the configured server that it is an address of
    std::shared_ptr<const net::TlsClient> tls; // null: in clear
    std::string tls_name;                      // of its certificate
    std::shared_ptr<Standing> standing;        // never null
};

} // namespace keygate::proxy
