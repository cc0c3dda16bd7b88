#include "base/networks.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace keygate {
namespace {

BOOST_AUTO_TEST_SUITE(base_networks)

// What is in which network, and what is none: keys/address_list_test.cpp.

BOOST_AUTO_TEST_CASE(an_address_has_one_spelling) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::FFFF:c000:0207", "192.0.2.7"},
        {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
        {"::", "::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
    };
    for (const auto& [written, spelled] : cases)
        BOOST_TEST_CONTEXT(written) {
            const auto address = parse_address(written);
            BOOST_TEST_REQUIRE(address.has_value());
            const AddressText text{*address};
            BOOST_TEST(text.view() == spelled);
            BOOST_TEST(text.is_v6() == (spelled.find(':') != std::string::npos));
            BOOST_TEST((parse_address(text.view()) == address));
        }
}

BOOST_AUTO_TEST_CASE(a_zone_is_no_part_of_an_address) {
    BOOST_TEST((parse_peer("fe80::1%eth0") == parse_address("fe80::1")));
    BOOST_TEST((parse_peer("192.0.2.7") == parse_address("192.0.2.7")));
    BOOST_TEST(!parse_address("fe80::1%eth0").has_value());
    BOOST_TEST(!parse_peer("%eth0").has_value());
}

BOOST_AUTO_TEST_CASE(every_bit_of_a_mask_counts) {
    const Address all = *parse_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    for (unsigned bits = 1; bits <= 128; ++bits) {
        Network network{.address = {}, .bits = static_cast<std::uint8_t>(bits)};
        for (unsigned i = 0; i < bits; ++i)
            network.address[i / 8] |= static_cast<unsigned char>(0x80U >> i % 8);
        BOOST_TEST(is_within(all, network));
        Address other = all;
        other[(bits - 1) / 8] ^= static_cast<unsigned char>(0x80U >> (bits - 1) % 8);
        BOOST_TEST(!is_within(other, network));
        if (bits == 128) break;
        other = all;
        other[bits / 8] ^= static_cast<unsigned char>(0x80U >> bits % 8);
        BOOST_TEST(is_within(other, network));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate
