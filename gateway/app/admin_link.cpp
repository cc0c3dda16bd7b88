#include "app/admin_link.hpp"

#include "admin/access.hpp"
#include "admin/api.hpp"
#include "admin/client.hpp"
#include "keys/fill.hpp"
#include "keys/redis_store.hpp"
#include "keys/sqlite_store.hpp"
#include "keys/store_thread.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace asio = boost::asio;

namespace keygate::app {

namespace {

// An import of 1000 keys waits for one transaction on a disk that may be busy.
constexpr std::chrono::milliseconds call_deadline{30'000};

class RemoteLink final : public AdminLink {
  public:
    explicit RemoteLink(admin::Client client)
        : client_(std::move(client)) {}

    Result<admin::Response> call(const std::string& method, const std::string& target,
                                 const std::string& body,
                                 const std::vector<admin::NameValue>& headers) override {
        return client_.call(method, target, body, headers);
    }

  private:
    admin::Client client_;
};

/// Where a request keeps the values of that field.
std::vector<std::string>* values_of(admin::Request& request, std::string_view name) {
    if (name == "If-Match") return &request.if_match;
    if (name == "If-None-Match") return &request.if_none_match;
    if (name == "Idempotency-Key") return &request.idempotency_keys;
    return nullptr;
}

/// The admin API in this process, on the store itself.
class LocalLink final : public AdminLink {
  public:
    explicit LocalLink(const config::Settings& settings)
        : catalog_(std::make_shared<const keys::Catalog>(settings))
        , table_(catalog_)
        , settings_(settings) {}

    Result<void> open() {
        auto store = settings_.store.redis ? keys::open_redis_store(*settings_.store.redis)
                                           : keys::open_sqlite_store(settings_.store.file);
        if (!store) return store.error();
        auto peppers = keys::Peppers::load(settings_);
        if (!peppers) return peppers.error();
        peppers_ = std::move(*peppers);
        auto seals = keys::Seals::load(settings_);
        if (!seals) return seals.error();
        seals_ = std::move(*seals);
        if (const auto agreed = peppers_.agree_with(**store); !agreed) return agreed.error();
        // No request looks into the table of a command; with the file it tells at once whether all
        // of it can be read.
        if (!settings_.store.redis)
            if (const auto filled = keys::fill(**store, table_); !filled) return filled.error();
        store_.emplace(std::move(*store), table_);
        admin::Context context{settings_, *catalog_, peppers_, *store_, clock_};
        context.seals = &seals_;
        api_.emplace(context);
        return {};
    }

    Result<admin::Response> call(const std::string& method, const std::string& target,
                                 const std::string& body,
                                 const std::vector<admin::NameValue>& headers) override {
        admin::Request request;
        request.transport = admin::Transport::local;
        // Whoever can open the store's file can do anything to it.
        request.role = config::Role::admin;
        request.actor = admin::local_actor;
        request.method = method;
        request.body = body;
        for (const auto& [name, value] : headers)
            if (auto* const values = values_of(request, name)) values->push_back(value);
        if (!admin::read_target(target, request))
            throw std::logic_error("not a request target: " + target);
        std::optional<admin::Response> response;
        std::exception_ptr failure;
        asio::co_spawn(loop_, api_->handle(std::move(request)),
                       [&](std::exception_ptr error, admin::Response answer) {
                           failure = std::move(error);
                           response = std::move(answer);
                       });
        loop_.restart();
        loop_.run();
        if (failure) std::rethrow_exception(failure);
        return std::move(*response);
    }

  private:
    asio::io_context loop_{1}; // first: the store's thread calls back into it until it is joined
    std::shared_ptr<const keys::Catalog> catalog_;
    keys::Table table_;
    const config::Settings& settings_;
    keys::Peppers peppers_;
    keys::Seals seals_;
    SystemClock clock_;
    std::optional<keys::StoreThread> store_;
    std::optional<admin::Api> api_;
};

bool is_nobody(const Fault& fault) {
    return fault.error == boost::system::errc::connection_refused ||
           fault.error == boost::system::errc::no_such_file_or_directory ||
           // Where a socket could not be made none can be answering.
           fault.error == boost::system::errc::filename_too_long;
}

} // namespace

Result<std::unique_ptr<AdminLink>> open_running_admin_link(const config::Settings& settings) {
    using Link = std::unique_ptr<AdminLink>;
    auto local = admin::Client::connect_local(admin::socket_of(settings), call_deadline);
    if (local) return Link{std::make_unique<RemoteLink>(std::move(*local))};
    if (!is_nobody(local.error())) return local.error();
    return Link{};
}

Result<std::unique_ptr<AdminLink>> open_admin_link(const config::Settings& settings) {
    using Link = std::unique_ptr<AdminLink>;
    auto running = open_running_admin_link(settings);
    if (!running || *running) return running;
    auto opened = std::make_unique<LocalLink>(settings);
    const auto done = opened->open();
    if (done) return Link{std::move(opened)};
    const bool has_address =
        settings.admin && settings.admin->address && settings.admin->token_file;
    if (done.error().error != keys::StoreError::in_use || !has_address) return done.error();
    // A gateway runs, and its socket is gone. Only now the token may be sent: while no gateway has
    // the address, anybody on this machine could be listening there.
    auto token = admin::read_token(*settings.admin->token_file);
    if (!token) return token.error();
    auto remote =
        admin::Client::connect(*settings.admin->address, std::move(*token), call_deadline);
    if (!remote) return done.error();
    return Link{std::make_unique<RemoteLink>(std::move(*remote))};
}

} // namespace keygate::app
