#include "proxy/upstream.hpp"

#include "net/tls_context.hpp"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace keygate::proxy {

namespace {

using Scheme = config::Server::Scheme;

std::optional<Address> parse_ip(const std::string& host) {
    Address address;
    auto& four = reinterpret_cast<sockaddr_in&>(address.storage);
    if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        address.size = sizeof four;
        return address;
    }
    auto& six = reinterpret_cast<sockaddr_in6&>(address.storage);
    if (::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        address.size = sizeof six;
        return address;
    }
    return std::nullopt;
}

Address socket_address(const std::string& path) {
    Address address;
    auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
    local.sun_family = AF_UNIX;
    path.copy(local.sun_path, sizeof local.sun_path - 1);
    address.size = sizeof local;
    return address;
}

void set_port(Address& address, std::uint16_t port) {
    if (address.storage.ss_family == AF_INET)
        reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
    if (address.storage.ss_family == AF_INET6)
        reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
}

std::string bracketed(const std::string& host) {
    return host.find(':') == std::string::npos ? host : '[' + host + ']';
}

std::string host_of(const config::Server& server) {
    switch (server.scheme) {
    case Scheme::unix_socket:
        return "localhost";
    case Scheme::http:
        if (server.port == 80) return bracketed(server.host);
        break;
    case Scheme::https:
        if (server.port == 443) return bracketed(server.host);
        break;
    }
    return bracketed(server.host) + ':' + std::to_string(server.port);
}

/// Can what is known of a server under the one go on under the other? What checks have found ends
/// with them.
bool judge_alike(const config::Upstream& one, const config::Upstream& other) {
    return one.ejection.failures == other.ejection.failures &&
           one.ejection.time == other.ejection.time &&
           one.ejection.max_time == other.ejection.max_time &&
           one.check.has_value() == other.check.has_value();
}

} // namespace

std::string name_of(const config::Server& server) {
    if (server.scheme == Scheme::unix_socket) return "unix:" + server.path;
    return bracketed(server.host) + ':' + std::to_string(server.port);
}

bool operator==(const Address& one, const Address& other) {
    return one.size == other.size && std::memcmp(&one.storage, &other.storage, one.size) == 0;
}

Result<std::shared_ptr<Upstream>> Upstream::make(const config::Upstream& settings, std::string api,
                                                 std::string name, const Upstream* before) {
    std::shared_ptr<Upstream> upstream{
        new Upstream{settings, std::move(api), std::move(name), before}};
    if (const auto read = upstream->read_tls(); !read) return read.error();
    upstream->publish(before);
    return upstream;
}

Upstream::Upstream(const config::Upstream& settings, std::string api, std::string name,
                   const Upstream* before)
    : settings_(settings)
    , api_(std::move(api))
    , name_(std::move(name))
    , host_(host_of(settings.servers.front()))
    , addresses_(settings.servers.size())
    , servers_(std::make_shared<Servers>()) {
    for (std::size_t i = 0; i < settings_.servers.size(); ++i) {
        const config::Server& server = settings_.servers[i];
        if (server.scheme == Scheme::unix_socket)
            addresses_[i].push_back(socket_address(server.path));
        else if (const auto ip = parse_ip(server.host))
            addresses_[i].push_back(*ip);
    }
    if (settings_.max_connections) {
        // Requests that are in flight under the configuration before are still at their servers.
        if (before != nullptr) slots_ = before->slots_;
        if (slots_)
            slots_->set_bounds(*settings_.max_connections, settings_.queue.max);
        else
            slots_ = std::make_shared<Slots>(*settings_.max_connections, settings_.queue.max);
    }
    if (settings_.breaker) breaker_.emplace(*settings_.breaker);
    if (before != nullptr) openings_ = before->breaker_openings(); // what counts never goes back
}

Result<void> Upstream::read_tls() {
    const auto is_https = [](const config::Server& server) {
        return server.scheme == Scheme::https;
    };
    if (!std::any_of(settings_.servers.begin(), settings_.servers.end(), is_https)) return {};
    auto read = net::TlsClient::make(settings_.tls);
    if (!read) return read.error();
    tls_ = std::move(*read);
    return {};
}

