#include "keys/key_filter.hpp"

#include <charconv>

namespace keygate::keys {
namespace {

bool is_unused(const KeyRow& row, Time since) {
    return row.record.created_at < since &&
           (!row.usage.last_used_at || *row.usage.last_used_at < since);
}

} // namespace

bool passes(const KeyRow& row, const KeyFilter& filter) {
    const KeyRecord& key = row.record;
    const bool has_ended = key.expires_at && *key.expires_at <= filter.now;
    return (filter.api.empty() || key.api == filter.api) &&
           (filter.owner.empty() || key.owner == filter.owner) &&
           (filter.prefix.empty() || key.prefix == filter.prefix) &&
           (!filter.status || key.status == *filter.status) &&
           (!filter.expired || has_ended == *filter.expired) &&
           (!filter.unused_since || is_unused(row, *filter.unused_since));
}

std::optional<std::int64_t> number_from(std::string_view cursor) {
    if (cursor.empty()) return 0;
    std::int64_t number = 0;
    const char* const end = cursor.data() + cursor.size();
    const auto [last, error] = std::from_chars(cursor.data(), end, number);
    if (error != std::errc{} || last != end || number < 0) return std::nullopt;
    return number;
}

std::optional<OwnerName> owner_from(const std::string& api, const std::string& cursor) {
    if (cursor.empty()) return OwnerName{api, {}};
    const std::size_t colon = cursor.find(':');
    if (colon == std::string::npos) return std::nullopt;
    OwnerName name{cursor.substr(0, colon), cursor.substr(colon + 1)};
    if (!api.empty() && name.api != api) return std::nullopt;
    return name;
}

} // namespace keygate::keys
