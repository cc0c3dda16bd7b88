#include "base/secret.hpp"

#include <openssl/crypto.h>

namespace keygate {

void wipe(char* data, std::size_t size) {
    OPENSSL_cleanse(data, size);
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        clear();
        text_ = std::move(other.text_);
        other.clear();
    }
    return *this;
}

bool Secret::matches(std::string_view other) const {
    return text_.size() == other.size() &&
           CRYPTO_memcmp(text_.data(), other.data(), other.size()) == 0;
}

void Secret::clear() {
    // A short text lives inside the object and survives a move: wipe the whole capacity.
    text_.resize(text_.capacity());
    wipe(text_.data(), text_.size());
    text_.clear();
}

} // namespace keygate
