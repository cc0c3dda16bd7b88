#include "admin/json.hpp"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <unordered_set>

namespace json = boost::json;

namespace keygate::admin {

namespace {

constexpr std::size_t max_depth = 16;

json::parse_options options() {
    json::parse_options strict;
    strict.max_depth = max_depth;
    return strict;
}

json::string_view view(std::string_view text) {
    return {text.data(), text.size()};
}

/// Walks through a text and stops at what a JSON value would swallow: a member that its object has
/// already, and a number that is too large to be kept.
struct Walker {
    using error_code = json::error_code;
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    bool on_object_begin(error_code&) {
        objects.emplace_back();
        return true;
    }

    bool on_object_end(std::size_t, error_code&) {
        objects.pop_back();
        return true;
    }

    bool on_key_part(json::string_view part, std::size_t, error_code&) {
        key.append(part.data(), part.size());
        return true;
    }

    bool on_key(json::string_view part, std::size_t, error_code& error) {
        key.append(part.data(), part.size());
        if (!objects.back().insert(key).second) {
            duplicate = key;
            error = boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
            return false;
        }
        key.clear();
        return true;
    }

    bool on_document_begin(error_code&) { return true; }

    bool on_document_end(error_code&) { return true; }

    bool on_array_begin(error_code&) { return true; }

    bool on_array_end(std::size_t, error_code&) { return true; }

    bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }

    bool on_string(json::string_view, std::size_t, error_code&) { return true; }

    bool on_number_part(json::string_view, error_code&) { return true; }

    bool on_int64(std::int64_t, json::string_view, error_code&) { return true; }

    bool on_uint64(std::uint64_t, json::string_view, error_code&) { return true; }

    bool on_double(double number, json::string_view, error_code& error) {
        has_endless_number = !std::isfinite(number);
        if (has_endless_number)
            error = boost::system::errc::make_error_code(boost::system::errc::result_out_of_range);
        return !has_endless_number;
    }

    bool on_bool(bool, error_code&) { return true; }

    bool on_null(error_code&) { return true; }

    bool on_comment_part(json::string_view, error_code&) { return true; }

    bool on_comment(json::string_view, error_code&) { return true; }

    std::vector<std::unordered_set<std::string>> objects;
    std::string key;
    std::optional<std::string> duplicate;
    bool has_endless_number = false;
};

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

} // namespace

std::string shown_name(std::string_view name) {
    constexpr std::size_t longest = 64;
    std::string out{name.substr(0, longest)};
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    // A cut in the middle of a letter would not be UTF-8.
    while (name.size() > longest && !out.empty() && (out.back() & 0x80) != 0)
        out.pop_back();
    return out;
}

Checked<json::object> parse_object(std::string_view text) {
    json::error_code error;
    json::value value = json::parse(view(text), error, {}, options());
    if (error) return bad_request("json_invalid", "the body is not JSON: " + error.message());
    json::basic_parser<Walker> parser(options());
    parser.write_some(false, text.data(), text.size(), error);
    const Walker& walker = parser.handler();
    if (walker.duplicate)
        return bad_request("member_duplicate",
                           "`" + shown_name(*walker.duplicate) + "`: written twice");
    if (walker.has_endless_number)
        return Problem{422, "UNPROCESSABLE", "json_invalid",
                       "the body has a number that is too large to be kept"};
    if (!value.is_object())
        return Problem{422, "UNPROCESSABLE", "json_invalid", "the body must be a JSON object"};
    return std::move(value.get_object());
}

Members::Members(const json::object& object, std::string prefix,
                 std::initializer_list<std::string_view> allowed,
                 std::initializer_list<std::string_view> not_built)
    : object_(object)
    , prefix_(std::move(prefix)) {
    for (const auto& member : object) {
        const std::string_view name{member.key().data(), member.key().size()};
        if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
        if (std::find(not_built.begin(), not_built.end(), name) != not_built.end())
            wrong(name, "not available yet", "member_unavailable");
        const std::vector<std::string> known(allowed.begin(), allowed.end());
        wrong(shown_name(name), "unknown member; " + known_names(name, known), "member_unknown");
    }
}

const json::value* Members::value(std::string_view name) const {
    const json::value* found = object_.if_contains(view(name));
    return found != nullptr && !found->is_null() ? found : nullptr;
}

bool Members::has(std::string_view name) const {
    return value(name) != nullptr;
}

bool Members::mentions(std::string_view name) const {
    return object_.if_contains(view(name)) != nullptr;
}

std::optional<std::string> Members::text(std::string_view name) {
    const json::value* const value = this->value(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) {
        wrong(name, "must be text");
        return std::nullopt;
    }
    const auto& text = value->get_string();
    return std::string{text.data(), text.size()};
}

std::string Members::required_text(std::string_view name) {
    auto found = text(name);
    if (!found) wrong(name, "missing", "member_missing");
    return std::move(found).value_or("");
}

bool Members::flag(std::string_view name) {
    const json::value* const value = this->value(name);
    if (value == nullptr) return false;
    if (!value->is_bool()) wrong(name, "must be true or false");
    return value->is_bool() && value->get_bool();
}

std::optional<std::vector<std::string>> Members::texts(std::string_view name) {
    const json::value* const value = this->value(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_array()) {
        wrong(name, "must be a list of texts");
        return std::nullopt;
    }
    std::vector<std::string> list;
    std::set<std::string_view> seen;
    for (const auto& element : value->get_array()) {
        if (!element.is_string()) {
            wrong(name, "must be a list of texts");
            return std::nullopt;
        }
        const auto& text = element.get_string();
        if (!seen.insert({text.data(), text.size()}).second) {
            wrong(name, "`" + shown_name({text.data(), text.size()}) + "` stands there twice");
            return std::nullopt;
        }
        list.emplace_back(text.data(), text.size());
    }
    return list;
}

const json::object* Members::object(std::string_view name) {
    const json::value* const value = this->value(name);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) wrong(name, "must be an object");
    return value->if_object();
}

std::optional<std::int64_t> Members::number(std::string_view name, std::int64_t min,
                                            std::int64_t max) {
    const json::value* const value = this->value(name);
    if (value == nullptr) return std::nullopt;
    const std::int64_t* const number = value->if_int64();
    if (number != nullptr && *number >= min && *number <= max) return *number;
    wrong(name,
          "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
}

void Members::wrong(std::string_view name, std::string_view message, std::string reason) {
    if (!problem_)
        problem_ = unprocessable(prefix_ + std::string{name}, message, std::move(reason));
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) {
        if (!out.empty()) out += ", ";
        out += name;
    }
    return out;
}

std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& known) {
    constexpr std::size_t longest = 64; // the comparison costs the product of both lengths
    if (name.size() > longest) return std::nullopt;
    std::optional<std::string> best;
    std::size_t best_distance = 3;
    for (const auto& candidate : known) {
        const std::size_t d = distance(name, candidate);
        if (d < best_distance && d < candidate.size()) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

std::string known_names(std::string_view seen, const std::vector<std::string>& known) {
    if (known.empty()) return "there are none";
    std::string text = "one of: " + joined(known);
    if (const auto near = nearest(seen, known)) text += "; did you mean `" + *near + "`?";
    return text;
}

} // namespace keygate::admin
