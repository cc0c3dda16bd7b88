#pragma once

#include <optional>
#include <string>
#include <utility>

namespace keygate::config {

/// A value, or a sentence that says what is wrong with the text.
template <class T> struct Judged {
    std::optional<T> value;
    std::string wrong;

    [[nodiscard]] static Judged good(T made) { return {std::move(made), {}}; }

    [[nodiscard]] static Judged bad(std::string why) { return {std::nullopt, std::move(why)}; }
};

} // namespace keygate::config
