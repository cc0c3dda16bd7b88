#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace keygate::keys {

/// SHA-256 of a whole key: the handle under which its record is found. Not a secret by itself (keys
/// have at least 128 random bits), so it may stand in stores; it is still never logged.
struct Digest {
    std::array<unsigned char, 32> bytes{};

    bool operator==(const Digest&) const = default;
};

/// SHA-256 of a key's text. Fast (one context per thread, the algorithm fetched once); any thread.
[[nodiscard]] Digest digest_of(std::string_view key);

/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(const Digest& digest);

/// From exactly 64 lower-case hexadecimal digits.
[[nodiscard]] std::optional<Digest> digest_from_hex(std::string_view hex);

/// Reads the form of imports, `sha256:<64 lower-case hex>`.
[[nodiscard]] std::optional<Digest> digest_from_text(std::string_view text);

/// A digest is random already: eight of its bytes are a hash.
struct DigestHash {
    using is_avalanching = void;

    std::size_t operator()(const Digest& digest) const {
        std::size_t value = 0;
        std::memcpy(&value, digest.bytes.data(), sizeof value);
        return value;
    }
};

} // namespace keygate::keys
