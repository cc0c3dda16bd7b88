#pragma once

#include "base/reason.hpp"

#include <string>
#include <string_view>

namespace keygate::http {

/// The `Proxy-Status` line (RFC 9209) of an answer that is ours: `Proxy-Status: keygate;
/// error=http_response_timeout`.
/// @param via            our name, as in `Via`: a token.
/// @param names_reasons  the client may know by which reason its request is denied.
[[nodiscard]] std::string proxy_status_line(std::string_view via, Reason reason,
                                            bool names_reasons);

} // namespace keygate::http
