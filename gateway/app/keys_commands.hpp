#pragma once

#include "app/command.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

// `keygate keys create|list|show|update|disable|enable|revoke|rotate|reveal|delete`, and `import`,
// which is in app/import_command.hpp.
namespace keygate::app {

/// Which scopes a key shall have; at most one of the three.
struct ScopeOptions {
    std::vector<std::string> scopes;
    bool no_scopes = false;      // really none
    bool default_scopes = false; // what the profile says
};

/// Limits of a key in place of its plan's.
struct LimitOptions {
    std::vector<std::string> rates;  // `100/1m`, or a JSON object
    std::vector<std::string> quotas; // `requests=1000/month`, or a JSON object for one meter
};

/// From where and for what a key may be used.
struct RestrictionOptions {
    std::vector<std::string> addresses; // `192.0.2.0/24`
    std::vector<std::string> referrers; // `https://*.example.com`
    std::vector<std::string> endpoints; // `GET /v1/orders/**`
    std::vector<std::string> bind;      // `store=267418190`
};

struct CreateKey : WriteOptions {
    std::string api;
    std::string owner;
    std::string name;
    std::string plan;
    ScopeOptions scopes; // nothing: the profile's default
    std::string mode;
    std::string expires_at;
    std::string metadata; // a JSON object
    LimitOptions limits;
    RestrictionOptions restrictions;
    bool force = false;
    bool regenerate = false; // the owner's other keys end
    // A key that exists already.
    std::string key_file; // the key itself, in a file or `-`; hashed here
    std::string digest;   // or its digest
    std::string id;
};

struct ListKeys : ListOptions {
    std::string api;
    std::string owner;
    std::string prefix;
    std::string status;
    std::string unused_since;
};

/// A command on one key.
struct OneKey : WriteOptions {
    std::string id;
};

struct UpdateKey : OneKey {
    // What is not given stays as it is.
    std::optional<std::string> name;
    std::optional<std::string> plan;
    bool no_plan = false;
    ScopeOptions scopes;
    std::optional<std::string> expires_at;
    bool no_expiry = false;
    std::optional<std::string> metadata;
    LimitOptions limits;
    bool plan_limits = false; // none of its own
    RestrictionOptions restrictions;
    bool no_addresses = false;
    bool no_referrers = false;
    bool no_endpoints = false;
    bool no_bind = false;
};

struct RotateKey : OneKey {
    std::string grace = "0"; // seconds, or with a unit: `24h`
    std::optional<std::string> name;
    std::optional<std::string> expires_at; // of the new key
    bool no_expiry = false;
};

struct RevokeKey : OneKey {
    bool wait = false; // until every gateway has applied it
};

struct DeleteKey : OneKey {
    bool yes = false;
};

// Each returns the exit status (app/command.hpp). A new key is written to `out` once and nowhere
// else.
[[nodiscard]] int create_key(const CreateKey& options, Console& console);
[[nodiscard]] int list_keys(const ListKeys& options, Console& console);
[[nodiscard]] int show_key(const OneKey& options, Console& console);
[[nodiscard]] int update_key(const UpdateKey& options, Console& console);
[[nodiscard]] int disable_key(const OneKey& options, Console& console);
[[nodiscard]] int enable_key(const OneKey& options, Console& console);
[[nodiscard]] int revoke_key(const RevokeKey& options, Console& console);
[[nodiscard]] int rotate_key(const RotateKey& options, Console& console);
[[nodiscard]] int reveal_key(const OneKey& options, Console& console);
[[nodiscard]] int delete_key(const DeleteKey& options, Console& console);

/// Adds the commands; the one that the arguments choose becomes `chosen`.
void add_keys_commands(CLI::App& app, std::function<int()>& chosen);

} // namespace keygate::app
