#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace keygate::keys {

/// Scopes of one API as bits; the configuration allows 128.
class ScopeSet {
  public:
    static constexpr std::size_t capacity = 128;

    /// The first `count` scopes.
    [[nodiscard]] static constexpr ScopeSet first(std::size_t count) {
        ScopeSet set;
        for (std::size_t i = 0; i < count; ++i)
            set.add(i);
        return set;
    }

    constexpr void add(std::size_t scope) { words_[scope / 64] |= bit(scope); }

    constexpr void add_all(const ScopeSet& others) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] |= others.words_[i];
    }

    /// Leaves what is in the other set, too.
    constexpr void cut_to(const ScopeSet& others) {
        for (std::size_t i = 0; i < words_.size(); ++i)
            words_[i] &= others.words_[i];
    }

    [[nodiscard]] constexpr bool has(std::size_t scope) const {
        return (words_[scope / 64] & bit(scope)) != 0;
    }

    [[nodiscard]] constexpr bool has_all(const ScopeSet& needed) const {
        return (needed.words_[0] & ~words_[0]) == 0 && (needed.words_[1] & ~words_[1]) == 0;
    }

    [[nodiscard]] constexpr bool has_any(const ScopeSet& needed) const {
        return ((needed.words_[0] & words_[0]) | (needed.words_[1] & words_[1])) != 0;
    }

    bool operator==(const ScopeSet&) const = default;

  private:
    static constexpr std::uint64_t bit(std::size_t scope) { return std::uint64_t{1} << scope % 64; }

    std::array<std::uint64_t, 2> words_{};
};

} // namespace keygate::keys
