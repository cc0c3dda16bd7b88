#pragma once

#include "config/judged.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// What a request says of the page that it comes from: its `Origin` and `Referer` fields, how many
/// and the first one's value.
struct Referral {
    std::size_t origins = 0;
    std::string_view origin{};
    std::size_t referers = 0;
    std::string_view referer{};
};

/// Pages that a key may be used from. Only browsers keep to what they say here: it bounds where a
/// key that is seen in a page is of use, and does not stop who has it. Immutable; any thread.
class ReferrerList {
  public:
    static constexpr std::size_t most = 256;

    /// Of
    ///
    ///     https://app.example.com          an origin (RFC 6454): scheme, host and port
    ///     https://app.example.com:8443
    ///     https://*.example.com            one or more labels, but not example.com itself
    ///     https://app.example.com/shop/*   pages below /shop/
    ///
    /// The scheme is http or https; its own port need not be written.
    [[nodiscard]] static config::Judged<ReferrerList> parse(std::span<const std::string> texts);

    [[nodiscard]] bool is_empty() const { return patterns_.empty(); }

    /// `Origin` decides if there is one, else `Referer`. A pattern with a path asks for a
    /// `Referer`, also beside an `Origin`, and both must match. What is missing, `null`, there
    /// twice, or could be read in two ways, matches nothing: user names, `\`, bytes beyond visible
    /// ASCII, a host that ends with a dot, and in paths dot segments and encoded separators.
    [[nodiscard]] bool admits(const Referral& referral) const;

    /// Is every page of the other list also one of this?
    [[nodiscard]] bool covers(const ReferrerList& other) const;

  private:
    struct Pattern {
        std::string scheme;
        std::string host; // lower case; of a wildcard `.example.com`
        std::uint16_t port = 0;
        bool is_wildcard = false;
        std::string path; // `/shop/`; empty: any page of the origin
    };

    struct Page;

    [[nodiscard]] static std::optional<Page> read_page(std::string_view url);
    [[nodiscard]] static std::optional<Pattern> parse_pattern(std::string_view text);
    [[nodiscard]] static bool is_of(const Page& page, const Pattern& pattern);
    [[nodiscard]] static bool is_covered(const Pattern& narrow, const Pattern& wide);

    std::vector<Pattern> patterns_;
};

} // namespace keygate::keys
