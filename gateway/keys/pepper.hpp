#pragma once

#include "base/result.hpp"
#include "config/settings.hpp"
#include "keys/digest.hpp"
#include "keys/store.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// The peppers of a configuration: secrets that are not in the store, so that whoever has the store
/// alone cannot even try keys. New keys are digested with the first one (HMAC-SHA-256, RFC 2104);
/// the others are for keys that were made before. Keys that are brought in have plain SHA-256.
/// Immutable; any thread.
class Peppers {
  public:
    static constexpr std::size_t most = config::most_peppers;

    Peppers();
    ~Peppers();
    Peppers(Peppers&&) noexcept;
    Peppers& operator=(Peppers&&) noexcept;

    /// Reads the files: one line of 32..256 visible characters, mode 0600.
    [[nodiscard]] static Result<Peppers> load(const config::Settings& settings);

    [[nodiscard]] std::size_t size() const { return peppers_.size(); }

    [[nodiscard]] Digest digest_of(std::size_t pepper, std::string_view key) const;

    /// For new keys: the pepper's name, empty without peppers, and the digest.
    [[nodiscard]] const std::string& current() const;
    [[nodiscard]] Digest digest_of_new(std::string_view key) const;

    /// Checks the store's keys against these peppers, and lets the store remember new ones: a
    /// pepper that is missing or another one would make valid keys unknown.
    /// @errors invalid_argument with the pepper's name.
    [[nodiscard]] Result<void> agree_with(KeyStore& store) const;

  private:
    struct Pepper;
    std::vector<std::unique_ptr<Pepper>> peppers_;
};

} // namespace keygate::keys
