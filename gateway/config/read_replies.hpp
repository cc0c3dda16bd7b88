#pragma once

#include "config/reader.hpp"

#include <array>
#include <optional>

namespace keygate::config {

/// As routes (`answer: whoami`) and profiles (`answers: {whoami: …}`) write them.
inline constexpr std::array<Word<Reply>, 8> reply_words{{{"whoami", Reply::whoami},
                                                         {"create_key", Reply::create_key},
                                                         {"list_keys", Reply::list_keys},
                                                         {"show_key", Reply::show_key},
                                                         {"update_key", Reply::update_key},
                                                         {"revoke_key", Reply::revoke_key},
                                                         {"delete_key", Reply::delete_key},
                                                         {"rotate_key", Reply::rotate_key}}};

enum class EachReply : std::uint8_t { needed, optional };

/// `answers:` of a profile: those that are there replace those of `profile`, each as a whole.
///
///     whoami: {status: 200, body: {key_id: "{key.id}", …}}
///     delete_key: {status: 204}                                   without a body
///     list_keys: {body: {data: "{keys}"}, key: {id: "{key.id}"}}  `key` is each of `{keys}`
void read_replies(const View& view, EachReply each, Profile& profile);

} // namespace keygate::config
