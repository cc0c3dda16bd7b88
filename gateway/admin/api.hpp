#pragma once

#include "admin/context.hpp"
#include "admin/message.hpp"

#include <boost/asio/awaitable.hpp>

#include <span>
#include <string_view>

namespace keygate::admin {

/// One call of the API, for the description of it and its tests.
struct CallName {
    std::string_view method; // GET also takes HEAD
    std::string_view path;   // `/admin/v1/keys/{id}:revoke`
    Role role;               // the lowest that may
};

/// The operator's calls: `/admin/v1/owners…`, `/admin/v1/keys…`. Every rule about keys and owners
/// is behind `handle`, whoever calls: the HTTP server of a running gateway, or the command line on
/// the embedded file when none runs.
class Api {
  public:
    explicit Api(const Context& context)
        : context_(context) {}

    /// Answers one request; refusals are answers too. The Api lives until the awaitable completes.
    [[nodiscard]] boost::asio::awaitable<Response> handle(Request request) const;

    /// All that there are.
    [[nodiscard]] static std::vector<CallName> calls();

  private:
    Context context_;
};

} // namespace keygate::admin
