#pragma once

#include "keys/cache.hpp"

#include <cstdint>
#include <memory>

// What requests ask the store's keeper, and what they are told.
namespace keygate::keys {

class Desk;

struct Question {
    Digest digest;
    BootTime t; // when the request was read
    std::shared_ptr<Cache> cache;
    EntryRef last_known; // whose owner is probably still the same; may be null
    Desk* desk = nullptr;
    std::uint64_t ticket = 0; // of the desk
};

struct Answer {
    enum class Kind : std::uint8_t {
        known,
        unknown,
        invalid,    // store_invalid
        unavailable // store_unavailable
    };

    std::uint64_t ticket = 0;
    Kind kind = Kind::unavailable;
    EntryRef entry; // of `known`, compiled for the question's cache
    bool is_stale = false;
};

} // namespace keygate::keys
