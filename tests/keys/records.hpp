#pragma once

#include "config/settings.hpp"
#include "keys/catalog.hpp"
#include "keys/record.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <unistd.h>

// What the tests of this room are made of.
namespace keygate::keys::test {

/// A folder that lives as long as its test.
class TempFolder {
  public:
    TempFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "keygate-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }

    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const {
        return (path_ / name).string();
    }

  private:
    std::filesystem::path path_;
};

inline KeyRecord key_record(int number, std::string api = "shop") {
    const std::string text = std::to_string(number);
    KeyRecord key;
    key.digest = digest_of("a key for tests " + text);
    key.id = "key_" + text;
    key.api = std::move(api);
    key.owner = "acme";
    key.prefix = "kg_live_ab";
    key.hint = "9xyz";
    key.created_at = *time_from("2026-03-11T10:30:00Z");
    return key;
}

inline OwnerRecord owner_record(std::string id, std::string api = "shop") {
    OwnerRecord owner;
    owner.api = std::move(api);
    owner.id = std::move(id);
    return owner;
}

/// APIs: `shop` with plans free, pro (no default) and scopes a:read, b:read, b:write, all by
/// default; `deals` with plans basic (the default), big and no scopes by default; `open` without
/// plans and scopes.
inline config::Settings settings() {
    const auto api = [](std::string name) {
        config::Api made;
        made.name = std::move(name);
        return made;
    };
    const auto plan = [](std::string name) {
        config::Plan made;
        made.name = std::move(name);
        return made;
    };
    config::Settings settings;
    settings.apis = {api("shop"), api("deals"), api("open")};
    settings.apis[0].plans = {plan("free"), plan("pro")};
    settings.apis[0].scopes = {{"b:write", "a:read", "b:read"}};
    settings.apis[1].plans = {plan("basic"), plan("big")};
    settings.apis[1].default_plan = "basic";
    settings.apis[1].scopes = {{"x", "y"}};
    settings.apis[1].profile.default_scopes = config::DefaultScopes::none;
    return settings;
}

inline std::shared_ptr<const Catalog> catalog() {
    return std::make_shared<const Catalog>(settings());
}

} // namespace keygate::keys::test
