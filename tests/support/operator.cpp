#include "support/operator.hpp"

#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace keygate::admin::test {

RawClient::RawClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect");
}

void RawClient::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return; // the other side has had enough; its answer tells
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void RawClient::finish_sending() const {
    ::shutdown(socket_, SHUT_WR);
}

std::string RawClient::read_all() const {
    return read_until({});
}

std::string RawClient::read_until(std::string_view end) const {
    std::string all;
    std::array<char, 4096> piece{};
    while (end.empty() || all.find(end) == std::string::npos) {
        const auto got = ::recv(socket_, piece.data(), piece.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            throw std::runtime_error("the connection hangs; read so far: " + all);
        if (got <= 0) break;
        all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
}

void listen_on_any_port(int socket) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket, 16) != 0)
        throw std::runtime_error("cannot listen");
}

std::uint16_t port_of(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

config::Settings settings() {
    const auto run = [](config::Alphabet alphabet, std::uint32_t min, std::uint32_t max) {
        config::Run made;
        made.alphabet = alphabet;
        made.min = min;
        made.max = max;
        return made;
    };
    config::Settings settings;
    settings.apis.resize(2);
    auto& shop = settings.apis[0];
    shop.name = "shop";
    shop.scopes = {{"read", "write"}};
    shop.plans.resize(2);
    shop.plans[0].name = "free";
    shop.plans[0].api_access = false;
    shop.plans[1].name = "pro";
    shop.profile.key.prefix = "rp_";
    shop.profile.key.body = run(config::Alphabet::hex, 64, 64);
    shop.profile.key.mint_live_prefix = "rp_";
    shop.profile.key.mint = run(config::Alphabet::hex, 64, 64);
    shop.profile.key.shown_first = 7;
    shop.profile.key.shown_last = 4;

    auto& deals = settings.apis[1];
    deals.name = "deals";
    deals.scopes = {{"deals:read"}};
    deals.plans.resize(1);
    deals.plans[0].name = "basic";
    deals.default_plan = "basic";
    deals.test.emplace();
    deals.profile.default_scopes = config::DefaultScopes::none;
    deals.profile.key.live_prefix = "sk_live_";
    deals.profile.key.test_prefix = "sk_test_";
    deals.profile.key.body = run(config::Alphabet::base62, 12, 128);
    deals.profile.key.mint_live_prefix = "sk_live_";
    deals.profile.key.mint_test_prefix = "sk_test_";
    deals.profile.key.mint = run(config::Alphabet::base62, 32, 32);
    deals.profile.key.shown_first = 8;
    deals.profile.key.shown_last = 4;
    return settings;
}

Handler guarded(Handler next, const std::string& token) {
    struct Held {
        Held(Handler api, Access access)
            : guard(std::move(api), std::move(access), clock, [](const std::string&) {}) {}

        FixedClock clock;
        Guard guard;
    };

    Access access = read_access(std::nullopt).value();
    if (!token.empty()) access.tokens.push_back({"test", Role::admin, keys::digest_of(token)});
    const auto held = std::make_shared<Held>(std::move(next), std::move(access));
    return [held](Request request) { return held->guard.handle(std::move(request)); };
}

Response World::call(const std::string& method, const std::string& target,
                     const std::string& body) {
    Request request;
    request.transport = Transport::local;
    request.method = method;
    request.body = body;
    request.role = Role::admin;
    request.actor = "local";
    if (!read_target(target, request)) throw std::logic_error("not a target: " + target);
    return call(std::move(request));
}

std::vector<keys::KeyRecord> World::stored() {
    return on_store([](keys::KeyStore& keys, keys::Table&) {
        std::vector<keys::KeyRecord> all;
        keys.each([](keys::OwnerRecord&&) {},
                  [&](keys::KeyRecord&& key) { all.push_back(std::move(key)); })
            .value();
        return all;
    });
}

Response World::call(Request request) {
    std::optional<Response> response;
    std::exception_ptr failure;
    asio::co_spawn(loop, api.handle(std::move(request)),
                   [&](std::exception_ptr error, Response answer) {
                       failure = std::move(error);
                       response = std::move(answer);
                   });
    loop.restart();
    loop.run();
    if (failure) std::rethrow_exception(failure);
    return std::move(*response);
}

} // namespace keygate::admin::test
