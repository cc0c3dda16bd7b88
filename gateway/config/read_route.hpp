#pragma once

#include "config/reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace keygate::config {

/// `whoami`, `create_key`, …: as they are written; empty for `none`.
[[nodiscard]] std::string_view to_string(Reply reply);

/// The scopes that routes may name: those of `scopes:`, or any where it is not written.
class Vocabulary {
  public:
    explicit Vocabulary(const std::optional<std::vector<std::string>>& scopes);
    /// Reports a scope that is not in it.
    void check(const View& view, const std::string& scope) const;
    /// Reports a form such as `{resource}:read` that none of them has.
    void check_form(const View& view, const std::string& before, const std::string& behind) const;

  private:
    const std::optional<std::vector<std::string>>& scopes_;
    std::unordered_set<std::string> set_;
};

/// A scope by its name (config/scope_names.hpp), and none of the words that mean something else in
/// a route (`public`, `key`) or in keys and plans (`*`, `orders:*`).
[[nodiscard]] std::optional<std::string> read_scope_name(const View& view);

/// One line of the route-to-scope map. The value says who may pass:
///
///     public                                          no key is looked at
///     {access: public, authorization: pass}           … and `Authorization` goes to the upstream
///     key                                             any valid key (also {access: key})
///     orders:read                                     a key with this scope (also {scope: …})
///     [orders:read, orders:write]                     a key with all of them (also
///                                                     {all_scopes: […]})
///     {any_scope: [orders:read, orders:write]}        a key with one of them
///
///     "{resource}:read"                               the scope that this segment of the path
///                                                     decides
///     {answer: whoami, require_scope: orders:read}    any valid key, or one with scopes; the
///                                                     gateway answers by itself
///
/// A mapping may say `auth: optional`: no key is needed, but one that is sent must be good. It may
/// also say what a request costs, `weight` and `meter`, and what bounds the route
/// beside plans, `rate` and `concurrency`, where it leads and how
/// (config/read_route_way.hpp), and what pages of other origins may do there, `cors`.
///
/// @param api  what of it is read already: its upstreams and `cors` are.
/// @returns the route, also if only its value is wrong, so that ties are found; nothing if its name
///          cannot be read.
[[nodiscard]] std::optional<Route> read_route(const View::Member& member,
                                              const Vocabulary& vocabulary, const Api& api);

} // namespace keygate::config
