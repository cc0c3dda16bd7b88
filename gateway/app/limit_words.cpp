#include "app/limit_words.hpp"

#include "admin/json.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace json = boost::json;

namespace keygate::app {

namespace {

/// Text as it stands, or the object that it is.
json::value limit_from(std::string_view word, std::string& wrong) {
    if (!word.starts_with('{')) return json::value(json::string_view{word.data(), word.size()});
    auto object = admin::parse_object(word);
    if (object) return std::move(*object);
    if (wrong.empty()) wrong = object.error().message;
    return nullptr;
}

} // namespace

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

json::value rate_from(const std::vector<std::string>& words, std::string& wrong) {
    if (words.empty()) return nullptr;
    if (words.size() == 1) return limit_from(words.front(), wrong);
    json::array list;
    for (const std::string& word : words)
        list.push_back(limit_from(word, wrong));
    return list;
}

json::value quota_from(const std::vector<std::string>& words, std::string& wrong) {
    if (words.empty()) return nullptr;
    json::object meters;
    for (const std::string_view word : words) {
        const std::size_t equal = word.find('=');
        if (equal == 0 || equal == std::string_view::npos) {
            if (wrong.empty()) wrong = "expected a meter and its limit: requests=1000/month";
            continue;
        }
        json::value limit = limit_from(word.substr(equal + 1), wrong);
        const json::string_view meter{word.data(), equal};
        json::value& known = meters[meter];
        if (known.is_null()) {
            known = std::move(limit);
            continue;
        }
        if (!known.is_array()) known = json::array{std::move(known)};
        known.as_array().push_back(std::move(limit));
    }
    return meters;
}

json::value bind_from(const std::vector<std::string>& words, std::string& wrong) {
    if (words.empty()) return nullptr;
    json::object members;
    const auto complain = [&wrong](std::string what) {
        if (wrong.empty()) wrong = std::move(what);
    };
    for (const std::string_view word : words) {
        const std::size_t equal = word.find('=');
        if (equal == 0 || equal == std::string_view::npos || equal + 1 == word.size()) {
            complain("expected a name and its value: store=267418190");
            continue;
        }
        const json::string_view name{word.data(), equal};
        if (members.contains(name))
            complain("`" + std::string{word.substr(0, equal)} + "` stands there twice");
        members[name] = json::string_view{word.data() + equal + 1, word.size() - equal - 1};
    }
    return members;
}

} // namespace keygate::app
