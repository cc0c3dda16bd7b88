#include "keys/digest.hpp"

#include "base/ascii.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace keygate::keys {
namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

[[noreturn]] void no_sha256() {
    throw std::runtime_error("OpenSSL does not offer SHA-256");
}

/// A context that knows its algorithm. The look-up of an algorithm by name takes locks and twice
/// the time of hashing a key, so it is done once for the process and never given back.
Context make_context() {
    static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    Context context{EVP_MD_CTX_new()};
    if (sha256 == nullptr || !context || EVP_DigestInit_ex2(context.get(), sha256, nullptr) != 1)
        no_sha256();
    return context;
}

} // namespace

Digest digest_of(std::string_view key) {
    thread_local const Context context = make_context();
    Digest digest;
    // Without an algorithm the context starts over with the one that it has: no look-up.
    // (OpenSSL 3.0 still allocates its state anew, the one allocation of a request.) The final step
    // wipes the block that held the key's last bytes.
    if (EVP_DigestInit_ex2(context.get(), nullptr, nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), key.data(), key.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), digest.bytes.data(), nullptr) != 1)
        no_sha256();
    return digest;
}

std::string to_hex(const Digest& digest) {
    constexpr std::string_view letters = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * digest.bytes.size());
    for (const unsigned char byte : digest.bytes) {
        hex += letters[byte >> 4];
        hex += letters[byte & 0x0f];
    }
    return hex;
}

std::optional<Digest> digest_from_hex(std::string_view hex) {
    Digest digest;
    if (hex.size() != 2 * digest.bytes.size()) return std::nullopt;
    // One spelling for one digest: upper case is refused, as it is in the names of stored records.
    const auto value = [](char c) { return c >= 'A' && c <= 'F' ? -1 : ascii::hex_value(c); };
    for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
        const int high = value(hex[2 * i]);
        const int low = value(hex[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        digest.bytes[i] = static_cast<unsigned char>(high << 4 | low);
    }
    return digest;
}

std::optional<Digest> digest_from_text(std::string_view text) {
    constexpr std::string_view scheme = "sha256:";
    if (!text.starts_with(scheme)) return std::nullopt;
    return digest_from_hex(text.substr(scheme.size()));
}

} // namespace keygate::keys
