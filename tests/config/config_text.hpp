#pragma once

#include "config/load.hpp"

#include <map>
#include <string>
#include <string_view>

// A configuration that loads, and a world to load it in, for the tests of this room.
namespace keygate::test {

inline constexpr std::string_view good_text = R"~(version: 1
threads: 2
listeners:
  - address: "127.0.0.1:8080"
client: {max_head: 16KiB, idle_timeout: 30s}
store: {file: keys.db}
admin: {address: "127.0.0.1:9900", token_file: admin.token}
status: {address: "127.0.0.1:9901"}
log: {level: info, access: stdout}
drain: {delay: 1s, timeout: 20s}
identity: {prefix: X-Key-}
via: keygate
apis:
  shop:
    profile: default
    hosts: [api.shop.example]
    scopes: [orders:read, orders:write]
    plans:
      free: {api_access: false}
      pro: {rate: [10/s, {rate: 100/1m, burst: 20}]}
    default_plan: free
    trailing_slash: strict
    upstreams:
      live: {servers: ["http://127.0.0.1:3000"]}
      test: {servers: ["http://127.0.0.1:3001"], connect_timeout: 1s}
    routes:
      GET /health: public
      GET /v1/orders/**: orders:read
      POST /v1/orders: orders:write
      GET /v1/orders/{id}: {any_scope: [orders:read, orders:write]}
      ANY /v1/me: key
)~";

using Table = std::map<std::string, std::string>;

/// Variables and files as a table; nothing of the real process.
inline config::Surroundings world(Table variables = {}, Table files = {}) {
    const auto from = [](Table table) {
        return [table = std::move(table)](const std::string& name) -> std::optional<std::string> {
            const auto found = table.find(name);
            return found == table.end() ? std::nullopt : std::optional{found->second};
        };
    };
    return {from(std::move(variables)), from(std::move(files))};
}

inline config::Loaded load(std::string_view text, Table variables = {}, Table files = {}) {
    return config::load(text, "keygate.yaml", world(std::move(variables), std::move(files)));
}

/// The good configuration with the first `from` in it replaced.
inline std::string edited(std::string_view from, std::string_view to,
                          std::string_view text = good_text) {
    std::string out{text};
    const std::size_t at = out.find(from);
    if (at == std::string::npos) return "no such text: " + std::string{from};
    return out.replace(at, from.size(), to);
}

/// All mistakes, one a line.
inline std::string mistakes_in(const config::Loaded& loaded) {
    std::string out;
    for (const config::Mistake& mistake : loaded.mistakes)
        out += to_string(mistake) + "\n";
    return out;
}

} // namespace keygate::test
