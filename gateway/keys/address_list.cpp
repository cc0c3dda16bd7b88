#include "keys/address_list.hpp"

#include "config/scalars.hpp"
#include "config/text.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace keygate::keys {
namespace {

constexpr Address mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
constexpr std::uint8_t mapped_bits = 96;

/// The first `bits` of an address, the others 0.
Address masked(Address address, std::uint8_t bits) {
    for (std::size_t i = 0; i < address.size(); ++i) {
        const std::size_t kept = std::clamp<std::size_t>(bits, 8 * i, 8 * i + 8) - 8 * i;
        address[i] = static_cast<unsigned char>(address[i] & 0xff00U >> kept);
    }
    return address;
}

bool is_v4(const Address& address) {
    return masked(address, mapped_bits) == mapped;
}

} // namespace

std::optional<Address> parse_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> ended{}; // inet_pton reads up to a NUL
    if (text.size() >= ended.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::copy(text.begin(), text.end(), ended.begin());
    Address address = mapped;
    // Four decimal numbers without leading zeros, and nothing that only some readers take.
    if (inet_pton(AF_INET, ended.data(), address.data() + mapped_bits / 8) == 1) return address;
    if (inet_pton(AF_INET6, ended.data(), address.data()) == 1) return address;
    return std::nullopt;
}

std::optional<AddressList::Network> AddressList::parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Network{*address, 128};
    const auto bits = config::parse_number(text.substr(slash + 1));
    // The mask is one of the notation that the address is written in.
    const bool is_dotted = text.find(':') == std::string_view::npos;
    if (!bits || *bits > (is_dotted ? 32 : 128)) return std::nullopt;
    const Network network{*address,
                          static_cast<std::uint8_t>(*bits + (is_dotted ? mapped_bits : 0))};
    if (masked(network.address, network.bits) != network.address) return std::nullopt;
    return network;
}

config::Judged<AddressList> AddressList::parse(std::span<const std::string> texts) {
    using Parsed = config::Judged<AddressList>;
    if (texts.size() > most)
        return Parsed::bad("expected at most " + std::to_string(most) + " addresses");
    AddressList list;
    for (const std::string& text : texts) {
        const auto network = parse_network(text);
        if (!network)
            return Parsed::bad("expected addresses such as 192.0.2.7, or networks such as "
                               "192.0.2.0/24 with nothing behind the mask; found " +
                               config::quoted(text));
        list.networks_.push_back(*network);
    }
    return Parsed::good(std::move(list));
}

bool AddressList::is_within(const Address& address, const Network& network) {
    const bool is_same_family =
        is_v4(address) == (network.bits >= mapped_bits && is_v4(network.address));
    return is_same_family && masked(address, network.bits) == network.address;
}

bool AddressList::contains(std::string_view peer) const {
    const auto address = parse_address(peer.substr(0, peer.find('%')));
    return address && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
               return is_within(*address, network);
           });
}

bool AddressList::covers(const AddressList& other) const {
    return std::all_of(
        other.networks_.begin(), other.networks_.end(), [this](const Network& narrow) {
            return std::any_of(networks_.begin(), networks_.end(), [&](const Network& wide) {
                return wide.bits <= narrow.bits && is_within(narrow.address, wide);
            });
        });
}

} // namespace keygate::keys
