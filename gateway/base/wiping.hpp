#pragma once

#include "base/secret.hpp"

#include <cstddef>
#include <memory>
#include <string>

// Memory that is overwritten when it is given back: for what may hold a raw key or a token before
// anybody has looked at it. A buffer that grows leaves no copy behind either.
namespace keygate {

/// std::allocator, but for that.
template <class T> struct WipingAllocator {
    using value_type = T;

    WipingAllocator() = default;

    template <class U>
    WipingAllocator(const WipingAllocator<U>&) {} // NOLINT(google-explicit-constructor)

    [[nodiscard]] T* allocate(std::size_t count) { return std::allocator<T>{}.allocate(count); }

    void deallocate(T* memory, std::size_t count) {
        wipe(reinterpret_cast<char*>(memory), count * sizeof(T));
        std::allocator<T>{}.deallocate(memory, count);
    }

    bool operator==(const WipingAllocator&) const = default;
};

/// Texts of up to 15 bytes lie in the object itself and are not wiped: no key is that short.
using WipingString = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

/// Removes the first `count` bytes; what was moved to the front is nowhere else any more.
inline void drop_front(WipingString& text, std::size_t count) {
    const std::size_t size = text.size();
    text.erase(0, count);
    // The bytes behind the end still belong to the string.
    text.resize(size);
    wipe(text.data() + size - count, count);
    text.resize(size - count);
}

} // namespace keygate
