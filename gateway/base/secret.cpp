#include "base/secret.hpp"

#include <openssl/crypto.h>

#include <array>
#include <cstring>

namespace keygate {

void wipe(char* data, std::size_t size) {
    // An empty container may have no memory at all, and a null pointer is not for C functions.
    if (size > 0) ::explicit_bzero(data, size);
}

[[gnu::noinline]] void wipe_stack() {
    std::array<char, std::size_t{16} * 1024> below{};
    wipe(below.data(), below.size());
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        clear();
        text_ = std::move(other.text_);
    }
    return *this;
}

bool Secret::matches(std::string_view other) const {
    return text_.size() == other.size() &&
           CRYPTO_memcmp(text_.data(), other.data(), other.size()) == 0;
}

void Secret::clear() {
    wipe(text_.data(), text_.size());
    text_.clear();
}

} // namespace keygate
