#include "keys/address_list.hpp"

#include "config/text.hpp"

#include <algorithm>

namespace keygate::keys {

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

bool AddressList::contains(std::string_view peer) const {
    const auto address = parse_peer(peer);
    return address && is_within(*address, networks_);
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
