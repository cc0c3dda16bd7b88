#include "keys/redis_index.hpp"

#include "keys/redis_records.hpp"
#include "redis/error.hpp"

#include <charconv>

namespace keygate::keys {
namespace {

using redis::Reply;
using Kind = Reply::Kind;

std::string below_index(std::string_view kind, std::string_view what) {
    std::string name{index_prefix};
    return name.append(kind).append(":").append(what);
}

/// An error reply that says more than that the key is no hash.
bool is_fault(const Reply& reply) {
    return reply.is(Kind::error) && redis::classify(reply.text) != redis::Error::wrong_type;
}

} // namespace

std::string owner_index(const OwnerName& owner) {
    return below_index("owner", owner.api + ':' + owner.id);
}

std::string prefix_index(std::string_view prefix) {
    return below_index("prefix", prefix);
}

std::string status_index(KeyStatus status) {
    return below_index("status", to_string(status));
}

std::string pepper_index(std::string_view pepper) {
    return below_index("pepper", pepper);
}

std::string guard_name(std::string_view id) {
    return below_index("guard", id);
}

std::string gone_name(std::string_view id) {
    return below_index("gone", id);
}

std::string use_name(const OwnerName& owner) {
    return "kg:use:" + owner.api + ':' + owner.id;
}

std::string receipt_name(std::string_view name) {
    return "kg:receipt:" + to_hex(digest_of(name));
}

std::vector<std::string> lists_of(const KeyRecord& key) {
    std::vector<std::string> lists{keys_index, status_index(key.status)};
    if (!key.api.empty() && !key.owner.empty()) lists.push_back(owner_index({key.api, key.owner}));
    if (!key.prefix.empty()) lists.push_back(prefix_index(key.prefix));
    if (!key.pepper.empty()) lists.push_back(pepper_index(key.pepper));
    return lists;
}

bool has_age(const KeyRecord& key) {
    return key.readable && key.status == KeyStatus::active && key.created_at != Time{};
}

Result<std::optional<KeyRecord>> key_in(const Digest& digest, const Reply& hgetall) {
    if (is_fault(hgetall)) return fault_of(hgetall, "HGETALL of a key's record");
    auto read = read_key_record(digest, hgetall);
    if (std::holds_alternative<std::monostate>(read)) return std::optional<KeyRecord>{};
    if (auto* const key = std::get_if<KeyRecord>(&read)) return std::optional{std::move(*key)};
    return std::optional{damaged_key_record(digest, hgetall)};
}

Result<std::optional<OwnerRecord>> owner_in(const OwnerName& name, const Reply& hgetall) {
    if (is_fault(hgetall)) return fault_of(hgetall, "HGETALL of an owner's record");
    auto read = read_owner_record(name, hgetall);
    if (std::holds_alternative<std::monostate>(read)) return std::optional<OwnerRecord>{};
    if (auto* const owner = std::get_if<OwnerRecord>(&read))
        return std::optional{std::move(*owner)};
    return std::optional{damaged_owner_record(name, hgetall)};
}

bool bears(const KeyRecord& key, const std::string& id) {
    return key.id == id || (key.id.empty() && !key.readable);
}

Result<std::vector<Scored>> scored(const Reply& reply, std::string_view command) {
    if (auto fits = expect(reply, Kind::list, command); !fits) return fits.error();
    std::vector<Scored> found;
    for (std::size_t i = 0; i + 1 < reply.list.size(); i += 2) {
        Scored each{reply.list[i].text, 0};
        const std::string& text = reply.list[i + 1].text;
        const auto [last, error] =
            std::from_chars(text.data(), text.data() + text.size(), each.score);
        if (error != std::errc{} || last != text.data() + text.size()) return unexpected(command);
        found.push_back(std::move(each));
    }
    return found;
}

} // namespace keygate::keys
