#include "limit/address_book.hpp"

#include <stdexcept>

namespace keygate::limit {
namespace {

/// Neither names of APIs nor of routes have control characters.
std::string joined(std::string_view api, std::string_view name) {
    std::string text;
    text.reserve(api.size() + 1 + name.size());
    text.append(api);
    text += '\0';
    text.append(name);
    return text;
}

} // namespace

AddressBook::AddressBook(Counters& counters)
    : counters_(counters) {
    constexpr std::uint32_t all = 0x10000;
    const auto share = static_cast<std::uint32_t>(all / parts_.size());
    std::uint32_t begin = Counters::first_address;
    for (Part& part : parts_) {
        part.next = begin;
        begin += share;
        part.end = begin; // 0 behind the last number there is
    }
}

std::uint32_t AddressBook::number_of(std::string_view api, std::string_view group) {
    std::string name = joined(api, group);
    Part& part = parts_[std::hash<std::string>{}(name) % parts_.size()];
    const std::lock_guard lock{part.mutex};
    if (const auto known = part.known.find(name); known != part.known.end()) {
        part.seen.splice(part.seen.begin(), part.seen, known->second);
        return known->second->second;
    }
    if (part.next != part.end) {
        part.seen.emplace_front(std::move(name), part.next++);
    } else {
        const auto oldest = std::prev(part.seen.end());
        part.known.erase(oldest->first);
        counters_.reset(oldest->second);
        oldest->first = std::move(name);
        part.seen.splice(part.seen.begin(), part.seen, oldest);
    }
    part.known.emplace(part.seen.front().first, part.seen.begin());
    return part.seen.front().second;
}

std::size_t AddressBook::size() const {
    std::size_t size = 0;
    for (const Part& part : parts_) {
        const std::lock_guard lock{part.mutex};
        size += part.seen.size();
    }
    return size;
}

std::uint32_t RouteBook::number_of(const std::string& api, const std::string& route) {
    const auto next = static_cast<std::uint32_t>(Counters::first_route + known_.size());
    const auto [place, is_new] = known_.emplace(joined(api, route), next);
    if (is_new && next >= Counters::first_address)
        throw std::length_error("more routes than there are numbers");
    return place->second;
}

} // namespace keygate::limit
