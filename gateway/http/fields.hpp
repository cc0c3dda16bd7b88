#pragma once

#include "http/head.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace keygate::http {

/// Names that a client must not get past us, compared as CGI-like upstreams would read them: any
/// case, every byte that is no letter or digit taken for `-`. So `X_Key_Id` and `x.key.id` are
/// `X-Key-Id`.
///
/// Reserved are: our identity headers; what speaks for the client's address or asks the upstream to
/// see another request than the one that was judged (`X-Original-URL`, `X-HTTP-Method-Override`,
/// …); credentials; and every misspelt double of a field that frames the message.
class ReservedNames {
  public:
    /// @param identity_prefix  `X-Key-` @param credentials  fields that keys are sent in.
    explicit ReservedNames(std::string_view identity_prefix,
                           std::span<const std::string> credentials = {});

    [[nodiscard]] bool contains(std::string_view name) const;

    /// The same at once for names that Beast knows: they have one spelling.
    [[nodiscard]] bool contains(const Field& field) const {
        if (field.id == FieldName::unknown) return contains(field.name);
        return known_[static_cast<std::size_t>(field.id)];
    }

  private:
    std::bitset<512> known_; // by FieldName
    std::unordered_multimap<std::uint64_t, std::string>
        names_;                 // by a hash of what they are read as
    std::uint64_t lengths_ = 0; // bit n: some name has n letters; most fields end here
};

/// Of the first field of that name; empty without one.
[[nodiscard]] std::string_view value_of(const Head& head, std::string_view name);

/// Are these two spellings of one name for servers that take every byte but letters and digits for
/// `-`?
[[nodiscard]] bool is_read_as(std::string_view sent, std::string_view name);

/// The last words of the identity headers, in the order in which they are sent.
inline constexpr std::array<std::string_view, 6> identity_words{"Id",     "Owner", "Plan",
                                                                "Scopes", "Mode",  "Name"};

/// RFC 9110 7.6.1: fields that are for one connection only and never passed on, whether or not
/// `Connection` names them.
[[nodiscard]] bool is_hop_by_hop(const Field& field);

/// Is this field named by an option of the head's own `Connection` fields? Call only if
/// `has_connection_options`.
[[nodiscard]] bool is_connection_option(const Head& head, std::string_view name);

} // namespace keygate::http
