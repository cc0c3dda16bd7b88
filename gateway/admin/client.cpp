#include "admin/client.hpp"

#include "config/paths.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <optional>
#include <utility>

#include <sys/un.h>

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;

namespace keygate::admin {

using boost::system::error_code;

namespace {

constexpr std::uint64_t max_answer = 64 << 20;
constexpr std::uint32_t max_head = 16 * 1024;

} // namespace

struct Client::Link {
    asio::io_context loop{1};
    asio::generic::stream_protocol::socket socket{loop};
    boost::beast::flat_buffer buffer;
    std::string host = "localhost";
    Secret token;
    std::chrono::milliseconds deadline{0};

    /// Runs what was started until it set `outcome`, or until the deadline: then the socket is
    /// closed and what was started ends as well, before its buffers do.
    error_code finish(std::optional<error_code>& outcome) {
        loop.restart();
        loop.run_for(deadline);
        if (outcome) return *outcome;
        error_code ignored;
        socket.close(ignored);
        loop.restart();
        loop.run();
        return asio::error::timed_out;
    }

    error_code connect(const asio::generic::stream_protocol::endpoint& endpoint) {
        std::optional<error_code> outcome;
        socket.async_connect(endpoint, [&](const error_code& error) { outcome = error; });
        return finish(outcome);
    }
};

std::string socket_of(const config::Settings& settings) {
    if (settings.admin && !settings.admin->socket.empty()) return settings.admin->socket;
    if (settings.store.redis) return config::default_socket(settings.file);
    return settings.store.file + ".sock";
}

Client::Client(std::unique_ptr<Link> link)
    : link_(std::move(link)) {}

Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect_local(const std::string& socket_path,
                                     std::chrono::milliseconds deadline) {
    const std::string step = "connect to " + socket_path;
    if (socket_path.size() >= sizeof(sockaddr_un::sun_path))
        return Fault{boost::system::errc::make_error_code(boost::system::errc::filename_too_long),
                     step + " (a socket's path has at most 107 bytes)"};
    auto link = std::make_unique<Link>();
    link->deadline = deadline;
    const asio::local::stream_protocol::endpoint endpoint(socket_path);
    if (const auto error = link->connect(endpoint)) return Fault{error, step};
    return Client{std::move(link)};
}

Result<Client> Client::connect(const config::Endpoint& address, Secret token,
                               std::chrono::milliseconds deadline) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    const std::string host =
        (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
    const std::string step = "connect to " + host;
    error_code error;
    const auto ip = asio::ip::make_address(address.host, error);
    if (error) return Fault{error, step};
    auto link = std::make_unique<Link>();
    link->deadline = deadline;
    link->host = host;
    link->token = std::move(token);
    const asio::ip::tcp::endpoint endpoint(ip, address.port);
    error = link->connect(endpoint);
    if (error) return Fault{error, step};
    return Client{std::move(link)};
}

Result<Response> Client::call(const std::string& method, const std::string& target,
                              const std::string& body, const std::vector<NameValue>& headers) {
    std::string fields;
    for (const auto& [name, value] : headers)
        fields.append(name).append(": ").append(value).append("\r\n");
    // Room for all of it at once: a text that grows leaves copies of the token behind.
    std::string head;
    head.reserve(256 + method.size() + target.size() + link_->host.size() + fields.size() +
                 link_->token.reveal().size());
    head.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
    head.append(link_->host).append("\r\n").append(fields);
    if (!link_->token.empty()) {
        head += "Authorization: Bearer ";
        head += link_->token.reveal();
        head += "\r\n";
    }
    if (!body.empty()) head += "Content-Type: application/json\r\n";
    if (!body.empty() || method != "GET")
        head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    head += "\r\n";

    const std::array<asio::const_buffer, 2> pieces{asio::buffer(head), asio::buffer(body)};
    std::optional<error_code> sent;
    asio::async_write(link_->socket, pieces,
                      [&](const error_code& error, std::size_t) { sent = error; });
    const auto send_error = link_->finish(sent);
    wipe(head.data(), head.size());
    // A gateway that refuses a body early closes its side: its answer may be there to be read.
    if (send_error && send_error != asio::error::broken_pipe &&
        send_error != asio::error::connection_reset)
        return Fault{send_error, "send to the gateway"};

    bhttp::response_parser<bhttp::string_body> parser;
    parser.header_limit(max_head);
    parser.body_limit(max_answer);
    std::optional<error_code> received;
    bhttp::async_read(link_->socket, link_->buffer, parser,
                      [&](const error_code& error, std::size_t) { received = error; });
    const auto read_error = link_->finish(received);
    if (read_error) return Fault{read_error, "read the gateway's answer"};

    Response response;
    response.status = parser.get().result_int();
    response.content_type = std::string{parser.get()[bhttp::field::content_type]};
    for (const auto& field : parser.get())
        response.headers.emplace_back(std::string{field.name_string()}, std::string{field.value()});
    response.body = std::move(parser.get().body());
    return response;
}

} // namespace keygate::admin
