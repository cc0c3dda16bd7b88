#include "net/proxy_header.hpp"

#include "base/ascii.hpp"
#include "base/networks.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace keygate::net {

namespace {

using State = ProxyHeader::State;

// Section 2.1: the longest line, with its end.
constexpr std::size_t most_of_version_1 = 107;
constexpr std::string_view begin_of_version_1 = "PROXY ";
// Section 2.2
constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t fixed_part = 16;
constexpr std::uint8_t type_crc32c = 3;

ProxyHeader invalid() {
    ProxyHeader header;
    header.state = State::invalid;
    return header;
}

/// Of a client that nobody tells of.
ProxyHeader local(std::size_t size) {
    ProxyHeader header;
    header.state = State::complete;
    header.size = size;
    header.is_local = true;
    return header;
}

ProxyHeader of_client(std::size_t size, const Address& address, std::uint16_t port) {
    ProxyHeader header;
    header.state = State::complete;
    header.size = size;
    header.address = AddressText{address}.view();
    header.port = port;
    return header;
}

// --- version 1 ---

/// What stands before the next space, which is skipped; the last word has none.
std::optional<std::string_view> take_word(std::string_view& rest, bool is_last) {
    const std::size_t space = rest.find(' ');
    if ((space == std::string_view::npos) != is_last) return {};
    const std::string_view word = rest.substr(0, space);
    rest.remove_prefix(is_last ? rest.size() : space + 1);
    return word;
}

/// 0..65535 as it is written shortest.
std::optional<std::uint16_t> port_of(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text.front() == '0' && text.size() > 1)) return {};
    unsigned number = 0;
    for (const char c : text) {
        if (!ascii::is_digit(c)) return {};
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (number > 0xffff) return {};
    return static_cast<std::uint16_t>(number);
}

std::optional<Address> address_of(std::string_view text, bool is_v6) {
    if ((text.find(':') != std::string_view::npos) != is_v6) return {};
    return parse_address(text);
}

/// @param rest  of the line, without its end. @param size  of the line, with it.
ProxyHeader read_line(std::string_view rest, std::size_t size) {
    // Whatever else such a line says must be ignored.
    if (rest == "UNKNOWN" || rest.starts_with("UNKNOWN ")) return local(size);
    const bool is_v6 = rest.starts_with("TCP6 ");
    if (!is_v6 && !rest.starts_with("TCP4 ")) return invalid();
    rest.remove_prefix(5);
    const auto source = take_word(rest, false);
    const auto target = source ? take_word(rest, false) : std::nullopt;
    const auto source_port = target ? take_word(rest, false) : std::nullopt;
    const auto target_port = source_port ? take_word(rest, true) : std::nullopt;
    if (!target_port) return invalid();
    const auto address = address_of(*source, is_v6);
    const auto port = port_of(*source_port);
    if (!address || !port || !address_of(*target, is_v6) || !port_of(*target_port))
        return invalid();
    return of_client(size, *address, *port);
}

ProxyHeader read_version_1(std::string_view bytes) {
    const std::string_view line = bytes.substr(0, most_of_version_1);
    const std::size_t end = line.find_first_of("\r\n");
    const bool may_grow = line.size() < most_of_version_1;
    if (end == std::string_view::npos) return may_grow ? ProxyHeader{} : invalid();
    if (line[end] == '\n') return invalid();
    if (end + 1 == line.size()) return may_grow ? ProxyHeader{} : invalid();
    if (line[end + 1] != '\n') return invalid();
    const std::size_t begin = begin_of_version_1.size();
    return read_line(line.substr(begin, end - begin), end + 2);
}

// --- version 2 ---

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8U | byte_at(bytes, at + 1));
}

std::uint32_t long_at(std::string_view bytes, std::size_t at) {
    return std::uint32_t{number_at(bytes, at)} << 16U | number_at(bytes, at + 2);
}

/// Castagnoli's, RFC 4960 appendix B.
class Crc32c {
  public:
    void add(std::string_view bytes) {
        for (const char c : bytes)
            state_ = table[(state_ ^ static_cast<std::uint8_t>(c)) & 0xffU] ^ (state_ >> 8U);
    }

