#include "config/read_endpoint.hpp"

#include "config/addresses.hpp"

namespace keygate::config {

std::optional<Endpoint> read_endpoint(const std::optional<View>& view, std::vector<Taken>& taken) {
    static constexpr std::string_view expected =
        "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";
    if (!view) return std::nullopt;
    const std::string* text = view->text(expected);
    if (!text) return std::nullopt;
    Judged<Endpoint> endpoint = parse_endpoint(*text);
    if (!endpoint.value) {
        view->refuse(endpoint.wrong);
        return std::nullopt;
    }
    for (const Taken& other : taken)
        if (collide(other.address, *endpoint.value)) {
            view->complain(view->seen() + " is taken by " + quoted(other.view.path()) + " (line " +
                           std::to_string(other.view.place().line) + ")");
            break;
        }
    taken.push_back({*endpoint.value, *view});
    return endpoint.value;
}

} // namespace keygate::config
