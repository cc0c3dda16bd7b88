#pragma once

#include "base/result.hpp"
#include "http/head.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace keygate::http {

/// What a request asks for, in the one form that is matched and, byte for byte, sent upstream: the
/// origin-form `path` + `query`.
struct Target {
    std::string_view path;  // canonical, begins with `/`
    std::string_view query; // `?` and all after it, as sent; empty if there is none
};

/// What stands between `http://` or `https://` and the path of an absolute-form (RFC 9112 3.2.2);
/// empty for every other form. Not judged.
[[nodiscard]] std::string_view authority_of(std::string_view target);

/// target_*, route_method: judges the request target of a head, and repairs nothing but spellings
/// that RFC 3986 6.2.2 calls equivalent (`%41` is `A`, `%c3` is `%C3`). Judging a result again
/// gives the same.
///
/// Taken are the origin-form, and the absolute-form with http or https whose authority is the
/// head's Host. CONNECT, TRACE and `OPTIONS *` are route_method whatever the target is; that
/// Refusal has no `Allow` list, as no route was looked for.
/// @param max_length  bytes of a target as sent; more is target_too_long.
/// @param scratch     where a path with escapes is rewritten. Give the same one each time: it
/// allocates
///                    only while it grows.
/// @lifetime          the views point into the head's bytes or into `scratch`.
[[nodiscard]] Decision<Target> judge_target(const RequestHead& head, std::size_t max_length,
                                            std::string& scratch);

} // namespace keygate::http
