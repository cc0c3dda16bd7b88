#include "admin/message.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace keygate::admin {

Request::~Request() {
    wipe(body.data(), body.size());
    // Also where a token was written by mistake.
    for (auto* const values :
         {&authorizations, &hosts, &if_match, &if_none_match, &idempotency_keys, &content_types})
        for (std::string& value : *values)
            wipe(value.data(), value.size());
}

std::optional<std::string> Request::parameter(std::string_view name) const {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = ascii::hex_value(text[i + 1]);
        const int low = ascii::hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (ascii::is_alnum(c) || std::string_view{"-._~"}.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte / 16];
        out += digits[byte % 16];
    }
    return out;
}

bool read_target(std::string_view target, Request& request) {
    const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
    if (target.empty() || target.front() != '/') return false;
    if (!std::all_of(target.begin(), target.end(), is_visible)) return false;

    const auto mark = target.find('?');
    request.path = std::string{target.substr(0, mark)};
    request.query.clear();
    if (mark == std::string_view::npos) return true;
    auto rest = target.substr(mark + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = percent_decoded(pair.substr(0, equals));
        auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
        if (!name || !value) return false;
        request.query.emplace_back(std::move(*name), std::move(*value));
    }
    return true;
}

} // namespace keygate::admin
