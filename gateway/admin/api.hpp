#pragma once

#include "admin/context.hpp"
#include "admin/message.hpp"

#include <boost/asio/awaitable.hpp>

namespace keygate::admin {

/// The operator's calls: `/admin/v1/owners…`, `/admin/v1/keys…`. Every rule about keys and owners
/// is behind `handle`, whoever calls: the HTTP server of a running gateway, or the command line on
/// the embedded file when none runs.
class Api {
  public:
    explicit Api(const Context& context)
        : context_(context) {}

    /// Answers one request; refusals are answers too. The Api lives until the awaitable completes.
    [[nodiscard]] boost::asio::awaitable<Response> handle(Request request) const;

  private:
    Context context_;
};

} // namespace keygate::admin
