#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"
#include "base/secret.hpp"
#include "keys/live_keys.hpp"
#include "keys/store.hpp"

#include <boost/json/fwd.hpp>

#include <optional>
#include <string>

#include "answer/call.hpp"

// What reply templates are filled with (`answers:` of a profile): objects in objects, by the names
// of the variables.
namespace keygate::admin {

/// `key.*`, as the operator's answers have it, with `livemode`.
[[nodiscard]] boost::json::object values_of_key(const keys::KeyRow& row, const Context& context);

/// `key.*`, `owner.*`, `plan.*`, `meters.*`, `gauges.*`, `requests.*`. The store's thread.
[[nodiscard]] Checked<boost::json::object>
values_of_caller(const keys::KeyRow& row, const config::Api& api, const Context& context,
                 keys::KeyStore& store, const keys::LiveKeys& live);

/// @param secret  what `{key.secret}` is; null: nothing.
[[nodiscard]] answer::Reply rendered(const config::ReplyShape& shape,
                                     const boost::json::object& values,
                                     const std::string& request_id, const Secret* secret = nullptr);

/// @param rows  each as values_of_key has it.
[[nodiscard]] answer::Reply rendered_list(const config::ReplyShape& shape,
                                          const boost::json::array& rows,
                                          const std::optional<std::string>& next,
                                          const std::string& request_id);

} // namespace keygate::admin
