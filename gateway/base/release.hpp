#pragma once

#include <cstddef>
#include <string>
#include <type_traits>

namespace keygate {

/// Empties a buffer and gives its memory back: `text = {}` empties it and keeps the memory.
template <class Allocator>
void release(std::basic_string<char, std::char_traits<char>, Allocator>& text) {
    std::remove_reference_t<decltype(text)>{}.swap(text);
}

/// The same for a buffer that is wanted again soon, unless it has grown beyond `kept` bytes.
inline void release_beyond(std::string& text, std::size_t kept) {
    if (text.capacity() > kept)
        release(text);
    else
        text.clear();
}

} // namespace keygate
