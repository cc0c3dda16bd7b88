#include "redis/sha1.hpp"

#include <openssl/evp.h>

#include <array>

namespace keygate::redis {

std::string sha1_of(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha1(), nullptr) != 1)
        return {};
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        constexpr std::string_view letters = "0123456789abcdef";
        hex += letters[bytes[i] >> 4];
        hex += letters[bytes[i] & 0x0f];
    }
    return hex;
}

} // namespace keygate::redis
