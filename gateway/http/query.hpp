#pragma once

#include <span>
#include <string>
#include <string_view>

namespace keygate::http {

/// One parameter of a query, as it stands there.
struct QueryParameter {
    char separator = '?'; // before it
    std::string_view text;
    std::string_view name;
    std::string_view value; // empty also where there is no `=`
};

/// Takes a query apart: parameters are separated by `&`, or by `;` as some servers do it.
class QueryReader {
  public:
    /// @param query  `?` and all after it, judged by http/target.hpp; or empty.
    explicit QueryReader(std::string_view query)
        : rest_(query) {}

    /// False at the end.
    [[nodiscard]] bool next(QueryParameter& parameter);

  private:
    std::string_view rest_; // from the separator on
};

/// Is this what servers read in a parameter's name? Escapes and `+` are decoded.
[[nodiscard]] bool is_named(const QueryParameter& parameter, std::string_view name);

/// Appends a query without the parameters of these names; nothing if nothing is left.
void append_without(std::string& out, std::string_view query, std::span<const std::string> names);

} // namespace keygate::http
