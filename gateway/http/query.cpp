#include "http/query.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace keygate::http {

bool QueryReader::next(QueryParameter& parameter) {
    if (rest_.empty()) return false;
    parameter.separator = rest_.front();
    rest_.remove_prefix(1);
    parameter.text = rest_.substr(0, rest_.find_first_of("&;"));
    rest_.remove_prefix(parameter.text.size());
    const std::size_t equals = parameter.text.find('=');
    parameter.name = parameter.text.substr(0, equals);
    parameter.value =
        equals == std::string_view::npos ? std::string_view{} : parameter.text.substr(equals + 1);
    return true;
}

bool is_named(const QueryParameter& parameter, std::string_view name) {
    std::string_view written = parameter.name;
    while (!written.empty()) {
        char c = written.front() == '+' ? ' ' : written.front();
        std::size_t length = 1;
        if (c == '%' && written.size() >= 3) { // two digits follow: the query was judged
            c = static_cast<char>(ascii::hex_value(written[1]) * 16 + ascii::hex_value(written[2]));
            length = 3;
        }
        if (name.empty() || c != name.front()) return false;
        written.remove_prefix(length);
        name.remove_prefix(1);
    }
    return name.empty();
}

void append_without(std::string& out, std::string_view query, std::span<const std::string> names) {
    bool is_first = true;
    QueryParameter parameter;
    for (QueryReader reader{query}; reader.next(parameter);) {
        const bool is_dropped =
            std::any_of(names.begin(), names.end(),
                        [&](const std::string& name) { return is_named(parameter, name); });
        if (is_dropped) continue;
        out += is_first ? '?' : parameter.separator;
        out += parameter.text;
        is_first = false;
    }
}

} // namespace keygate::http
