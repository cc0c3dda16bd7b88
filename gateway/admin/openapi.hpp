#pragma once

#include <string_view>

namespace keygate::admin {

/// gateway/admin/openapi.json, as it was when the program was built.
[[nodiscard]] std::string_view openapi_document();

} // namespace keygate::admin
