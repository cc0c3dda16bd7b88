#include "http/request_id.hpp"

#include <openssl/rand.h>

#include <bit>
#include <stdexcept>

namespace keygate::http {

namespace {

constexpr auto make_hex_pairs() {
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t i = 0; i < 256; ++i)
        pairs[i] = {"0123456789abcdef"[i >> 4], "0123456789abcdef"[i & 15]};
    return pairs;
}

constexpr auto hex_pairs = make_hex_pairs();

} // namespace

RequestIds::RequestIds() {
    do {
        if (RAND_bytes(reinterpret_cast<unsigned char*>(state_.data()), sizeof state_) != 1)
            throw std::runtime_error("the system gives no random bytes");
    } while (state_ == std::array<std::uint64_t, 4>{});
}

// xoshiro256++ by Blackman and Vigna.
std::uint64_t RequestIds::random() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

void RequestIds::next(WallTime now, RequestId& id) {
    const auto milliseconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    const std::uint64_t high = milliseconds << 16 | 0x7000 | (random() & 0x0FFF);
    const std::uint64_t low = (random() & 0x3FFF'FFFF'FFFF'FFFF) | 0x8000'0000'0000'0000;
    char* out = id.text_.data();
    const auto put = [&out](std::uint64_t value, int first_byte, int last_byte) {
        for (int byte = first_byte; byte <= last_byte; ++byte) {
            const auto& pair = hex_pairs[value >> (56 - 8 * byte) & 0xFF];
            *out++ = pair[0];
            *out++ = pair[1];
        }
    };
    put(high, 0, 3);
    *out++ = '-';
    put(high, 4, 5);
    *out++ = '-';
    put(high, 6, 7);
    *out++ = '-';
    put(low, 0, 1);
    *out++ = '-';
    put(low, 2, 7);
}

} // namespace keygate::http
