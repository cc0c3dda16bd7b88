#pragma once

#include "config/judged.hpp"
#include "config/reader.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

// Texts with variables, as profiles have them in refusals and answers: read and checked when the
// configuration is loaded, filled in by http/template.hpp.
//
//     {request_id}                  a variable: its name, dots included, between braces
//     {{ and }}                     braces
namespace keygate::config {

class Printer;

/// A run of letters as they are, or the name of a variable.
struct TextPiece {
    std::string text;
    bool is_variable = false;

    bool operator==(const TextPiece&) const = default;
};

/// A text taken apart: runs are not empty, and no two stand side by side.
[[nodiscard]] Judged<std::vector<TextPiece>> pieces_of(std::string_view text);

/// The variables that a text can have. `meters.*.used` is a family: some name stands for the `*`.
using Variables = std::span<const std::string_view>;

/// Reports what is no text with variables, and each variable that is not one of those.
void check_text(const View& view, Variables allowed);

/// Any YAML value as a template. What is written plainly and reads as `true`, `false`, `null` or a
/// number of JSON is one; all else, and all that comes from the environment, is text.
[[nodiscard]] Template read_template(const View& view, Variables allowed);

/// Is it a text that is nothing but this variable?
[[nodiscard]] bool is_variable(const Template& shape, std::string_view name);

/// As YAML on one line that reads the same again.
/// @param path  where it was written: values from the environment are masked.
[[nodiscard]] std::string template_yaml(const Printer& out, const Template& shape,
                                        const std::string& path);

} // namespace keygate::config
