#pragma once

#include "admin/message.hpp"
#include "admin/reload_api.hpp"
#include "app/gateway.hpp"
#include "base/clock.hpp"
#include "keys/record.hpp"
#include "support/socket.hpp"
#include "support/temp_folder.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keygate::support {

/// A record for a key's text, as if it had been imported.
[[nodiscard]] keys::KeyRecord record_of(std::string_view key, std::string id, std::string api,
                                        std::string owner);

/// A whole gateway in this process, on free ports, with a store of its own. Its access log goes to
/// a file.
class RunningGateway {
  public:
    struct Start {
        /// YAML of `apis:` and further top-level blocks; version, one listener on port 0, threads,
        /// store and log are put before it.
        std::string configuration;
        std::vector<keys::OwnerRecord> owners{};
        std::vector<keys::KeyRecord> keys{};
        const Clock* clock = nullptr; // the system's
        unsigned threads = 1;
        std::vector<std::pair<std::string, std::string>>
            files{}; // name and text, beside the configuration
        /// Another store than the file, as YAML: then it is not filled with owners and keys.
        std::string store{};
        /// What the listener says beside its address, as YAML: `tls: {…}`.
        std::string listener{};
    };

    /// Throws with the mistakes or the fault when the gateway does not start.
    explicit RunningGateway(Start start);
    ~RunningGateway();

    [[nodiscard]] std::uint16_t port() const { return gateway_->ports().front(); }

    [[nodiscard]] app::Gateway& gateway() { return *gateway_; }

    [[nodiscard]] Socket connect() const { return Socket::connect(port()); }

    /// Sends on a new connection and reads one answer.
    [[nodiscard]] std::string exchange(std::string_view request,
                                       Socket::Pieces pieces = Socket::Pieces::whole) const;
    /// Ends the gateway and starts it again, on another port and the same store.
    void restart();

    /// Another text for the listener, as in Start; counts when the configuration is written again.
    void set_listener(std::string text) { listener_ = std::move(text); }

    /// Writes another configuration, as in Start, and has the gateway read it.
    admin::ReloadOutcome reload(const std::string& configuration);
    void write_configuration(const std::string& configuration) const;
    /// One call of the admin API through the unix socket: status and body.
    [[nodiscard]] admin::Response admin(const std::string& method, const std::string& target,
                                        const std::string& body = {}) const;
    /// Ends the gateway and returns all lines of its access log.
    [[nodiscard]] std::string end_and_read_log();

    [[nodiscard]] const TempFolder& folder() const { return folder_; }

    [[nodiscard]] std::string store_file() const { return folder_.file("keygate.db"); }

  private:
    void start();

    unsigned threads_;
    std::string store_;
    std::string listener_;
    TempFolder folder_;
    SystemClock system_clock_;
    const Clock& clock_;
    std::unique_ptr<app::Gateway> gateway_;
};

} // namespace keygate::support
