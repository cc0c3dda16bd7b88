#pragma once

#include "admin/errors.hpp"
#include "keys/catalog.hpp"
#include "keys/record.hpp"
#include "keys/texts.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <optional>
#include <string>

// What may become of a key, decided without the store. Revoked is final; a damaged record is only
// ever deleted.
namespace keygate::admin {

/// 409 for a damaged or revoked key.
[[nodiscard]] Checked<void> may_change(const keys::KeyRecord& record);

/// Members of a PATCH that passed. What was not mentioned is not in it; null takes a value away.
class KeyPatch {
  public:
    /// @param api  of the record that it is for.
    [[nodiscard]] static Checked<KeyPatch> read(const boost::json::object& body,
                                                const keys::ApiNames& api, keys::Time now);

    /// @param api  the record's.
    /// @errors 409 for a revoked or damaged key; 422 for another end of one that is being replaced,
    ///         and for limits and restrictions that cannot be read.
    [[nodiscard]] Checked<keys::KeyRecord> apply(keys::KeyRecord record,
                                                 const keys::ApiNames& api) const;

  private:
    std::optional<std::string> name_;
    std::optional<std::optional<std::string>> plan_;
    std::optional<std::optional<std::vector<std::string>>> scopes_;
    std::optional<std::optional<keys::Time>> expires_at_;
    std::optional<std::string> metadata_;
    std::optional<std::string> rate_; // empty: none
    std::optional<std::string> quota_;
    std::optional<std::vector<std::string>> addresses_; // empty: none
    std::optional<std::vector<std::string>> referrers_;
    std::optional<std::vector<std::string>> endpoints_;
    std::optional<keys::TextMap> bind_;
};

/// Disables, enables or revokes. Doing it twice is doing it once. 409 where it cannot be.
[[nodiscard]] Checked<keys::KeyRecord> with_status(keys::KeyRecord record, keys::KeyStatus status);

struct Rotation {
    std::chrono::seconds grace{0}; // 0..366 days; 0: the old key is revoked at once
    std::optional<std::optional<keys::Time>> expires_at; // of the new key; else the old one's
    std::optional<std::string> name;
};

[[nodiscard]] Checked<Rotation> read_rotation(const std::string& body, keys::Time now);

/// The old record and the new one, which lacks digest and shown letters.
struct Rotated {
    keys::KeyRecord old;
    keys::KeyRecord fresh;
};

/// 409 for a key that is not active, has expired, or was rotated before.
[[nodiscard]] Checked<Rotated> rotate(const keys::KeyRecord& record, const Rotation& rotation,
                                      const std::string& new_id, keys::Time now);

} // namespace keygate::admin
