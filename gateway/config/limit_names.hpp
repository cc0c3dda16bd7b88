#pragma once

#include "config/settings.hpp"

#include <string>
#include <string_view>

// What a limit's count is called. A name is made of what the count means and of nothing else: not
// of the limit's number, its policy name, its plan or its place, so that none of these changes
// forgets what was spent.
namespace keygate::config {

/// Fills in `state`, `tag` and `policy` of a limit that is read.
///
///     w60  b60                    a window, a bucket of 60 seconds
///     q:tests:month:UTC           a quota
///     c                           requests at once
///     r:GET /v1/orders:w60        of a route, by key, owner or address
///     t:w60                       of test keys (`limits.test.rate`)
///
/// @param route  `METHOD PATH` if it is a limit of a route, else empty. @param is_test  of
///               `limits.test.rate`.
void name_state(Limit& limit, std::string_view route = {}, bool is_test = false);

} // namespace keygate::config
