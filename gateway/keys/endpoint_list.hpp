#pragma once

#include "config/judged.hpp"
#include "config/settings.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// Methods and paths that a key or a plan is for, as in the left side of the route-to-scope map:
/// `GET|POST /v1/orders/{id}`, `ANY /v1/tests/**`. Immutable; any thread.
class EndpointList {
  public:
    static constexpr std::size_t most = 256;

    [[nodiscard]] static config::Judged<EndpointList> parse(std::span<const std::string> texts);

    [[nodiscard]] bool is_empty() const { return endpoints_.empty(); }

    /// HEAD follows GET, as in the map.
    /// @param path  canonical, without query (http/target.hpp). A literal takes only its own
    ///              spelling: neither `orders;x=1` nor an escape is it.
    [[nodiscard]] bool admits(std::string_view method, std::string_view path,
                              config::TrailingSlash slash) const;

    /// Is everything that the other list takes also taken by one line of this?
    [[nodiscard]] bool covers(const EndpointList& other) const;

  private:
    struct Endpoint {
        std::vector<std::string> methods; // empty: ANY
        /// Literals, empty for `{name}`: of `/a/{b}/` they are `a`, a name, and a slash at the end.
        std::vector<std::string> segments;
        bool has_slash = false; // ends with one
        bool is_open = false;   // ends with `/**`
    };

    [[nodiscard]] static Endpoint endpoint(std::vector<std::string> methods,
                                           std::string_view pattern);
    [[nodiscard]] static bool takes_method(const Endpoint& endpoint, std::string_view method);
    [[nodiscard]] static bool takes_path(const Endpoint& endpoint, std::string_view path,
                                         config::TrailingSlash slash);
    [[nodiscard]] static bool is_covered(const Endpoint& narrow, const Endpoint& wide);

    std::vector<Endpoint> endpoints_;
};

} // namespace keygate::keys
