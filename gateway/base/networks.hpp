#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace keygate {

/// An IP address as 16 bytes in network order. IPv4 is `::ffff:a.b.c.d`, and so is what comes as
/// that: one host, one spelling (RFC 4291 2.5.5.2).
using Address = std::array<unsigned char, 16>;

/// Of an IPv4 or IPv6 address without brackets, port and zone; nothing for all else.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

/// The same of an address as a connection has it, also with a zone (`fe80::1%eth0`).
[[nodiscard]] std::optional<Address> parse_peer(std::string_view text);

/// The one spelling of an address: `192.0.2.7`, `2001:db8::1` (RFC 5952).
class AddressText {
  public:
    explicit AddressText(const Address& address);

    [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }

    [[nodiscard]] bool is_v6() const { return view().find(':') != std::string_view::npos; }

  private:
    std::array<char, 46> text_{}; // INET6_ADDRSTRLEN
    std::uint8_t size_ = 0;
};

/// The addresses that begin with the same bits.
struct Network {
    Address address{};     // 0 behind them
    std::uint8_t bits = 0; // of the 128
};

/// Of `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`. What stands behind the mask must be 0: who
/// wrote `192.0.2.7/24` may have meant one host or 256.
[[nodiscard]] std::optional<Network> parse_network(std::string_view text);

/// IPv4 addresses are in IPv4 networks only, so not in `::/0`.
[[nodiscard]] bool is_within(const Address& address, const Network& network);

/// Is the address in one of them?
[[nodiscard]] bool is_within(const Address& address, std::span<const Network> networks);

} // namespace keygate
