#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"
#include "config/tree.hpp"

#include <cstdint>
#include <optional>

namespace keygate::config {

/// What a profile stands on.
enum class Basis : std::uint8_t {
    nothing, // it says everything itself
    profile, // `extends`: what it does not say is what another says
    unsound  // the same, but the other has mistakes
};

/// A profile from the tree of its file.
/// @param profile  what it extends, if that is so; what stands in the file replaces what is there:
///                 blocks as a whole, `refusals` by reason and member, `answers` by name.
void read_profile(const Node& root, Basis basis, Profile& profile, Report& report);

/// `refusals` of one API, under the rules of a profile: single answers, or single members of them,
/// in place of its profile's.
void read_refusals(const std::optional<View>& view, Api& api);

} // namespace keygate::config
