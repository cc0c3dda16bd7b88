#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"

#include <string>
#include <vector>

#include <sys/socket.h>

namespace keygate::proxy {

/// One server of an upstream, ready to be connected to.
struct Server {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string
        name; // `api.internal:3000` as configured: Host for clients that send none, and for logs
};

/// The servers that one API forwards one mode's requests to.
struct Upstream {
    std::vector<Server> servers;
    config::Upstream settings;
};

/// Looks names up, blocking: at start, never on a request's way. A name with several addresses
/// becomes several servers.
[[nodiscard]] Result<Upstream> resolve(const config::Upstream& settings);

/// What can go wrong with an upstream before its answer has begun.
enum class Failure : std::uint8_t {
    unreachable,        // no connection: refused, no route, no descriptor
    connect_timeout,    // no connection in time
    first_byte_timeout, // connected, but silent
    closed_early,       // closed or reset before the answer's head was whole
    not_http,           // an answer that cannot be understood, or that nobody asked for
};

/// upstream_*: how a failure is told to the client.
[[nodiscard]] Reason reason_for(Failure failure);

} // namespace keygate::proxy
