#pragma once

#include "admin/message.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/task_group.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::admin {

/// What one operator's connection may take.
struct ServerOptions {
    // When there are more, who has been waited for longest makes way: without a credential nobody
    // can keep others out. A new one is closed at once where all have a request in hand.
    std::size_t max_connections = 64;
    std::uint64_t max_body = 1 << 20;               // bytes of a request body; more: 413
    std::uint32_t max_head = 16 * 1024;             // bytes of a request head; more: 431
    std::chrono::milliseconds head_timeout{10'000}; // waiting for a request, to the end of its head
    std::chrono::milliseconds body_timeout{30'000}; // the whole body
    std::chrono::milliseconds write_timeout{30'000}; // the whole answer
    /// Told when a handler threw: the client gets a 500 without details.
    std::function<void(std::string_view what)> on_bug;
};

/// A small HTTP/1.1 server for operators: admin API, health, metrics. Not for clients: it reads
/// whole bodies and answers one request after the other.
///
/// Runs on one loop; every call on its thread. Sessions belong to a task group: after `stop()` or
/// `cancel()` the owner awaits `drained()`, then destroys the server.
class HttpServer {
  public:
    HttpServer(boost::asio::any_io_executor executor, Handler handler, ServerOptions options = {});
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Binds and starts to accept. Port 0 takes a free one, see `port()`.
    [[nodiscard]] Result<void> listen(const config::Endpoint& address);

    /// The same on a unix socket, made with mode 0600 and removed at the end. A socket file that is
    /// there already is replaced only if nobody answers on it (else address_in_use); any other file
    /// stays (file_exists). More than 107 bytes do not fit the system's address: filename_too_long.
    [[nodiscard]] Result<void> listen_local(const std::string& path);

    /// The port of the TCP listener, 0 without one.
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Takes no more connections, closes idle ones; requests in hand are answered.
    void stop();
    /// Stops and cuts what is still open.
    void cancel();
    [[nodiscard]] boost::asio::awaitable<void> drained();

    [[nodiscard]] std::size_t connections() const { return sessions_.size(); }

  private:
    struct Session;
    template <class Acceptor>
    boost::asio::awaitable<void> accept_from(std::shared_ptr<Acceptor> acceptor,
                                             Transport transport);
    boost::asio::awaitable<void> serve(std::shared_ptr<Session> session);
    [[nodiscard]] bool make_room();
    boost::asio::awaitable<bool> serve_one(Session& session);
    boost::asio::awaitable<Response> answer(Request request);
    boost::asio::awaitable<bool> refuse(Session& session, unsigned status,
                                        std::string_view message);

    boost::asio::any_io_executor executor_;
    Handler handler_;
    ServerOptions options_;
    net::TaskGroup tasks_;
    std::vector<std::function<void()>> closers_; // one for each listener
    std::vector<Session*> sessions_;
    std::uint16_t port_ = 0;
    bool is_stopping_ = false;
};

} // namespace keygate::admin
