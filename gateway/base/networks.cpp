#include "base/networks.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace keygate {
namespace {

constexpr Address mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
constexpr std::uint8_t mapped_bits = 96;

bool have_same_beginning(const Address& a, const Address& b, std::uint8_t bits) {
    const std::size_t whole = bits / 8U;
    if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
    const unsigned rest = bits % 8U;
    return rest == 0 || static_cast<unsigned>(a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool is_v4(const Address& address) {
    return have_same_beginning(address, mapped, mapped_bits);
}

bool is_zero_behind(const Address& address, std::uint8_t bits) {
    for (std::size_t i = 0; i < address.size(); ++i) {
        const std::size_t kept = std::clamp<std::size_t>(bits, 8 * i, 8 * i + 8) - 8 * i;
        if ((address[i] & 0xffU >> kept) != 0) return false;
    }
    return true;
}

/// Decimal, without leading zeros.
std::optional<unsigned> parse_bits(std::string_view text) {
    if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0'))
        return std::nullopt;
    unsigned bits = 0;
    for (const char c : text) {
        if (!ascii::is_digit(c)) return std::nullopt;
        bits = bits * 10 + static_cast<unsigned>(c - '0');
    }
    return bits;
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

std::optional<Address> parse_peer(std::string_view text) {
    return parse_address(text.substr(0, text.find('%')));
}

AddressText::AddressText(const Address& address) {
    static_assert(std::tuple_size_v<decltype(text_)> == INET6_ADDRSTRLEN);
    if (is_v4(address)) { // by hand: inet_ntop prints 200 ns long
        char* end = text_.data();
        for (std::size_t i = mapped_bits / 8; i < address.size(); ++i) {
            if (end != text_.data()) *end++ = '.';
            end = std::to_chars(end, text_.data() + text_.size(), address[i]).ptr;
        }
        size_ = static_cast<std::uint8_t>(end - text_.data());
        return;
    }
    inet_ntop(AF_INET6, address.data(), text_.data(), static_cast<socklen_t>(text_.size()));
    size_ = static_cast<std::uint8_t>(std::strlen(text_.data()));
}

std::optional<Network> parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Network{*address, 128};
    const auto bits = parse_bits(text.substr(slash + 1));
    // The mask is one of the notation that the address is written in.
    const bool is_dotted = text.find(':') == std::string_view::npos;
    if (!bits || *bits > (is_dotted ? 32 : 128)) return std::nullopt;
    const Network network{*address,
                          static_cast<std::uint8_t>(*bits + (is_dotted ? mapped_bits : 0))};
    if (!is_zero_behind(network.address, network.bits)) return std::nullopt;
    return network;
}

bool is_within(const Address& address, const Network& network) {
    const bool is_same_family =
        is_v4(address) == (network.bits >= mapped_bits && is_v4(network.address));
    return is_same_family && have_same_beginning(address, network.address, network.bits);
}

bool is_within(const Address& address, std::span<const Network> networks) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const Network& network) { return is_within(address, network); });
}

} // namespace keygate
