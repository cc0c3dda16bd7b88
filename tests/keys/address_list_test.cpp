#include "keys/address_list.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace keygate::keys {
namespace {

AddressList list_of(const std::vector<std::string>& texts) {
    auto list = AddressList::parse(texts);
    BOOST_TEST_REQUIRE(list.value.has_value(), list.wrong);
    return std::move(*list.value);
}

struct Case {
    std::string network;
    std::string peer;
    bool is_in;
};

BOOST_AUTO_TEST_SUITE(keys_address_list)

BOOST_AUTO_TEST_CASE(a_peer_is_in_a_network_or_it_is_not) {
    const std::vector<Case> cases{
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"192.0.2.7/32", "192.0.2.7", true},
        {"192.0.2.0/24", "192.0.2.0", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.0/24", "192.0.1.255", false},
        {"192.0.2.0/25", "192.0.2.127", true},
        {"192.0.2.0/25", "192.0.2.128", false},
        {"192.0.2.4/31", "192.0.2.5", true},
        {"192.0.2.4/31", "192.0.2.6", false},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"0.0.0.0/0", "::1", false},
        // IPv4 in an IPv6 coat is the same host, in the list and as the peer.
        {"192.0.2.0/24", "::ffff:192.0.2.7", true},
        {"192.0.2.0/24", "::ffff:c000:207", true},
        {"192.0.2.0/24", "::FFFF:192.0.2.7", true},
        {"::ffff:192.0.2.7", "192.0.2.7", true},
        {"::ffff:192.0.2.0/120", "192.0.2.9", true},
        {"::ffff:192.0.2.0/120", "192.0.3.9", false},
        {"::ffff:0:0/96", "203.0.113.9", true},
        // The old compatible form is another address.
        {"192.0.2.7", "::192.0.2.7", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.7", false},
        {"::/0", "::ffff:192.0.2.7", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::1", "2001:0db8:0:0:0:0:0:1", true},
        {"2001:db8::/127", "2001:db8::1", true},
        {"2001:db8::/127", "2001:db8::2", false},
        {"fe80::1", "fe80::1%eth0", true},
        {"fe80::/64", "fe80::1%2", true},
        {"::1", "127.0.0.1", false},
        // What is no address is nowhere.
        {"0.0.0.0/0", "", false},
        {"0.0.0.0/0", "localhost", false},
        {"0.0.0.0/0", "192.0.2", false},
        {"0.0.0.0/0", "192.0.2.256", false},
        {"0.0.0.0/0", "192.0.2.7 ", false},
        {"0.0.0.0/0", "192.0.2.7:80", false},
        {"0.0.0.0/0", "0x7f.0.0.1", false},
        {"0.0.0.0/0", "192.0.02.7", false},
        {"0.0.0.0/0", {"192.0.2.7\0", 10}, false},
        {"::/0", "[::1]", false},
    };
    for (const Case& one : cases)
        BOOST_TEST_CONTEXT(one.network << " and " << one.peer) {
            BOOST_TEST(list_of({one.network}).contains(one.peer) == one.is_in);
        }
}

BOOST_AUTO_TEST_CASE(one_network_of_several_is_enough_and_none_holds_nobody) {
    const AddressList list = list_of({"192.0.2.7", "2001:db8::/32", "198.51.100.0/24"});
    BOOST_TEST(list.contains("198.51.100.1"));
    BOOST_TEST(list.contains("2001:db8::"));
    BOOST_TEST(!list.contains("192.0.2.8"));
    BOOST_TEST(list_of({}).is_empty());
    BOOST_TEST(!list_of({}).contains("192.0.2.7"));
}

BOOST_AUTO_TEST_CASE(what_two_readers_could_read_differently_is_refused) {
    for (const std::string& text : std::vector<std::string>{
             "",
             " ",
             "*",
             "any",
             "192.0.2",
             "192.0.2.",
             "192.0.2.7.1",
             "192.0.2.256",
             "192.0.02.7",
             "0192.0.2.7",
             "0xC0.0.2.7",
             "3221225991",
             "192.0.2.7/",
             "192.0.2.7/33",
             "192.0.2.7/-1",
             "192.0.2.7/+8",
             "192.0.2.7/024",
             "192.0.2.0/24/24",
             "192.0.2.0/255.255.255.0",
             "192.0.2.7/24",
             "10.0.0.1/8",
             "192.0.2.0/ 24",
             " 192.0.2.7",
             "192.0.2.7 ",
             "192.0.2.7:80",
             "192.0.2.1-192.0.2.9",
             "192.0.2.*",
             "localhost",
             "example.com",
             "2001:db8::/129",
             "2001:db8::1/64",
             "2001:db8:::1",
             "2001:db8::1::2",
             "[2001:db8::1]",
             "fe80::1%eth0",
             "::ffff:192.0.2.7/32",
             "12345::",
             std::string{"192.0.2.7\0", 10},
             std::string(200, '1'),
         })
        BOOST_TEST_CONTEXT(text) {
            const std::vector<std::string> texts{"192.0.2.7", text};
            BOOST_TEST(!AddressList::parse(texts).value.has_value());
        }
    const std::vector<std::string> texts{"192.0.2.7/24"};
    BOOST_TEST(
        AddressList::parse(texts).wrong ==
        "expected addresses such as 192.0.2.7, or networks such as 192.0.2.0/24 with nothing "
        "behind the mask; found `192.0.2.7/24`");
    BOOST_TEST(!AddressList::parse(std::vector<std::string>(257, "192.0.2.7")).value.has_value());
}

BOOST_AUTO_TEST_CASE(a_list_covers_what_lies_within_its_networks) {
    const AddressList wide = list_of({"10.0.0.0/8", "2001:db8::/32"});
    BOOST_TEST(wide.covers(list_of({"10.1.0.0/16", "2001:db8:1::/48", "10.0.0.0/8"})));
    BOOST_TEST(wide.covers(list_of({"::ffff:10.1.0.0/112"})));
    BOOST_TEST(!wide.covers(list_of({"10.0.0.0/8", "11.0.0.0/8"})));
    BOOST_TEST(!wide.covers(list_of({"0.0.0.0/0"})));
    BOOST_TEST(!wide.covers(list_of({"2001:db8::/31"})));
    BOOST_TEST(!list_of({"::/0"}).covers(list_of({"10.0.0.1"})));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
