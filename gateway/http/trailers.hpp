#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keygate::http {

/// The trailer fields (RFC 9110 6.5) of one API that are passed on, in both directions; every other
/// one is dropped. The configuration refuses names whose meaning a trailer must not have (RFC 9110
/// 6.5.1), so that nothing here speaks of framing, routing, credentials or who calls.
class TrailerNames {
  public:
    TrailerNames() = default;

    explicit TrailerNames(std::vector<std::string> names)
        : names_(std::move(names)) {}

    [[nodiscard]] bool empty() const { return names_.empty(); }

    /// In any case.
    [[nodiscard]] bool contains(std::string_view name) const;

    /// The members of a `Trailer` field that will be passed on, as a list of its own.
    [[nodiscard]] std::string announced(std::string_view value) const;

  private:
    std::vector<std::string> names_; // few
};

} // namespace keygate::http
