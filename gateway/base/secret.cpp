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
