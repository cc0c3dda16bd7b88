#include "keys/endpoint_list.hpp"

#include "config/pattern.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace keygate::keys {
EndpointList::Endpoint EndpointList::endpoint(std::vector<std::string> methods,
                                              std::string_view pattern) {
    Endpoint made;
    made.methods = std::move(methods);
    made.is_open = pattern.ends_with("/**");
    if (made.is_open) pattern.remove_suffix(3);
    made.has_slash = pattern.ends_with('/');
    if (made.has_slash) pattern.remove_suffix(1);
    while (!pattern.empty()) {
        pattern.remove_prefix(1); // its slash
        const std::string_view segment = pattern.substr(0, pattern.find('/'));
        made.segments.emplace_back(segment.starts_with('{') ? std::string_view{} : segment);
        pattern.remove_prefix(segment.size());
    }
    return made;
}

config::Judged<EndpointList> EndpointList::parse(std::span<const std::string> texts) {
    using Parsed = config::Judged<EndpointList>;
    if (texts.size() > most)
        return Parsed::bad("expected at most " + std::to_string(most) + " endpoints");
    EndpointList list;
    for (const std::string& text : texts) {
        auto line = config::parse_methods_and_path(config::collapsed(text));
        if (!line.value)
            return Parsed::bad("expected endpoints such as GET /v1/orders/**; found " +
                               config::quoted(text) + ": " + line.wrong);
        list.endpoints_.push_back(endpoint(std::move(line.value->methods), line.value->pattern));
    }
    return Parsed::good(std::move(list));
}

bool EndpointList::takes_method(const Endpoint& endpoint, std::string_view method) {
    const std::vector<std::string>& methods = endpoint.methods;
    const auto has = [&](std::string_view one) {
        return std::find(methods.begin(), methods.end(), one) != methods.end();
    };
    return methods.empty() || has(method) || (method == "HEAD" && has("GET"));
}

bool EndpointList::takes_path(const Endpoint& endpoint, std::string_view path,
                              config::TrailingSlash slash) {
    for (const std::string& literal : endpoint.segments) {
        if (!path.starts_with('/')) return false;
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment.empty() || (!literal.empty() && segment != literal)) return false;
        path.remove_prefix(segment.size());
    }
    // Nothing is left, or it begins at a segment's border.
    if (endpoint.is_open) return true;
    if (path.empty()) return !endpoint.has_slash || slash == config::TrailingSlash::ignore;
    if (path != "/") return false;
    return endpoint.has_slash ||
           (slash == config::TrailingSlash::ignore && !endpoint.segments.empty());
}

bool EndpointList::admits(std::string_view method, std::string_view path,
                          config::TrailingSlash slash) const {
    return std::any_of(endpoints_.begin(), endpoints_.end(), [&](const Endpoint& endpoint) {
        return takes_method(endpoint, method) && takes_path(endpoint, path, slash);
    });
}

bool EndpointList::is_covered(const Endpoint& narrow, const Endpoint& wide) {
    if (narrow.methods.empty() && !wide.methods.empty()) return false;
    const bool has_methods =
        std::all_of(narrow.methods.begin(), narrow.methods.end(),
                    [&](const std::string& method) { return takes_method(wide, method); });
    if (!has_methods || narrow.segments.size() < wide.segments.size()) return false;
    const bool is_below =
        std::equal(wide.segments.begin(), wide.segments.end(), narrow.segments.begin(),
                   [](const std::string& a, const std::string& b) { return a.empty() || a == b; });
    if (!is_below || wide.is_open) return is_below;
    return !narrow.is_open && narrow.segments.size() == wide.segments.size() &&
           narrow.has_slash == wide.has_slash;
}

bool EndpointList::covers(const EndpointList& other) const {
    return std::all_of(
        other.endpoints_.begin(), other.endpoints_.end(), [this](const Endpoint& narrow) {
            return std::any_of(endpoints_.begin(), endpoints_.end(),
                               [&](const Endpoint& wide) { return is_covered(narrow, wide); });
        });
}

} // namespace keygate::keys
