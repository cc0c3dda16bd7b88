#pragma once

#include "admin/errors.hpp"
#include "admin/json.hpp"
#include "config/settings.hpp"
#include "keys/catalog.hpp"
#include "keys/record.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What may become a key, decided without the store: names against the configuration, values against
// each other. What needs the store (the owner, the plan that counts) is decided in keys_api.cpp.
namespace keygate::admin {

/// A body that passed. With a digest it is the import of a key that exists already.
struct NewKey {
    keys::KeyRecord record; // without digest and shown letters when a key is to be minted
    std::uint16_t api = 0;  // position in the catalog
    bool has_digest = false;
    bool is_forced = false; // `force`: given although the plan has no api_access
    /// `regenerate`: the owner's other keys end when it begins.
    bool replaces_all = false;
};

/// @param prefix  put before member names in messages: `keys[3].`
/// @param now     `expires_at` of a new key must lie after it, `created_at` is set to it.
[[nodiscard]] Checked<NewKey> read_new_key(const boost::json::object& body,
                                           const keys::Catalog& catalog, keys::Time now,
                                           const std::string& prefix);

constexpr inline std::size_t max_object = 4096; // bytes of a JSON object that people add

/// `metadata`: an object as text; nothing if absent.
[[nodiscard]] std::optional<std::string> read_metadata(Members& in);
/// `scopes` of that API, sorted; nothing if absent.
[[nodiscard]] std::optional<std::vector<std::string>> read_scopes(Members& in,
                                                                  const keys::ApiNames& api);
/// `plan` of that API; nothing if absent.
[[nodiscard]] std::optional<std::string> read_plan(Members& in, const keys::ApiNames& api);
/// `expires_at`, later than `after`; nothing if absent.
[[nodiscard]] std::optional<keys::Time> read_expiry(Members& in, keys::Time after);
/// `name`: a label; empty if absent.
[[nodiscard]] std::string read_label(Members& in);

/// Owner ids travel in headers: 1..128 visible ASCII characters.
[[nodiscard]] bool is_owner_id(std::string_view text);
/// Key ids stand in paths: 1..64 of `A-Za-z0-9._-`.
[[nodiscard]] bool is_key_id(std::string_view text);
/// A label for people: at most 200 bytes, no control characters.
[[nodiscard]] bool is_label(std::string_view text);

} // namespace keygate::admin
