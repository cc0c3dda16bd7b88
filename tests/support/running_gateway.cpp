#include "support/running_gateway.hpp"

#include "admin/client.hpp"
#include "config/load.hpp"
#include "keys/sqlite_store.hpp"
#include "support/store_calls.hpp"

#include <chrono>
#include <fstream>
#include <future>
#include <sstream>
#include <stdexcept>

namespace keygate::support {

namespace {

const std::string file_store = "{file: keygate.db}";

} // namespace

keys::KeyRecord record_of(std::string_view key, std::string id, std::string api,
                          std::string owner) {
    keys::KeyRecord record;
    record.digest = keys::digest_of(key);
    record.id = std::move(id);
    record.api = std::move(api);
    record.owner = std::move(owner);
    return record;
}

RunningGateway::RunningGateway(Start start)
    : threads_(start.threads)
    , store_(start.store.empty() ? file_store : start.store)
    , listener_(start.listener)
    , clock_(start.clock != nullptr ? *start.clock : system_clock_) {
    for (const auto& [name, text] : start.files)
        folder_.write(name, text);
    write_configuration(start.configuration);
    if (start.store.empty()) {
        auto store = keys::open_sqlite_store(store_file());
        if (!store) throw std::runtime_error(to_string(store.error()));
        for (const auto& owner : start.owners)
            keygate::test::put_owner(**store, owner).value();
        if (!start.keys.empty()) keygate::test::insert(**store, start.keys).value();
    }
    this->start();
}

void RunningGateway::start() {
    config::Loaded loaded = config::load_file(folder_.file("keygate.yaml"));
    if (!loaded.settings) {
        std::string mistakes;
        for (const auto& mistake : loaded.mistakes)
            mistakes += to_string(mistake) + '\n';
        throw std::runtime_error(mistakes);
    }
    auto started = app::Gateway::start(std::move(*loaded.settings), clock_);
    if (!started) throw std::runtime_error(to_string(started.error()));
    gateway_ = std::move(*started);
}

void RunningGateway::write_configuration(const std::string& configuration) const {
    folder_.write("keygate.yaml", "version: 1\nthreads: " + std::to_string(threads_) +
                                      "\nlisteners: [{address: \"127.0.0.1:0\"" +
                                      (listener_.empty() ? "" : ", " + listener_) +
                                      "}]\n"
                                      "store: " +
                                      store_ + "\nlog: {access: access.log}\n" + configuration);
}

admin::ReloadOutcome RunningGateway::reload(const std::string& configuration) {
    write_configuration(configuration);
    std::promise<admin::ReloadOutcome> outcome;
    gateway_->reload([&](admin::ReloadOutcome came) { outcome.set_value(std::move(came)); });
    return outcome.get_future().get();
}

admin::Response RunningGateway::admin(const std::string& method, const std::string& target,
                                      const std::string& body) const {
    auto client = admin::Client::connect_local(store_ == file_store ? store_file() + ".sock"
                                                                    : folder_.file("keygate.sock"),
                                               std::chrono::seconds{10});
    if (!client) throw std::runtime_error(to_string(client.error()));
    return client->call(method, target, body).value();
}

void RunningGateway::restart() {
    gateway_.reset();
    start();
}

RunningGateway::~RunningGateway() = default;

std::string RunningGateway::exchange(std::string_view request, Socket::Pieces pieces) const {
    Socket client = connect();
    client.send(request, pieces);
    return client.receive_answer(request.starts_with("HEAD "));
}

std::string RunningGateway::end_and_read_log() {
    gateway_.reset();
    std::ifstream file{folder_.file("access.log")};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace keygate::support
