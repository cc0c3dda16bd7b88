// PROXY headers. However the bytes are cut, they come to the same header; what is known to be
// invalid stays so; and who is told of is told in the one spelling that other readers have for it.

#include "base/networks.hpp"
#include "net/proxy_header.hpp"

#include <string>

#include "fuzz/input.hpp"

using namespace keygate;
using fuzz::hold;
using net::ProxyHeader;
using State = net::ProxyHeader::State;

namespace {

bool are_same(const ProxyHeader& one, const ProxyHeader& other) {
    return one.state == other.state && one.size == other.size && one.is_local == other.is_local &&
           one.address == other.address && one.port == other.port;
}

/// How version 1 is written by those who write it.
std::string line_of(const ProxyHeader& header) {
    if (header.is_local) return "PROXY UNKNOWN\r\n";
    const bool is_v6 = header.address.find(':') != std::string::npos;
    const std::string target = is_v6 ? "::1" : "127.0.0.1";
    return std::string{"PROXY "} + (is_v6 ? "TCP6 " : "TCP4 ") + header.address + ' ' + target +
           ' ' + std::to_string(header.port) + " 1\r\n";
}

void check_complete(const ProxyHeader& header, std::string_view text) {
    hold(header.size >= 15 && header.size <= text.size(), "it ends within the bytes", text);
    hold(header.size <= net::most_of_a_proxy_header, "it is bounded", text);
    hold(!text.starts_with('P') || text.substr(0, header.size).ends_with("\r\n"),
         "a line has its end", text);
    hold(are_same(net::read_proxy_header(text.substr(0, header.size)), header),
         "what follows is nothing to it", text);
    hold(header.is_local == header.address.empty(), "a client has an address", text);
    if (!header.is_local) {
        const auto address = parse_address(header.address);
        hold(address.has_value(), "the address is one", header.address);
        hold(AddressText{*address}.view() == header.address, "and is spelt as it is everywhere",
             header.address);
    }
    const std::string line = line_of(header);
    ProxyHeader again = net::read_proxy_header(line);
    again.size = header.size;
    hold(are_same(again, header), "written and read it is the same", line);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::vector<char> bytes = fuzz::exact(text);
    const ProxyHeader whole = net::read_proxy_header(fuzz::view(bytes));
    if (whole.state == State::complete) check_complete(whole, text);
    hold(whole.state != State::incomplete || size < net::most_of_a_proxy_header,
         "nobody waits for ever", text);

    // Byte by byte: incomplete, and from one byte on what it is.
    for (std::size_t part = 0; part < size; ++part) {
        const std::vector<char> some = fuzz::exact(text.substr(0, part));
        const ProxyHeader seen = net::read_proxy_header(fuzz::view(some));
        if (seen.state == State::incomplete) continue;
        hold(are_same(seen, whole), "the same in any pieces", text);
        return 0;
    }
    return 0;
}
