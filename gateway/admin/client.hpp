#pragma once

#include "admin/message.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/settings.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace keygate::admin {

/// Where the unix socket of a gateway stands: where `admin:` says, else beside its embedded file,
/// or beside its configuration where keys are kept in Redis.
[[nodiscard]] std::string socket_of(const config::Settings& settings);

/// A blocking client of the admin API, for the command line: one connection, one call at a time.
/// Every wait ends after the deadline with a Fault (timed_out).
class Client {
  public:
    /// @errors connection_refused or no_such_file_or_directory when nobody listens there.
    [[nodiscard]] static Result<Client> connect_local(const std::string& socket_path,
                                                      std::chrono::milliseconds deadline);
    [[nodiscard]] static Result<Client> connect(const config::Endpoint& address, Secret token,
                                                std::chrono::milliseconds deadline);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// Sends one request and reads the whole answer (at most 64 MiB). After a Fault the connection
    /// is of no further use.
    /// @param target   path and query, percent-encoded.
    /// @param headers  beside those of the framing and the token; visible text.
    [[nodiscard]] Result<Response> call(const std::string& method, const std::string& target,
                                        const std::string& body,
                                        const std::vector<NameValue>& headers = {});

  private:
    struct Link;
    explicit Client(std::unique_ptr<Link> link);
    std::unique_ptr<Link> link_;
};

} // namespace keygate::admin
