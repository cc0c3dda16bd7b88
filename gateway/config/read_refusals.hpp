#pragma once

#include "config/reader.hpp"

#include <array>
#include <optional>
#include <vector>

namespace keygate::config {

inline constexpr std::array<Word<Body::Kind>, 4> body_words{{{"code", Body::Kind::code},
                                                             {"envelope", Body::Kind::envelope},
                                                             {"problem", Body::Kind::problem},
                                                             {"plain", Body::Kind::plain}}};

/// Where a file says how refusals read, for mistakes that need more than one of them to be seen.
struct AnswerPlaces {
    std::array<std::optional<View>, reason_count> answers;
    std::optional<View> body;
    std::optional<View> show_reason;
    std::optional<View> refusals;
};

/// `body: code`, `envelope`, `problem`, `plain`, or `{type: application/json, template: …}`.
void read_body(const std::optional<View>& view, Body& body);

/// `refusals:` of a profile that extends no other: an answer to every reason.
void read_all_answers(const View& view, Profile& profile, AnswerPlaces& places);

/// `refusals:` elsewhere: single answers, or single members of them, in place of the profile's.
/// @returns  what is changed, in the order of the text; it is applied to `profile` already.
std::vector<AnswerChange> read_changes(const View& view, Profile& profile, AnswerPlaces& places);

/// Reports, where a profile hides its reasons, what would show them all the same: `{reason}`, and
/// answers that tell apart whether a key exists.
/// @param otherwise  where it is told if nothing of it stands in this file.
void check_hidden(const Profile& profile, const AnswerPlaces& places, const View& otherwise);

} // namespace keygate::config
