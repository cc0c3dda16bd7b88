#include "admin/overview_api.hpp"

#include "admin/json.hpp"
#include "admin/openapi.hpp"
#include "admin/own_limits.hpp"
#include "admin/replies.hpp"
#include "admin/store_call.hpp"
#include "admin/write.hpp"

#include <boost/json.hpp>

#include <filesystem>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

json::object to_json(const config::Plan& plan) {
    json::array rates;
    json::array limits;
    for (const config::Limit& limit : plan.limits) {
        if (std::holds_alternative<config::Rate>(limit.rule))
            rates.push_back(json::value(limit.text));
        limits.push_back(admin::to_json(limit));
    }
    json::object out;
    out["name"] = plan.name;
    out["api_access"] = plan.api_access;
    out["rates"] = std::move(rates);
    out["limits"] = std::move(limits);
    return out;
}

json::object to_json(const config::Api& api) {
    json::array plans;
    for (const config::Plan& plan : api.plans)
        plans.push_back(to_json(plan));
    json::array modes{"live"};
    if (api.test) modes.push_back("test");
    json::object out;
    out["object"] = "api";
    out["name"] = api.name;
    out["profile"] = api.profile.name;
    out["hosts"] = json::value_from(api.hosts);
    out["scopes"] = json::value_from(api.vocabulary());
    out["plans"] = std::move(plans);
    out["default_plan"] = nullptr;
    if (api.default_plan) out["default_plan"] = *api.default_plan;
    out["modes"] = std::move(modes);
    return out;
}

Problem backup_problem(const Fault& fault) {
    if (fault.error == boost::system::errc::file_exists)
        return conflict("file_exists", "the file exists already: " + fault.step);
    if (fault.error == boost::system::errc::invalid_argument)
        return unprocessable("file", "must be an absolute path");
    // It will not work later either: no 503, which asks to try again.
    if (fault.error == boost::system::errc::operation_not_supported)
        return conflict("not_supported", fault.step);
    return store_problem(fault);
}

/// A copy that lives and dies on the store's thread, whoever lets go of it last.
using SharedBackup = std::shared_ptr<keys::StoreBackup>;

SharedBackup shared_by(keys::StoreThread& store, std::unique_ptr<keys::StoreBackup> backup) {
    return {backup.release(), [&store](keys::StoreBackup* last) {
                store.submit([last](keys::KeyStore&, keys::LiveKeys&) { delete last; });
            }};
}

} // namespace

asio::awaitable<Checked<Response>> list_apis(const Context& context, std::string, Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    json::array data;
    for (const config::Api& api : context.settings.apis)
        data.push_back(to_json(api));
    co_return list_reply(std::move(data), std::nullopt);
}

asio::awaitable<Checked<Response>> back_up(const Context& context, std::string, Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    if (request.transport != Transport::local)
        co_return Problem{403, "FORBIDDEN", "local_only",
                          "a copy is made over the unix socket only: `keygate store backup`"};
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    Members in(*body, "", {"file"});
    const std::string file = in.required_text("file");
    if (in.problem()) co_return *in.problem();

    auto begin = [file, store = &context.store](keys::KeyStore& keys,
                                                keys::LiveKeys&) -> Result<SharedBackup> {
        auto begun = keys.backup(file);
        if (!begun) return begun.error();
        return shared_by(*store, std::move(*begun));
    };
    auto beginning = call_store(context.store, std::move(begin));
    const auto backup = co_await std::move(beginning);
    if (!backup) co_return backup_problem(backup.error());
    for (bool is_complete = false; !is_complete;) {
        auto step = [copy = *backup](keys::KeyStore&, keys::LiveKeys&) { return copy->step(); };
        auto stepping = call_store(context.store, std::move(step));
        const auto stepped = co_await std::move(stepping);
        if (!stepped) co_return backup_problem(stepped.error());
        is_complete = *stepped;
    }
    std::error_code ignored;
    json::object out;
    out["object"] = "backup";
    out["file"] = file;
    out["bytes"] = std::filesystem::file_size(file, ignored);
    co_return reply(201, out);
}

asio::awaitable<Checked<Response>> get_openapi(const Context&, std::string, Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    Response response;
    response.body = openapi_document();
    co_return response;
}

} // namespace keygate::admin
