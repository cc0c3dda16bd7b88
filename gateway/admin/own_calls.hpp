#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string_view>

#include "answer/call.hpp"

// Each of the calls of admin/own_keys.hpp, judged by one configuration.
namespace keygate::admin {

/// `code` of a problem that is no answer: the caller is not what it was when it was let in, and is
/// refused as everywhere, by the reason that `reason` names.
inline constexpr std::string_view caller_ended = "CALLER_ENDED";

/// @param api  of the call, in the catalog of the context, which outlives the awaitable.
[[nodiscard]] boost::asio::awaitable<Checked<answer::Reply>>
carry_own_call(const Context& context, std::uint16_t api, answer::Call call);

} // namespace keygate::admin
