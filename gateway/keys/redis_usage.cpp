#include "keys/redis_usage.hpp"

#include "keys/redis_index.hpp"
#include "keys/redis_records.hpp"
#include "redis/error.hpp"
#include "redis/sha1.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace keygate::keys {
namespace {

using redis::Command;
using redis::Reply;
using Kind = Reply::Kind;

// As Usage::add does it. For each use four keys (the owner's uses, whether the key is gone, the
// owner's record, its index) and six arguments (id, time, month and count, the month before and its
// count). All types are looked at before the first write: a script that fails has done nothing, but
// for the uses before.
constexpr const char* script = R"(
local function count(use, field, by)
  local old = redis.call('HGET', use, field)
  if old and not string.match(old, '^%d+$') then redis.call('HDEL', use, field) end
  redis.call('HINCRBY', use, field, by)
end
local function add(use, id, month, by)
  count(use, id .. '|total', by)
  local known = redis.call('HGET', use, id .. '|month') or '1970-01'
  if month == known then
    count(use, id .. '|in_month', by)
  elseif month > known then
    redis.call('HSET', use, id .. '|month', month, id .. '|in_month', by)
  end
end
for i = 0, #KEYS / 4 - 1 do
  local use, gone, owner, index = KEYS[4*i+1], KEYS[4*i+2], KEYS[4*i+3], KEYS[4*i+4]
  local id, last, month, now, past, before = unpack(ARGV, 6*i+1, 6*i+6)
  local kind = redis.call('TYPE', use).ok
  local counts = kind == 'none' or kind == 'hash'
  if counts and (id == '' or redis.call('EXISTS', gone) == 1) then
    counts = redis.call('EXISTS', owner, index) > 0
    id = ''
  end
  if counts then
    if before ~= '0' then add(use, id, past, before) end
    add(use, id, month, now)
    local known = redis.call('HGET', use, id .. '|last')
    if not known or known < last then redis.call('HSET', use, id .. '|last', last) end
  end
end
return redis.status_reply('OK')
)";

constexpr std::size_t most_uses = 2'000; // in one call, which is all or nothing

/// By what Redis knows a script: SHA-1 of its text.
const std::string& script_name() {
    static const std::string name = redis::sha1_of(script);
    return name;
}

std::uint64_t count_in(std::string_view text) {
    std::uint64_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

Command call_of(std::span<const UsageDelta> uses) {
    Command call{"EVALSHA", script_name(), std::to_string(4 * uses.size())};
    for (const UsageDelta& use : uses) {
        const OwnerName owner{use.api, use.owner};
        call.insert(call.end(),
                    {use_name(owner), gone_name(use.id), owner_name(owner), owner_index(owner)});
    }
    for (const UsageDelta& use : uses) {
        const Month past{std::max(static_cast<std::int32_t>(use.month) - 1, 0)};
        call.insert(call.end(),
                    {use.id, to_text(use.last_used_at), to_text(use.month),
                     std::to_string(use.in_month), to_text(past), std::to_string(use.before)});
    }
    return call;
}

} // namespace

std::array<std::string, 4> usage_field_names(const std::string& id) {
    return {id + "|total", id + "|last", id + "|month", id + "|in_month"};
}

Command usage_query(const OwnerName& owner, const std::string& id) {
    Command query{"HMGET", use_name(owner)};
    for (std::string& name : usage_field_names(id))
        query.push_back(std::move(name));
    return query;
}

Usage usage_in(const Reply& hmget) {
    Usage usage;
    if (!hmget.is(Kind::list) || hmget.list.size() != 4) return usage;
    usage.total = count_in(hmget.list[0].text);
    usage.last_used_at = time_from(hmget.list[1].text);
    usage.month = month_from(hmget.list[2].text).value_or(Month{});
    usage.in_month = count_in(hmget.list[3].text);
    return usage;
}

Usage usage_of_all(const Reply& hgetall) {
    std::map<std::string, Usage> by_id;
    for (std::size_t i = 0; i + 1 < hgetall.list.size(); i += 2) {
        const std::string& field = hgetall.list[i].text;
        const std::string& value = hgetall.list[i + 1].text;
        const std::size_t bar = field.rfind('|');
        if (bar == std::string::npos) continue;
        Usage& usage = by_id[field.substr(0, bar)];
        const std::string_view what = std::string_view{field}.substr(bar + 1);
        if (what == "total") usage.total = count_in(value);
        if (what == "last") usage.last_used_at = time_from(value);
        if (what == "month") usage.month = month_from(value).value_or(Month{});
        if (what == "in_month") usage.in_month = count_in(value);
    }
    Usage sum;
    for (const auto& [id, usage] : by_id)
        sum.add(usage);
    return sum;
}

Command usage_fields(const std::string& id, const Usage& usage) {
    auto names = usage_field_names(id);
    Command fields{names[0], std::to_string(usage.total)};
    if (usage.last_used_at) fields.insert(fields.end(), {names[1], to_text(*usage.last_used_at)});
    fields.insert(fields.end(), {names[2], to_text(usage.month)});
    fields.insert(fields.end(), {names[3], std::to_string(usage.in_month)});
    return fields;
}

Result<void> add_usage(RedisTalk& talk, std::span<const UsageDelta> uses) {
    while (!uses.empty()) {
        const std::size_t count = std::min(uses.size(), most_uses);
        Command call = call_of(uses.first(count));
        auto added = talk.ask(call);
        if (added.has_error() && added.error().error == redis::Error::no_script) {
            call[0] = "EVAL";
            call[1] = script;
            added = talk.ask(call);
        }
        if (!added) return added.error();
        uses = uses.subspan(count);
    }
    return {};
}

} // namespace keygate::keys
