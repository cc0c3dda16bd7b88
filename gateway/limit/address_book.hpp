#pragma once

#include "limit/counters.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace keygate::limit {

/// The client addresses that limits count by, with their subjects' numbers: at most 65,536 of them,
/// whatever arrives. Of more, the one that was not seen longest is forgotten with what it has
/// used. Any thread.
class AddressBook {
  public:
    /// The book's numbers are the counters'.
    explicit AddressBook(Counters& counters);

    /// @param group  who counts as one (net::address_group), within one API.
    [[nodiscard]] std::uint32_t number_of(std::string_view api, std::string_view group);

    /// Addresses that are known.
    [[nodiscard]] std::size_t size() const;

  private:
    // One part of the book: an address goes to a part by its hash.
    struct Part {
        using Seen = std::list<std::pair<std::string, std::uint32_t>>; // the latest is first

        mutable std::mutex mutex; // held for one look
        Seen seen;
        std::unordered_map<std::string_view, Seen::iterator> known; // views of `seen`
        std::uint32_t next = 0;                                     // never given so far
        std::uint32_t end = 0;
    };

    Counters& counters_;
    std::array<Part, 64> parts_;
};

/// Numbers of routes that limits count by, the same in each configuration that has the route.
/// Thousands at most: they are never given back. One thread at a time.
class RouteBook {
  public:
    [[nodiscard]] std::uint32_t number_of(const std::string& api, const std::string& route);

  private:
    std::unordered_map<std::string, std::uint32_t> known_;
};

} // namespace keygate::limit
