#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/settings.hpp"
#include "keys/record.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

// `recoverable:` keys that an operator can see again. The record holds the key encrypted, the
// secret that opens it is in a file beside the configuration and never in the store: whoever has
// the store alone has nothing, and requests are judged by digests as ever.
//
// AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits for each key; API, id and digest of
// the record are authenticated along, so that a sealed text is worth nothing in another record.
// `v1.<id of the key file>.<base64url of nonce, cipher text and tag>`
namespace keygate::keys {

/// The key files of a configuration. Immutable; any thread.
class Seals {
  public:
    /// Reads the files of all APIs that have `recoverable`: one line of 64 hexadecimal digits, mode
    /// 0600. A `key_file` that is not there is made; an old one must be there.
    /// @errors  what is wrong with a file, by its name; never what is in it.
    [[nodiscard]] static Result<Seals> load(const config::Settings& settings);

    /// Whether keys of that API are sealed when they are made.
    [[nodiscard]] bool is_recoverable(const std::string& api) const { return rings_.contains(api); }

    /// The key as its record keeps it; empty where the API is not recoverable.
    /// @param record  has its API, id and digest.
    [[nodiscard]] std::string seal(const KeyRecord& record, std::string_view key) const;

    /// @errors  StoreError::unreadable where the record was sealed with a file that is not
    ///          configured, or is not what was sealed.
    [[nodiscard]] Result<Secret> open(const KeyRecord& record) const;

  private:
    struct Key {
        std::string id; // of the file, in what it has sealed: 8 hexadecimal digits
        Secret bytes;   // 32
    };

    static Result<Key> read(const std::string& file);
    static Result<Key> read_or_make(const std::string& file);

    std::map<std::string, std::vector<Key>> rings_; // by API; the first is for new keys
};

} // namespace keygate::keys
