#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Keys of an existing product, as a file: CSV with a header line, or JSON lines.
namespace keygate::app {

/// One key to bring in, as the body that the admin API takes.
struct ImportRow {
    std::size_t line = 0; // where it begins, from 1
    std::string body;     // a JSON object
};

/// Something that cannot be read.
struct ImportMistake {
    std::size_t line = 0;
    std::string message;
};

struct ImportFile {
    std::vector<ImportRow> rows;
    std::vector<ImportMistake> mistakes; // in the order of lines
};

/// Reads a whole file. It is JSON lines if its first byte is `{`, else CSV (RFC 4180; `,`; a UTF-8
/// mark at the start is skipped). Columns, in any order: digest (needed), id, owner, name, plan,
/// scopes, mode, status, prefix, hint, created_at, expires_at, rate, quota, addresses, referrers,
/// endpoints, bind. An empty cell is an absent member. `scopes` are separated by spaces: empty
/// means the profile's default, `-` means none at all. So are rates (`100/1m 5/1s`), quotas
/// (`requests=1000/month tests=50/day`), addresses, referrers and bind (`store=7 region=eu`), and
/// endpoints by `;` (`GET /v1/a; POST /v1/b`), unless the cell is JSON. JSON lines have the same
/// names, and values as the admin API takes them.
///
/// What the values mean is judged by the admin API; here only that they can be read, and that no
/// digest and no id stands in the file twice.
/// @param api  the API that all keys are for.
[[nodiscard]] ImportFile read_import(std::string_view text, const std::string& api);

} // namespace keygate::app
