#pragma once

#include "base/reason.hpp"

#include <chrono>
#include <string_view>

namespace keygate {

/// The client is told no. A normal answer: it carries a reason, never prose; the profile of the API
/// chooses status, code, message and body (http/refusal_pages.hpp).
struct Refusal {
    Reason reason{};
    /// Sent as `Retry-After` when positive (RFC 9110 10.2.3: whole seconds, rounded up).
    std::chrono::seconds retry_after{0};
    /// What a header of the answer needs: the `Allow` list of `route_method`, the scopes that
    /// `scope_missing` asks for. A view into the configuration snapshot of the request.
    std::string_view detail{};
};

} // namespace keygate
