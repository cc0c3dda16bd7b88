#include "redis/backoff.hpp"

#include <algorithm>

namespace keygate::redis {

namespace {

constexpr std::uint64_t shortest = 25;
constexpr std::uint64_t longest = 2'000;

} // namespace

std::chrono::milliseconds Backoff::next() {
    if (tries_ == 0) {
        tries_ = 1;
        return std::chrono::milliseconds{0};
    }
    const std::uint64_t whole = std::min(shortest << (tries_ - 1), longest);
    if (whole < longest) ++tries_;
    // Marsaglia's xorshift64: spread is all that is asked of it.
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    const std::uint64_t least = whole - whole / 2;
    return std::chrono::milliseconds{least + state_ % (whole / 2 + 1)};
}

} // namespace keygate::redis
