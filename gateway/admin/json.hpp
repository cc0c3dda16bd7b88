#pragma once

#include "admin/errors.hpp"

#include <boost/json/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Bodies are read strictly: what is not understood is refused, so that nothing is accepted and then
// ignored.
namespace keygate::admin {

/// Parses one JSON object. 400 for bad syntax, trailing text, more than 16 levels, and a member
/// written twice (Boost.JSON by itself keeps the last one silently); 422 for another kind of value.
[[nodiscard]] Checked<boost::json::object> parse_object(std::string_view text);

/// Reads the members of one object. The first thing wrong is kept and given out by `problem()`;
/// what is read after it may be empty. `null` counts as absent. References must outlive the reader.
class Members {
  public:
    /// @param prefix     put before names in messages: `keys[3].`
    /// @param allowed    every other member is refused with the list, and the nearest name.
    /// @param not_built  known names whose behaviour does not exist yet: refused as such.
    Members(const boost::json::object& object, std::string prefix,
            std::initializer_list<std::string_view> allowed,
            std::initializer_list<std::string_view> not_built = {});

    [[nodiscard]] bool has(std::string_view name) const;
    /// It is there, be it as null.
    [[nodiscard]] bool mentions(std::string_view name) const;
    /// Text, or nothing if absent.
    [[nodiscard]] std::optional<std::string> text(std::string_view name);
    /// Text; its absence is a problem.
    [[nodiscard]] std::string required_text(std::string_view name);
    [[nodiscard]] bool flag(std::string_view name);
    /// A list of texts, none twice.
    [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view name);
    [[nodiscard]] const boost::json::object* object(std::string_view name);
    /// Whatever it is, or null if absent.
    [[nodiscard]] const boost::json::value* value(std::string_view name) const;
    /// A whole number within bounds, or nothing if absent.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name, std::int64_t min,
                                                     std::int64_t max);

    /// Keeps a problem of that member, unless there is one already.
    void wrong(std::string_view name, std::string_view message,
               std::string reason = "member_invalid");

    [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }

  private:
    const boost::json::object& object_;
    std::string prefix_;
    std::optional<Problem> problem_;
};

/// A name from outside, fit for a message: cut, and without control characters.
[[nodiscard]] std::string shown_name(std::string_view name);

/// `a, b, c`
[[nodiscard]] std::string joined(const std::vector<std::string>& names);

/// The known name that is at most two letters away.
[[nodiscard]] std::optional<std::string> nearest(std::string_view name,
                                                 const std::vector<std::string>& known);

/// `one of: a, b; did you mean …?`, or that there are none.
[[nodiscard]] std::string known_names(std::string_view seen, const std::vector<std::string>& known);

} // namespace keygate::admin
