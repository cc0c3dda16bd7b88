#pragma once

#include "admin/context.hpp"
#include "admin/message.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace keygate::admin {

/// One call of the API, for the description of it and its tests.
struct CallName {
    std::string_view method; // GET also takes HEAD
    std::string_view path;   // `/admin/v1/keys/{id}:revoke`
    Role role;               // the lowest that may
};

/// The operator's calls: `/admin/v1/owners…`, `/admin/v1/keys…`, `/admin/v1/config:reload`. Every
/// rule about keys and owners is behind `handle`, whoever calls: the HTTP server of a running
/// gateway, or the command line on the embedded file when none runs.
class Api {
  public:
    /// Gives the context of the configuration as it is now; a request keeps the one that it began
    /// in.
    using Contexts = std::function<std::shared_ptr<const Context>()>;

    explicit Api(Contexts contexts)
        : contexts_(std::move(contexts)) {}

    /// For a configuration that never changes.
    explicit Api(const Context& context)
        : contexts_([only = std::make_shared<const Context>(context)] { return only; }) {}

    /// Answers one request; refusals are answers too. The Api lives until the awaitable completes.
    [[nodiscard]] boost::asio::awaitable<Response> handle(Request request) const;

    /// All that there are.
    [[nodiscard]] static std::vector<CallName> calls();

  private:
    Contexts contexts_;
};

} // namespace keygate::admin
