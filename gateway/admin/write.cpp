#include "admin/write.hpp"

#include "admin/json.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"
#include "base/ascii.hpp"

#include <boost/json/object.hpp>

#include <algorithm>

namespace asio = boost::asio;

namespace keygate::admin {

namespace {

constexpr std::size_t longest_name = 255;

/// How a call that is not to be done twice is known again.
struct Repeatable {
    std::string name;    // of the caller and its call; empty: it did not name itself
    std::string request; // digest of all that it asks for
};

Checked<Repeatable> read_repeatable(const Request& request) {
    if (request.idempotency_keys.empty()) return Repeatable{};
    if (request.idempotency_keys.size() > 1)
        return bad_request("header_duplicate", "`Idempotency-Key`: written twice");
    const std::string& name = request.idempotency_keys.front();
    const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
    if (name.empty() || name.size() > longest_name ||
        !std::all_of(name.begin(), name.end(), is_visible))
        return bad_request("header_invalid",
                           "`Idempotency-Key`: must be 1 to 255 visible ASCII characters");
    std::string all = request.method + ' ' + request.path;
    for (const auto& [key, value] : request.query)
        all.append(1, '\n').append(key).append(1, '=').append(value);
    all.append(2, '\n').append(request.body);
    return Repeatable{.name = request.actor + ' ' + name,
                      .request = keys::to_hex(keys::digest_of(all))};
}

Response repeated(const keys::Receipt& receipt) {
    Response response;
    response.status = receipt.status;
    response.body = receipt.answer;
    if (!receipt.location.empty()) response.headers.emplace_back("Location", receipt.location);
    response.headers.emplace_back("Idempotent-Replayed", "true");
    return response;
}

std::string location_of(const Response& response) {
    for (const auto& [name, value] : response.headers)
        if (name == "Location") return value;
    return {};
}

// Others write to the same store: of two calls about one key at the same moment one tries again.
constexpr unsigned most_tries = 8;

/// One call on the store's thread.
struct Job {
    Decide decide;
    Repeatable repeatable;
    bool is_dry = false;
    keys::Time now{};
    const keys::Catalog* catalog = nullptr; // of the call's configuration, which outlives the call

    Checked<Written> operator()(keys::KeyStore& store, keys::LiveKeys& live) {
        // A reload came first: what the call knows of plans, scopes and peppers is no longer so.
        if (&live.catalog() != catalog) return config_replaced();
        for (unsigned tries = 1;; ++tries) {
            bool is_raced = false;
            auto outcome = carry_out(store, live, is_raced);
            store.forget();
            if (!is_raced || tries == most_tries) return outcome;
        }
    }

    Checked<Written> carry_out(keys::KeyStore& store, keys::LiveKeys& live, bool& is_raced) {
        if (const auto watched = store.watch(); !watched) return store_problem(watched.error());
        if (!repeatable.name.empty()) {
            const auto earlier = store.find_receipt(repeatable.name, now - keys::receipt_life);
            if (!earlier) return store_problem(earlier.error());
            if (*earlier) return again(**earlier);
        }
        auto decided = decide(store);
        if (!decided) return decided.error();
        if (is_dry) {
            decided->response.headers.emplace_back("Dry-Run", "true");
            return Written{std::move(decided->response), false};
        }
        if (!repeatable.name.empty())
            decided->change.receipt = keys::Receipt{.name = repeatable.name,
                                                    .request = repeatable.request,
                                                    .status = decided->response.status,
                                                    .answer = decided->response.body,
                                                    .location = location_of(decided->response),
                                                    .at = now};
        const auto committed = store.commit(decided->change);
        is_raced = !committed && committed.error().error == keys::StoreError::raced;
        if (!committed) return store_problem(committed.error());
        live.apply(decided->change);
        return Written{std::move(decided->response), true};
    }

    [[nodiscard]] Checked<Written> again(const keys::Receipt& earlier) const {
        if (earlier.request != repeatable.request)
            return Problem{422, "UNPROCESSABLE", "idempotency_key_reused",
                           "`Idempotency-Key`: was used for another call"};
        return Written{repeated(earlier), false};
    }
};

/// RFC 9110 8.8.3.2: for If-None-Match an ETag that is called weak is the same one.
enum class Comparison { strong, weak };

bool names(const std::vector<std::string>& lists, const std::optional<std::string>& etag,
           Comparison comparison) {
    for (std::string_view list : lists)
        while (!list.empty()) {
            const std::size_t end = std::min(list.find(','), list.size());
            std::string_view one = ascii::trimmed(list.substr(0, end));
            list.remove_prefix(std::min(end + 1, list.size()));
            if (comparison == Comparison::weak && one.starts_with("W/")) one.remove_prefix(2);
            if (etag && (one == "*" || one == *etag)) return true;
        }
    return false;
}

} // namespace

asio::awaitable<Checked<Written>> write(const Context& context, Request request, Decide decide,
                                        std::vector<std::string_view> allowed) {
    allowed.emplace_back("dry_run");
    if (const auto known = only_parameters(request, allowed); !known) co_return known.error();
    const auto is_dry = read_flag(request, "dry_run");
    if (!is_dry) co_return is_dry.error();
    auto repeatable = read_repeatable(request);
    if (!repeatable) co_return repeatable.error();
    Job job{std::move(decide), std::move(*repeatable), *is_dry, context.now(), &context.catalog};
    auto waiting = call_store(context.store, std::move(job));
    co_return co_await std::move(waiting);
}

Checked<void> check_conditions(const Request& request, const std::optional<std::string>& etag) {
    const auto failed = [](const char* message) {
        return Problem{412, "PRECONDITION_FAILED", "precondition_failed", message};
    };
    if (!request.if_match.empty() && !names(request.if_match, etag, Comparison::strong))
        return failed("`If-Match`: the record is another one by now; read it again");
    if (!request.if_none_match.empty() && names(request.if_none_match, etag, Comparison::weak))
        return failed("`If-None-Match`: there is such a record already");
    return {};
}

Checked<void> no_body(const Request& request) {
    if (request.body.empty()) return {};
    const auto body = parse_object(request.body);
    if (!body) return body.error();
    const Members in(*body, "", {});
    if (in.problem()) return *in.problem();
    return {};
}

} // namespace keygate::admin
