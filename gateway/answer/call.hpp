#pragma once

#include "base/reason.hpp"
#include "base/wiping.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <string>
#include <variant>

// What the gateway answers by itself (`answer:` in a route), as plain values: the request's side
// asks (gate/exchange_reply.cpp), the operator's side knows keys and owners and tells
// (admin/own_keys.hpp).
namespace keygate::answer {

/// A request that was permitted and charged like any other, read to its end.
struct Call {
    config::Reply kind = config::Reply::none;
    std::string api; // name in the configuration
    std::string owner;
    std::string caller;          // id of the key that asks
    std::string route;           // for the log
    std::string id;              // of the key that the path names, as it was sent; else empty
    std::string query;           // as it was sent, without `?`
    std::string idempotency_key; // the field's value; empty: none
    std::string request_id;
    std::string body;
};

/// Longest body that is taken, bytes.
inline constexpr std::size_t longest_body = std::size_t{64} * 1024;

/// It was done, or told.
struct Reply {
    std::uint16_t status = 200;
    WipingString body; // JSON; may hold a new key
};

/// The caller is told what is wrong with it, in the form of the API's refusals.
struct Wrong {
    std::uint16_t status = 422;
    std::string code;    // `UNPROCESSABLE`
    std::string reason;  // `member_invalid`
    std::string message; // begins with the member's name where there is one
};

/// One of them; a reason is refused as everywhere.
using Told = std::variant<Reply, Wrong, Reason>;

} // namespace keygate::answer
