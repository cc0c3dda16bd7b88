#include "net/proxy_header.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace keygate;
using net::ProxyHeader;
using net::read_proxy_header;
using State = ProxyHeader::State;
using namespace std::string_literals;

namespace {

std::string be16(std::size_t number) {
    return {static_cast<char>(number >> 8U), static_cast<char>(number & 0xffU)};
}

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
constexpr char command_local = '\x20';
constexpr char command_proxy = '\x21';
constexpr char unspecified = '\x00';
constexpr char tcp4 = '\x11';
constexpr char tcp6 = '\x21';
constexpr char unix_stream = '\x31';

/// @param size  as the header tells it; the rest's own unless given.
std::string version_2(char command, char family, const std::string& rest,
                      std::optional<std::size_t> size = {}) {
    return signature + command + family + be16(size.value_or(rest.size())) + rest;
}

/// 192.0.2.7 port 51234 to 198.51.100.9 port 443.
const std::string addresses_4 = "\xc0\x00\x02\x07\xc6\x33\x64\x09\xc8\x22\x01\xbb"s;
const std::string source_6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07";
const std::string addresses_6 = source_6 + std::string(15, '\0') + "\x01\xc8\x22\x01\xbb";
const std::string mapped_6 = std::string(10, '\0') + "\xff\xff\xc0\x00\x02\x07"s +
                             std::string(16, '\0') + "\xc8\x22\x01\xbb";

std::string extra(char type, const std::string& value, std::optional<std::size_t> size = {}) {
    return type + be16(size.value_or(value.size())) + value;
}

/// Bit by bit, as it is defined.
std::string checksum_of(const std::string& header) {
    std::uint32_t state = ~0U;
    for (const char c : header) {
        state ^= static_cast<std::uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit)
            state = (state & 1U) != 0 ? 0x82f63b78U ^ (state >> 1U) : state >> 1U;
    }
    state = ~state;
    return be16(state >> 16U) + be16(state & 0xffffU);
}

/// With a checksum between other extras.
std::string checked(const std::string& addresses, char family) {
    const std::string before = extra('\x04', "padding");
    const std::string after = extra('\x02', "api.example.com");
    const std::string zero = extra('\x03', std::string(4, '\0'));
    std::string header = version_2(command_proxy, family, addresses + before + zero + after);
    const std::size_t at = 16 + addresses.size() + before.size() + 3;
    header.replace(at, 4, checksum_of(header));
    return header;
}

std::string with_byte(std::string header, std::size_t at, char byte) {
    header[at] = byte;
    return header;
}

struct Good {
    std::string bytes;
    std::string address; // empty: local
    std::uint16_t port = 0;
};

const std::string longest_4 = "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
const std::string longest_6 = "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
const std::string longest_unknown = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";

