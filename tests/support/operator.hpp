#pragma once

#include "admin/access.hpp"
#include "admin/api.hpp"
#include "admin/client.hpp"
#include "admin/http_server.hpp"
#include "keys/sqlite_store.hpp"
#include "keys/store_thread.hpp"
#include "keys/table.hpp"
#include "support/faulty_store.hpp"
#include "support/store_calls.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// What the tests of this room are made of.
namespace keygate::admin::test {

namespace asio = boost::asio;

/// A folder that lives as long as its test.
class Folder {
  public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "keygate-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }

    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const {
        return (path_ / name).string();
    }

  private:
    std::filesystem::path path_;
};

/// A server on a loop of its own, on port 0 or a unix socket; stopped and drained at the end.
class Running {
  public:
    explicit Running(Handler handler, ServerOptions options = {})
        : server_(loop_.get_executor(), std::move(handler), std::move(options)) {}

    ~Running() {
        asio::post(loop_, [this] { server_.cancel(); });
        finish();
    }

    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    void on_tcp() {
        const config::Endpoint any{"127.0.0.1", 0};
        server_.listen(any).value();
        start();
    }

    [[nodiscard]] Result<void> on_socket(const std::string& path) {
        auto listening = server_.listen_local(path);
        start();
        return listening;
    }

    /// Stops gently and waits for the end.
    void stop() {
        asio::post(loop_, [this] { server_.stop(); });
        finish();
    }

    /// Cuts everything; returns when that is done, not when all has ended.
    void cancel() {
        std::promise<void> done;
        asio::post(loop_, [&] {
            server_.cancel();
            done.set_value();
        });
        done.get_future().wait();
    }

    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    [[nodiscard]] config::Endpoint address() const { return {"127.0.0.1", port()}; }

  private:
    void start() {
        thread_ = std::thread([this] { loop_.run(); });
    }

    // The loop ends when nothing is left in it: no task, no timer, no socket.
    void finish() {
        if (thread_.joinable()) thread_.join();
        loop_.restart();
        loop_.run();
    }

    asio::io_context loop_{1};
    HttpServer server_;
    std::thread thread_;
};

/// A raw connection: bytes in, bytes out. Reads give up after ten seconds.
class RawClient {
  public:
    explicit RawClient(std::uint16_t port);

    ~RawClient() { ::close(socket_); }

    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void send(std::string_view bytes) const;
    void finish_sending() const;
    /// Everything until the other side closes.
    [[nodiscard]] std::string read_all() const;
    /// Everything until `end` was seen, or the other side closes.
    [[nodiscard]] std::string read_until(std::string_view end) const;

  private:
    int socket_;
};

/// Makes a TCP socket listen on the loopback; nobody accepts.
void listen_on_any_port(int socket);
[[nodiscard]] std::uint16_t port_of(int socket);

/// APIs: `shop` (plans free without api_access, pro, no default; scopes read, write; live keys
/// only), `deals` (plan basic by default; test upstream and test keys; no scopes by default).
[[nodiscard]] config::Settings settings();

struct FixedClock final : Clock {
    WallTime wall = std::chrono::sys_days{std::chrono::year{2026} / 3 / 11};

    [[nodiscard]] Now now() const override { return {wall, SteadyTime{}}; }
};

/// A guard that lives as long as the handler: it lets in over a unix socket, and over TCP with
/// this token of the role admin.
[[nodiscard]] Handler guarded(Handler next, const std::string& token = {});

/// The API over a store of its own.
struct World {
    World() = default;

    explicit World(config::Settings configuration)
        : set(std::move(configuration)) {}

    config::Settings set = settings();
    std::shared_ptr<const keys::Catalog> catalog = std::make_shared<const keys::Catalog>(set);
    keys::Table table{catalog};
    keys::Peppers peppers;
    keys::Seals seals = keys::Seals::load(set).value();
    Folder files;
    std::optional<Fault> fault; // answers every call of the store
    FixedClock clock;
    asio::io_context loop{1}; // of direct calls; outlives the store's thread
    keys::StoreThread store{std::make_unique<keygate::test::FaultyStore>(
                                keys::open_sqlite_store(files.file("keys.db")).value(), fault),
                            table};
    Api api{Context{set, *catalog, peppers, store, clock, nullptr, {}, &seals}};

    /// One call of an admin, without a socket.
    Response call(const std::string& method, const std::string& target,
                  const std::string& body = {});
    /// The same with all that a request can have.
    Response call(Request request);
    /// What the store holds, in the order of creation.
    [[nodiscard]] std::vector<keys::KeyRecord> stored();

    /// The same on the store's thread: `work(store, table)`.
    template <class Work> auto on_store(Work work) {
        std::promise<decltype(work(std::declval<keys::KeyStore&>(), table))> done;
        store.submit(
            [&](keys::KeyStore& keys, keys::LiveKeys&) { done.set_value(work(keys, table)); });
        return done.get_future().get();
    }

    [[nodiscard]] Handler handler() {
        return [this](Request request) { return api.handle(std::move(request)); };
    }
};

} // namespace keygate::admin::test
