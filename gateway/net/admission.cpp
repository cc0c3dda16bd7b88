#include "net/admission.hpp"

#include <boost/asio/ip/address_v6.hpp>

namespace keygate::net {

std::string address_group(std::string_view address) {
    boost::system::error_code error;
    const auto v6 = boost::asio::ip::make_address_v6(address, error);
    if (error) return std::string{address};
    const auto bytes = v6.to_bytes();
    return {bytes.begin(), bytes.begin() + 8};
}

std::optional<Refusal> Admission::enter(std::string_view address) {
    if (open_.fetch_add(1, std::memory_order_relaxed) < max_ && enter_by_address(address))
        return std::nullopt;
    open_.fetch_sub(1, std::memory_order_relaxed);
    return Refusal{Reason::overloaded};
}

bool Admission::enter_by_address(std::string_view address) {
    if (!max_per_address_) return true;
    const std::lock_guard lock{mutex_};
    std::uint32_t& open = by_address_[address_group(address)];
    if (open >= *max_per_address_) return false;
    ++open;
    return true;
}

void Admission::leave(std::string_view address) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    if (!max_per_address_) return;
    const std::lock_guard lock{mutex_};
    const auto found = by_address_.find(address_group(address));
    if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

Refusal refuse_slow_client() {
    return Refusal{Reason::client_timeout};
}

} // namespace keygate::net
