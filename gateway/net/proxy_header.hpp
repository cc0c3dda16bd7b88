#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace keygate::net {

/// What a proxy says before the first byte of its client: where that one comes from
/// (proxy-protocol.txt of HAProxy, versions 1 and 2).
struct ProxyHeader {
    enum class State : std::uint8_t { incomplete, invalid, complete };
    State state = State::incomplete;
    // Of a complete one:
    std::size_t size = 0;   // bytes, 16 at least in version 2 and 15 in version 1
    bool is_local = false;  // nobody is told of: the proxy speaks for itself, or does not know
    std::string address;    // else of its client: `192.0.2.1`, `2001:db8::1`
    std::uint16_t port = 0; // and its port
};

/// Bytes that tell how a header ends, whatever it is.
inline constexpr std::size_t most_of_a_proxy_header = 16 + 4096;

/// Reads the header at the begin of the bytes. Strict: what is no header, is longer than a header
/// may be, or says its numbers in another way than it must, is invalid. What version 2 says beside
/// the addresses is skipped; a checksum must be right.
[[nodiscard]] ProxyHeader read_proxy_header(std::string_view bytes);

} // namespace keygate::net
