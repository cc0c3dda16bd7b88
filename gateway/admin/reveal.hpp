#pragma once

#include "admin/message.hpp"
#include "base/secret.hpp"

// How a key itself gets into an answer.
namespace keygate::admin {

/// Puts a key into an answer that is a JSON object with one member or more.
void reveal_once(Response& response, const Secret& secret);

} // namespace keygate::admin