std::shared_ptr<const Upstream::Servers> Upstream::servers() const {
    const std::lock_guard lock{mutex_};
    return servers_;
}

std::vector<std::string> Upstream::hosts() const {
    std::vector<std::string> names;
    for (const config::Server& server : settings_.servers)
        if (server.scheme != Scheme::unix_socket && !parse_ip(server.host) &&
            std::find(names.begin(), names.end(), server.host) == names.end())
            names.push_back(server.host);
    return names;
}

void Upstream::set_addresses(const std::string& host, const std::vector<Address>& addresses) {
    {
        const std::lock_guard lock{mutex_};
        for (std::size_t i = 0; i < settings_.servers.size(); ++i)
            if (settings_.servers[i].scheme != Scheme::unix_socket &&
                settings_.servers[i].host == host)
                addresses_[i] = addresses;
    }
    publish(this);
    look_again();
}

void Upstream::look_again() {
    if (slots_ && settings_.max_connections) slots_->look_again(*settings_.max_connections);
}

/// What is known of a server goes on where its address stays.
void Upstream::publish(const Upstream* before) {
    // The one before may be this one.
    auto made = std::make_shared<Servers>();
    std::vector<std::vector<Address>> addresses;
    {
        const std::lock_guard lock{mutex_};
        addresses = addresses_;
    }
    for (std::size_t i = 0; i < addresses.size(); ++i)
        for (const Address& address : addresses[i])
            made->push_back(make_server(i, address, before));
    const std::lock_guard lock{mutex_};
    servers_ = std::move(made);
    version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Server> Upstream::make_server(std::size_t number, const Address& address,
                                                    const Upstream* before) const {
    const config::Server& configured = settings_.servers[number];
    auto server = std::make_shared<Server>();
    Address whole = address;
    set_port(whole, configured.port);
    server->address = whole.storage;
    server->size = whole.size;
    server->name = name_of(configured);
    server->host = host_of(configured);
    server->weight = configured.weight;
    server->number = number;
    if (configured.scheme == Scheme::https) {
        server->tls = tls_;
        server->tls_name =
            settings_.tls.server_name.empty() ? configured.host : settings_.tls.server_name;
    }
    if (before != nullptr && judge_alike(before->settings_, settings_)) {
        const auto known = before->servers();
        for (const auto& other : *known) {
            if (other->name != server->name || !(Address{other->address, other->size} == whole))
                continue;
            // The very same server stays the same object: links to it are still links to it.
            if (before == this && other->number == number) return other;
            server->standing = other->standing;
        }
    }
    if (!server->standing) server->standing = std::make_shared<Standing>(settings_.ejection);
    return server;
}

Breaker::Pass Upstream::ask_breaker(SteadyTime now) {
    if (!settings_.breaker) return {};
    const std::lock_guard lock{breaker_mutex_};
    return breaker_->ask(now);
}

void Upstream::tell_breaker(SteadyTime now, const Breaker::Pass& pass, bool has_failed) {
    if (!settings_.breaker) return;
    const std::lock_guard lock{breaker_mutex_};
    if (!has_failed)
        breaker_->succeed(now, pass);
    else if (breaker_->fail(now, pass))
        openings_.fetch_add(1, std::memory_order_relaxed);
}

void Upstream::abandon(const Breaker::Pass& pass) {
    if (!settings_.breaker) return;
    const std::lock_guard lock{breaker_mutex_};
    breaker_->abandon(pass);
}

Reason reason_for(Failure failure) {
    switch (failure) {
    case Failure::unreachable:
        return Reason::upstream_unavailable;
    case Failure::connect_timeout:
    case Failure::first_byte_timeout:
        return Reason::upstream_timeout;
    case Failure::closed_early:
    case Failure::not_http:
        break;
    }
    return Reason::upstream_invalid;
}

} // namespace keygate::proxy
