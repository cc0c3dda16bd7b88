#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

// What every target here shares. A target states properties; the first one that does not hold ends
// the program, and libFuzzer keeps the input.
namespace keygate::fuzz {

/// Ends the program unless the property holds. `seen` is what shows it best.
inline void hold(bool holds, std::string_view property, std::string_view seen = {}) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %.*s\n%.*s\n", static_cast<int>(property.size()),
                 property.data(), static_cast<int>(seen.size()), seen.data());
    std::abort();
}

/// The fuzzer's bytes: a text as it would come over the wire, and behind it single bytes that
/// choose how it is looked at. In this order files of the corpus can be read and written by hand.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size)
        : bytes_(reinterpret_cast<const char*>(data), size) {}

    /// The last byte that has not been taken; 0 if nothing is left.
    std::uint8_t choice() {
        if (bytes_.empty()) return 0;
        const auto byte = static_cast<std::uint8_t>(bytes_.back());
        bytes_.remove_suffix(1);
        return byte;
    }

    [[nodiscard]] std::string_view text() const { return bytes_; }

  private:
    std::string_view bytes_;
};

/// A copy that ends where its memory ends, so that the sanitizer sees the first byte too many.
inline std::vector<char> exact(std::string_view text) {
    std::vector<char> copy(text.begin(), text.end());
    copy.shrink_to_fit();
    return copy;
}

inline std::string_view view(const std::vector<char>& bytes) {
    return {bytes.data(), bytes.size()};
}

/// In what pieces bytes come: four sizes that go round.
class Pieces {
  public:
    explicit Pieces(Input& input) {
        for (std::size_t& size : sizes_)
            size = std::size_t{input.choice()} + 1;
    }

    /// The next piece of what is left, never empty unless nothing is.
    std::size_t next(std::size_t left) { return std::min(left, sizes_[turn_++ % 4]); }

  private:
    std::size_t sizes_[4]{};
    std::size_t turn_ = 0;
};

} // namespace keygate::fuzz