    [[nodiscard]] std::uint32_t value() const { return ~state_; }

  private:
    static constexpr std::array<std::uint32_t, 256> table = [] {
        std::array<std::uint32_t, 256> made{};
        for (std::uint32_t i = 0; i < made.size(); ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit)
                value = (value & 1U) != 0 ? 0x82f63b78U ^ (value >> 1U) : value >> 1U;
            made[i] = value;
        }
        return made;
    }();

    std::uint32_t state_ = ~0U;
};

/// Section 2.2.3: of the whole header, with 0 in the checksum's own place.
bool is_checksum_right(std::string_view header, std::size_t at) {
    constexpr std::string_view zeros{"\0\0\0\0", 4};
    Crc32c crc;
    crc.add(header.substr(0, at));
    crc.add(zeros);
    crc.add(header.substr(at + zeros.size()));
    return crc.value() == long_at(header, at);
}

/// What follows the addresses: a type, a length, and so many bytes, again and again.
bool are_extras_right(std::string_view header, std::size_t at) {
    bool has_checksum = false;
    while (at < header.size()) {
        if (header.size() - at < 3) return false;
        const std::uint8_t type = byte_at(header, at);
        const std::size_t size = number_at(header, at + 1);
        at += 3;
        if (header.size() - at < size) return false;
        if (type == type_crc32c) {
            if (has_checksum || size != 4 || !is_checksum_right(header, at)) return false;
            has_checksum = true;
        }
        at += size;
    }
    return true;
}

/// How addresses are given: their kind, and how many bytes they take.
enum class Family : std::uint8_t {
    none = 0x00, // AF_UNSPEC
    v4 = 0x11,   // AF_INET, SOCK_STREAM
    v6 = 0x21,
    path = 0x31 // AF_UNIX
};

std::optional<std::size_t> size_of(Family family) {
    switch (family) {
    case Family::none:
        return 0;
    case Family::v4:
        return 12;
    case Family::v6:
        return 36;
    case Family::path:
        return 216;
    }
    return {}; // datagrams among them: who sends those is not here
}

Address address_at(std::string_view header, Family family) {
    Address address{};
    const bool is_v4 = family == Family::v4;
    if (is_v4) address[10] = address[11] = 0xff;
    const std::string_view bytes = header.substr(fixed_part, is_v4 ? 4 : 16);
    std::copy(bytes.begin(), bytes.end(), address.end() - static_cast<int>(bytes.size()));
    return address;
}

ProxyHeader read_version_2(std::string_view bytes) {
    if (bytes.size() > 12 && byte_at(bytes, 12) != 0x20 && byte_at(bytes, 12) != 0x21)
        return invalid();
    if (bytes.size() < fixed_part) return {};
    const bool is_local = byte_at(bytes, 12) == 0x20;
    const std::size_t size = fixed_part + number_at(bytes, 14);
    const auto family = static_cast<Family>(byte_at(bytes, 13));
    const auto addresses = size_of(family);
    if (size > most_of_a_proxy_header) return invalid();
    // The family of one that speaks for itself is ignored.
    if (!is_local && (!addresses || size < fixed_part + *addresses)) return invalid();
    if (bytes.size() < size) return {};
    if (is_local || family == Family::none) return local(size);
    const std::string_view header = bytes.substr(0, size);
    if (!are_extras_right(header, fixed_part + *addresses)) return invalid();
    if (family == Family::path) return local(size);
    const std::size_t port = fixed_part + (family == Family::v4 ? 8 : 32);
    return of_client(size, address_at(header, family), number_at(header, port));
}

/// As far as there are bytes.
bool begins_as(std::string_view bytes, std::string_view begin) {
    const std::size_t size = std::min(bytes.size(), begin.size());
    return bytes.substr(0, size) == begin.substr(0, size);
}

} // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
    if (begins_as(bytes, begin_of_version_1)) return read_version_1(bytes);
    if (begins_as(bytes, signature)) return read_version_2(bytes);
    return invalid();
}

} // namespace keygate::net
