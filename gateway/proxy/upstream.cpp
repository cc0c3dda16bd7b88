#include "proxy/upstream.hpp"

#include <cstring>
#include <memory>

#include <netdb.h>

namespace keygate::proxy {

Result<Upstream> resolve(const config::Upstream& settings) {
    Upstream upstream{.servers = {}, .settings = settings};
    for (const config::Server& server : settings.servers) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = AI_ADDRCONFIG; // no IPv6 address where there is no IPv6
        addrinfo* found = nullptr;
        const std::string port = std::to_string(server.port);
        const int error = ::getaddrinfo(server.host.c_str(), port.c_str(), &hints, &found);
        const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, ::freeaddrinfo};
        if (error != 0)
            return Fault{
                boost::system::errc::make_error_code(boost::system::errc::host_unreachable),
                "look up upstream " + server.host + " (" + ::gai_strerror(error) + ")"};
        const bool is_v6 = server.host.find(':') != std::string::npos;
        for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
            Server& made = upstream.servers.emplace_back();
            std::memcpy(&made.address, info->ai_addr, info->ai_addrlen);
            made.size = info->ai_addrlen;
            made.name = (is_v6 ? '[' + server.host + ']' : server.host) + ':' + port;
        }
    }
    return upstream;
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
