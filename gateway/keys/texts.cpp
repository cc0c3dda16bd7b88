#include "keys/texts.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace json = boost::json;

namespace keygate::keys {
namespace {

json::string_view view(std::string_view text) {
    return {text.data(), text.size()};
}

std::optional<json::value> value_from(std::string_view text) {
    json::error_code error;
    json::value value = json::parse(view(text), error);
    if (error) return std::nullopt;
    return value;
}

/// The text of a value, unless it is another kind of value or empty.
std::optional<std::string> text_in(const json::value& value) {
    const auto* const text = value.if_string();
    if (text == nullptr || text->empty()) return std::nullopt;
    return std::string{text->data(), text->size()};
}

/// How many texts stand in a JSON text that is well-formed.
std::size_t strings_in(std::string_view text) {
    std::size_t quotes = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i; // and what it escapes; outside of texts there is none
        else if (text[i] == '"')
            ++quotes;
    }
    return quotes / 2;
}

} // namespace

std::string json_of(const std::vector<std::string>& texts) {
    return json::serialize(json::value_from(texts));
}

std::string json_of(const TextMap& texts) {
    return json::serialize(json::value_from(texts));
}

std::optional<std::vector<std::string>> texts_from(std::string_view text) {
    const auto value = value_from(text);
    const auto* const array = value ? value->if_array() : nullptr;
    if (array == nullptr || array->empty()) return std::nullopt;
    std::vector<std::string> texts;
    for (const json::value& element : *array) {
        auto one = text_in(element);
        if (!one) return std::nullopt;
        texts.push_back(std::move(*one));
    }
    return texts;
}

std::optional<TextMap> text_map_from(std::string_view text) {
    const auto value = value_from(text);
    const auto* const object = value ? value->if_object() : nullptr;
    if (object == nullptr || object->empty()) return std::nullopt;
    TextMap texts;
    for (const auto& member : *object) {
        auto one = text_in(member.value());
        if (!one || member.key().empty()) return std::nullopt;
        texts.emplace(std::string{member.key().data(), member.key().size()}, std::move(*one));
    }
    // Boost.JSON keeps the last of two members of one name, and says nothing.
    if (strings_in(text) != 2 * texts.size()) return std::nullopt;
    return texts;
}

} // namespace keygate::keys