const std::vector<Good> good_ones{
    {"PROXY TCP4 192.0.2.7 198.51.100.9 51234 443\r\n", "192.0.2.7", 51234},
    {"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0", 0},
    {longest_4, "255.255.255.255", 65535},
    {"PROXY TCP6 2001:db8::7 2001:db8::9 51234 443\r\n", "2001:db8::7", 51234},
    {"PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 2\r\n", "2001:db8::7", 1},
    {"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7", 1},
    {longest_6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
    {"PROXY UNKNOWN\r\n", "", 0},
    {"PROXY UNKNOWN ffff:f...f ffff:f...f 65535 65535\r\n", "", 0},
    {"PROXY UNKNOWN \x01 what ever\r\n", "", 0},
    {longest_unknown, "", 0},
    {version_2(command_local, unspecified, ""), "", 0},
    {version_2(command_local, tcp4, addresses_4), "", 0},
    {version_2(command_local, '\x7f', "anything"), "", 0},
    {version_2(command_proxy, unspecified, ""), "", 0},
    {version_2(command_proxy, unspecified, "anything"), "", 0},
    {version_2(command_proxy, tcp4, addresses_4), "192.0.2.7", 51234},
    {version_2(command_proxy, tcp6, addresses_6), "2001:db8::7", 51234},
    {version_2(command_proxy, tcp6, mapped_6), "192.0.2.7", 51234},
    {version_2(command_proxy, unix_stream, std::string(216, 'p')), "", 0},
    {version_2(command_proxy, tcp4, addresses_4 + extra('\x04', "")), "192.0.2.7", 51234},
    {version_2(command_proxy, tcp4,
               addresses_4 + extra('\x01', "h2") + extra('\xe5', std::string(300, 'x'))),
     "192.0.2.7", 51234},
    {version_2(command_proxy, tcp4, addresses_4 + extra('\x04', std::string(4081, 'x'))),
     "192.0.2.7", 51234}, // 4096 bytes
    {checked(addresses_4, tcp4), "192.0.2.7", 51234},
    {checked(addresses_6, tcp6), "2001:db8::7", 51234},
};

const std::vector<std::string> bad_ones{
    // Version 1: another word, case, space or end.
    "GET / HTTP/1.1\r\n",
    "proxy TCP4 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY\r\n",
    "PROXY \r\n",
    "PROXY  TCP4 192.0.2.7 198.51.100.9 51234 443\r\n",
    " PROXY TCP4 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY\tTCP4 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY tcp4 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY TCP 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY TCP5 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY UDP4 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY TCP4\r\n",
    "PROXY TCP4 \r\n",
    "PROXY UNKNOWNS\r\n",
    "PROXY unknown\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234 443\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234 443\r\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234 443\rX",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234 443 \r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234 443 1\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234  443\r\n",
    "PROXY TCP4 192.0.2.7  198.51.100.9 51234 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9\r\n",
    "PROXY TCP4 192.0.2.7\r\n",
    "PROXY UNKNOWN\n",
    "PROXY UNKNOWN\rX",
    // Addresses.
    "PROXY TCP4 192.0.2 198.51.100.9 51234 443\r\n",
    "PROXY TCP4 192.0.2.256 198.51.100.9 51234 443\r\n",
    "PROXY TCP4 192.0.2.07 198.51.100.9 51234 443\r\n",
    "PROXY TCP4 192.0.2.7.1 198.51.100.9 51234 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.009 51234 443\r\n",
    "PROXY TCP4 0xc0.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY TCP4 api.test 198.51.100.9 51234 443\r\n",
    "PROXY TCP4 2001:db8::7 2001:db8::9 51234 443\r\n",
    "PROXY TCP4 192.0.2.7 2001:db8::9 51234 443\r\n",
    "PROXY TCP4 192.0.2.7"s + '\0' + " 198.51.100.9 51234 443\r\n",
    "PROXY TCP6 192.0.2.7 198.51.100.9 51234 443\r\n",
    "PROXY TCP6 2001:db8::7 198.51.100.9 51234 443\r\n",
    "PROXY TCP6 [2001:db8::7] ::1 51234 443\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 51234 443\r\n",
    "PROXY TCP6 2001:db8:::7 ::1 51234 443\r\n",
    "PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 51234 443\r\n",
    // Ports.
    "PROXY TCP4 192.0.2.7 198.51.100.9 65536 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234 65536\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 4294967297 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 051234 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 00 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 51234 0443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 -1 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 +1 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 0x1 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9 1a 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.9  443\r\n",
    // 108 bytes.
    "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n",
    "PROXY " + std::string(101, 'x'),
    "PROXY UNKNOWN " + std::string(92, 'x') + "\r",
    // Version 2: another signature, version, command, family.
    with_byte(version_2(command_proxy, tcp4, addresses_4), 3, '\r'),
    with_byte(version_2(command_proxy, tcp4, addresses_4), 11, '\r'),
    version_2('\x11', tcp4, addresses_4),
    version_2('\x31', tcp4, addresses_4),
    version_2('\x22', tcp4, addresses_4),
    version_2('\x2f', tcp4, addresses_4),
    version_2(command_proxy, '\x01', addresses_4),
    version_2(command_proxy, '\x10', addresses_4),
    version_2(command_proxy, '\x12', addresses_4), // datagrams
    version_2(command_proxy, '\x22', addresses_6),
    version_2(command_proxy, '\x32', std::string(216, 'p')),
    version_2(command_proxy, '\x41', addresses_6),
    version_2(command_proxy, '\x13', addresses_4),
    // Lengths.
    version_2(command_proxy, tcp4, ""),
    version_2(command_proxy, tcp4, addresses_4.substr(1)),
    version_2(command_proxy, tcp6, addresses_4),
    version_2(command_proxy, tcp6, addresses_6.substr(1)),
    version_2(command_proxy, unix_stream, std::string(215, 'p')),
    version_2(command_proxy, tcp4, addresses_4, 4097),
    version_2(command_local, unspecified, "", 4097),
    version_2(command_local, unspecified, "", 65535),
    // What follows the addresses.
    version_2(command_proxy, tcp4, addresses_4 + "\x04"),
    version_2(command_proxy, tcp4, addresses_4 + "\x04\x00"s),
    version_2(command_proxy, tcp4, addresses_4 + extra('\x04', "", 1)),
    version_2(command_proxy, tcp4, addresses_4 + extra('\x04', "abc", 2)),
    version_2(command_proxy, tcp4, addresses_4 + extra('\x04', "abc", 4)),
    version_2(command_proxy, tcp4, addresses_4 + extra('\x04', "abc", 65535)),
    // Checksums.
    version_2(command_proxy, tcp4, addresses_4 + extra('\x03', std::string(4, '\0'))),
    version_2(command_proxy, tcp4, addresses_4 + extra('\x03', "")),
    version_2(command_proxy, tcp4, addresses_4 + extra('\x03', "abcde")),
    with_byte(checked(addresses_4, tcp4), 19, '\x08'),
    with_byte(checked(addresses_4, tcp4), 40, '\x08'),
};

/// The number of bytes from which on it is known that they begin no header.
std::size_t known_from(const std::string& bytes) {
    std::size_t size = 0;
    while (size < bytes.size() &&
           read_proxy_header(std::string_view{bytes}.substr(0, size)).state == State::incomplete)
        ++size;
    return size;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_proxy_header)

BOOST_AUTO_TEST_CASE(a_header_says_who_the_client_is) {
    for (const Good& row : good_ones)
        for (const std::string& behind : {""s, "GET / HTTP/1.1\r\n"s, "\r\n"s, row.bytes}) {
            BOOST_TEST_CONTEXT(row.bytes) {
                const ProxyHeader header = read_proxy_header(row.bytes + behind);
                BOOST_TEST((header.state == State::complete));
                BOOST_TEST(header.size == row.bytes.size());
                BOOST_TEST(header.is_local == row.address.empty());
                BOOST_TEST(header.address == row.address);
                BOOST_TEST(header.port == row.port);
            }
        }
}

BOOST_AUTO_TEST_CASE(a_header_is_incomplete_up_to_its_last_byte) {
    for (const Good& row : good_ones)
        for (std::size_t size = 0; size < row.bytes.size(); ++size) {
            const auto part = std::string_view{row.bytes}.substr(0, size);
            BOOST_TEST_CONTEXT(part)
            BOOST_TEST((read_proxy_header(part).state == State::incomplete));
        }
    BOOST_TEST(longest_unknown.size() == 107U);
    BOOST_TEST(longest_4.size() == 56U);
    BOOST_TEST(longest_6.size() == 104U);
}

BOOST_AUTO_TEST_CASE(what_is_no_header_is_invalid) {
    for (const std::string& bytes : bad_ones)
        BOOST_TEST_CONTEXT(bytes) {
            BOOST_TEST((read_proxy_header(bytes).state == State::invalid));
            // And stays so, whatever follows.
            for (std::size_t size = known_from(bytes); size <= bytes.size(); ++size)
                BOOST_TEST((read_proxy_header(std::string_view{bytes}.substr(0, size)).state ==
                            State::invalid));
        }
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_more_than_a_header) {
    for (const std::string& begin :
         {"PROXY "s, "PROXY UNKNOWN "s, signature + "\x21\x11\x10\x00"s}) {
        std::string bytes = begin;
        while (read_proxy_header(bytes).state == State::incomplete)
            bytes += 'x';
        BOOST_TEST(bytes.size() <= net::most_of_a_proxy_header);
    }
    BOOST_TEST((read_proxy_header(std::string(300, '\r')).state == State::invalid));
}

BOOST_AUTO_TEST_CASE(any_single_bit_that_changes_is_seen_by_the_checksum) {
    const std::string right = checked(addresses_6, tcp6);
    for (std::size_t at = 16; at < right.size(); ++at)
        for (unsigned bit = 0; bit < 8; ++bit) {
            const std::string wrong = with_byte(
                right, at, static_cast<char>(static_cast<unsigned char>(right[at]) ^ 1U << bit));
            const ProxyHeader header = read_proxy_header(wrong);
            const bool is_type = right.compare(at, 3, "\x03\x00\x04"s) == 0;
            // Where it is called something else nobody looks for it.
            if (!is_type) BOOST_TEST((header.state == State::invalid));
        }
}

BOOST_AUTO_TEST_SUITE_END()
