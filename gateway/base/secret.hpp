#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace keygate {

/// Overwrites memory in a way that the compiler cannot leave out.
void wipe(char* data, std::size_t size);

/// Text that must not be seen: a raw key, an admin token. It cannot be printed, logged, copied or
/// compared with `==`, and it is overwritten when it dies.
class Secret {
  public:
    Secret() = default;

    explicit Secret(std::string text)
        : text_(std::move(text)) {}

    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    Secret(Secret&& other) noexcept
        : text_(std::move(other.text_)) {
        other.clear();
    }

    Secret& operator=(Secret&& other) noexcept;

    ~Secret() { clear(); }

    bool operator==(const Secret&) const = delete;

    [[nodiscard]] bool empty() const { return text_.empty(); }

    /// The one way to the text; every call is a place to review. Valid while the secret lives.
    [[nodiscard]] std::string_view reveal() const { return text_; }

    /// Comparison in constant time (for one length).
    [[nodiscard]] bool matches(std::string_view other) const;

  private:
    void clear();

    std::string text_;
};

} // namespace keygate
