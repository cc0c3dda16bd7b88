#pragma once

#include "config/judged.hpp"
#include "config/settings.hpp"

#include <string>
#include <string_view>

namespace keygate::config {

/// `127.0.0.1:8080`, `[::1]:8080`.
[[nodiscard]] Judged<Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string endpoint_text(const Endpoint& endpoint);
/// 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(const Endpoint& endpoint);
/// May not both be listened on: the same port (but 0) of the same address, or of all addresses.
[[nodiscard]] bool collide(const Endpoint& a, const Endpoint& b);

/// A host that requests name: an exact DNS name in lower case or an IP address, IPv6 in brackets,
/// as it stands in a `Host` field without its port.
[[nodiscard]] Judged<std::string> parse_host(std::string_view text);

/// The same with or without a port: what a `Host` field may hold.
[[nodiscard]] Judged<std::string> parse_host_and_port(std::string_view text);

/// An origin of pages as browsers send it (RFC 6454 6.2): `https://app.example.com`, in lower case
/// and without the port that the scheme has anyway. With `*.` before the host: of all names below.
[[nodiscard]] Judged<std::string> parse_origin(std::string_view text);

/// `http://host`, `http://host:port`, the same with `https://`, or `unix:PATH`; the path is left as
/// it is written.
[[nodiscard]] Judged<Server> parse_server(std::string_view text);
[[nodiscard]] std::string server_text(const Server& server);

} // namespace keygate::config
