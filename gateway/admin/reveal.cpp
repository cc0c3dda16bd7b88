#include "admin/reveal.hpp"

#include "admin/key_changes.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"
#include "admin/write.hpp"

#include <boost/json.hpp>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

/// The key of a record that was sealed when it was made.
Checked<Secret> unsealed(const keys::KeyRecord& record, const Context& context) {
    if (const auto may = may_change(record); !may) return may.error();
    const bool is_recoverable =
        context.seals != nullptr && context.seals->is_recoverable(record.api);
    if (!is_recoverable || record.sealed.empty())
        return conflict("not_recoverable", is_recoverable
                                               ? "the key was made when nothing was kept of it"
                                               : "keys of this API are not recoverable");
    auto secret = context.seals->open(record);
    if (!secret)
        return Problem{503, "UNAVAILABLE", "store_invalid",
                       "the key cannot be shown: " + secret.error().step};
    return std::move(*secret);
}

} // namespace

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

asio::awaitable<Checked<Response>> reveal_key(const Context& context, std::string id,
                                              Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    if (const auto empty = no_body(request); !empty) co_return empty.error();
    auto work = [id = std::move(id)](keys::KeyStore& store, keys::LiveKeys&) {
        return store.find(id);
    };
    auto waiting = call_store(context.store, std::move(work));
    const auto row = co_await std::move(waiting);
    if (!row && row.error().error == keys::StoreError::not_found)
        co_return not_found("there is no key with this id");
    if (!row) co_return store_problem(row.error());
    const auto secret = unsealed(row->record, context);
    if (!secret) co_return secret.error();
    const json::object shown{{"object", "api_key"}, {"id", row->record.id}};
    auto response = reply(200, shown);
    reveal_once(response, *secret);
    response.about = row->record.api + '/' + row->record.owner;
    co_return std::move(response);
}

} // namespace keygate::admin
