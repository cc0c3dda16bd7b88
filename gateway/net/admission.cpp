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

void Admission::set_bounds(std::uint32_t max_connections,
                           std::optional<std::uint32_t> max_per_address) {
    const std::lock_guard lock{mutex_};
    max_.store(max_connections, std::memory_order_relaxed);
    max_per_address_ = max_per_address;
}

std::optional<Refusal> Admission::enter(std::string_view address) {
    auto refusal = enter();
    if (refusal) return refusal;
    refusal = enter_address(address);
    if (refusal) leave();
    return refusal;
}

std::optional<Refusal> Admission::enter() {
    const std::uint32_t max = max_.load(std::memory_order_relaxed);
    if (open_.fetch_add(1, std::memory_order_relaxed) < max) return std::nullopt;
    leave();
    return Refusal{Reason::overloaded};
}

std::optional<Refusal> Admission::enter_address(std::string_view address) {
    std::string group = address_group(address);
    const std::lock_guard lock{mutex_};
    std::uint32_t& open = by_address_[std::move(group)];
    if (max_per_address_ && open >= *max_per_address_) return Refusal{Reason::overloaded};
    ++open;
    return std::nullopt;
}

void Admission::leave() {
    open_.fetch_sub(1, std::memory_order_relaxed);
}

void Admission::leave(std::string_view address) {
    leave();
    const std::string group = address_group(address);
    const std::lock_guard lock{mutex_};
    const auto found = by_address_.find(group);
    if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

Refusal refuse_slow_client() {
    return Refusal{Reason::client_timeout};
}

} // namespace keygate::net
