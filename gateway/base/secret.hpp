#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate {

/// Overwrites memory in a way that the compiler cannot leave out.
void wipe(char* data, std::size_t size);

inline void wipe(std::span<char> bytes) {
    wipe(bytes.data(), bytes.size());
}

/// Overwrites the stack below the caller, as deep as the libraries go that were called before from
/// the same place: what they kept in their own frames is gone.
void wipe_stack();

/// Text that must not be seen: a raw key, an admin token. It cannot be printed, logged, copied or
/// compared with `==`, and it is overwritten when it dies.
class Secret {
  public:
    Secret() = default;

    /// Takes the text over: what it was given as is wiped.
    explicit Secret(std::string&& text)
        : text_(text.begin(), text.end()) {
        wipe(text.data(), text.size());
    }

    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    Secret(Secret&& other) noexcept = default;

    Secret& operator=(Secret&& other) noexcept;

    ~Secret() { clear(); }

    bool operator==(const Secret&) const = delete;

    [[nodiscard]] bool empty() const { return text_.empty(); }

    /// The one way to the text; every call is a place to review. Valid while the secret lives.
    [[nodiscard]] std::string_view reveal() const { return {text_.data(), text_.size()}; }

    /// Comparison in constant time (for one length).
    [[nodiscard]] bool matches(std::string_view other) const;

  private:
    void clear();

    std::vector<char> text_; // always on the heap: a move leaves nothing behind
};

} // namespace keygate
