#pragma once

#include <cstddef>
#include <string>

namespace keygate {

/// Empties a buffer and gives its memory back: `text = {}` empties it and keeps the memory.
inline void release(std::string& text) {
    std::string{}.swap(text);
}

/// The same for a buffer that is wanted again soon, unless it has grown beyond `kept` bytes.
inline void release_beyond(std::string& text, std::size_t kept) {
    if (text.capacity() > kept)
        release(text);
    else
        text.clear();
}

} // namespace keygate
