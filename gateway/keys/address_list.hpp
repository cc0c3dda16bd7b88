#pragma once

#include "config/judged.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// An IP address as 16 bytes in network order. IPv4 is `::ffff:a.b.c.d`, and so is what comes as
/// that: one host, one spelling (RFC 4291 2.5.5.2).
using Address = std::array<unsigned char, 16>;

/// Of an IPv4 or IPv6 address without brackets, port and zone; nothing for all else.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

/// Networks that a key may be used from. Immutable; any thread.
class AddressList {
  public:
    static constexpr std::size_t most = 256;

    /// Of `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`. What stands behind the mask must be 0: who
    /// wrote `192.0.2.7/24` may have meant one host or 256.
    [[nodiscard]] static config::Judged<AddressList> parse(std::span<const std::string> texts);

    [[nodiscard]] bool is_empty() const { return networks_.empty(); }

    /// @param peer  the client's address as the connection has it, also with a zone
    ///              (`fe80::1%eth0`). One that cannot be read is in no network. IPv4 addresses are
    ///              in IPv4 networks only, so not in `::/0`.
    [[nodiscard]] bool contains(std::string_view peer) const;

    /// Is every address of the other list also one of this?
    [[nodiscard]] bool covers(const AddressList& other) const;

  private:
    struct Network {
        Address address{};
        std::uint8_t bits = 0; // of the 128
    };

    [[nodiscard]] static std::optional<Network> parse_network(std::string_view text);
    [[nodiscard]] static bool is_within(const Address& address, const Network& network);

    std::vector<Network> networks_;
};

} // namespace keygate::keys
