#pragma once

#include "admin/message.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"

#include <memory>
#include <string>
#include <vector>

namespace keygate::app {

/// How the command line reaches the admin API. The rules are behind it either way.
class AdminLink {
  public:
    virtual ~AdminLink() = default;
    /// @param target   path and query, percent-encoded.
    /// @param headers  If-Match, If-None-Match, Idempotency-Key.
    [[nodiscard]] virtual Result<admin::Response>
    call(const std::string& method, const std::string& target, const std::string& body,
         const std::vector<admin::NameValue>& headers = {}) = 0;
};

/// The gateway that runs on these settings, through its unix socket; where none runs, the embedded
/// file itself, opened (and made when absent) for the life of the link; where the file is in use
/// and the socket is gone, the admin address. `settings` must outlive the link.
[[nodiscard]] Result<std::unique_ptr<AdminLink>> open_admin_link(const config::Settings& settings);

/// The unix socket alone: null where no gateway answers.
[[nodiscard]] Result<std::unique_ptr<AdminLink>>
open_running_admin_link(const config::Settings& settings);

} // namespace keygate::app
