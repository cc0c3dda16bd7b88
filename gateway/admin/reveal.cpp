#include "admin/reveal.hpp"

#include <boost/json.hpp>

namespace json = boost::json;

namespace keygate::admin {

// By hand: a JSON value would leave a copy in memory that nobody overwrites.
void reveal_once(Response& response, const Secret& secret) {
    const auto text = secret.reveal();
    std::string quoted = json::serialize(json::string_view{text.data(), text.size()});
    std::string body;
    body.reserve(response.body.size() + quoted.size() + sizeof R"(,"key":)");
    body.append(response.body, 0, response.body.size() - 1);
    body.append(R"(,"key":)").append(quoted).append("}");
    wipe(quoted.data(), quoted.size());
    response.body = std::move(body);
}

} // namespace keygate::admin
