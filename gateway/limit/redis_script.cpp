#include "limit/redis_script.hpp"

#include "net/admission.hpp"
#include "redis/sha1.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <variant>

namespace keygate::limit {
namespace {

using config::Concurrency;
using config::Rate;
using std::chrono::microseconds;

// Numbers are doubles: whole ones are exact below 2^53, and no product here is larger (the
// configuration is refused where one could be). Quotients are only taken of what divides.
//
// KEYS: subjects, then the records to compare. ARGV: units, the share of what is left that they may
// be (one in so many), how many records, their marks, then ten for each item: kind, place of its
// subject, state, limit, cost, dry, and four that depend on the kind. All that can refuse is looked
// at before anything is taken.
//
// The server's clock may have been set back since something was written (limit/window.hpp). What
// lies too far ahead then is `moved`, and written even where nothing is taken: else it would be met
// again until the clock has caught up. A bucket moves by as much as the clock did.
//
// A bucket from which leases are taken has room for `lease` less: what was taken in advance is used
// later than it was counted, by as much as a lease lives. One that has been empty for so long owes
// nothing any more: its level may go below zero by what leaks in that time.
constexpr std::string_view charge_text = R"(
local time = %TIME%
local now = time[1] * 1000000 + time[2]
local most, share, checks = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 1, checks do
  local all = redis.call('HGETALL', KEYS[#KEYS - checks + i])
  for j = 1, #all do all[j] = #all[j] .. ':' .. all[j] end
  if redis.sha1hex(table.concat(all)) ~= ARGV[3 + i] then return '3' end
end
local first, never = 3 + checks, 9007199254740991
local items, worst, worst_at = {}, 0, 0
local function left_in(bucket, now)
  local room = bucket.capacity - bucket.part - (bucket.at - now) * bucket.limit
  return math.max(math.floor(room / bucket.window), 0)
end
local function passes(bucket, cost, now)
  local over = bucket.part - bucket.capacity + cost * bucket.window
  return math.max(bucket.at + (over + (-over) % bucket.limit) / bucket.limit, now)
end
for i = 1, (#ARGV - first) / 10 do
  local a = first + (i - 1) * 10
  local kind, key, field = ARGV[a + 1], KEYS[tonumber(ARGV[a + 2])], ARGV[a + 3]
  local limit, cost, dry = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), ARGV[a + 6] == '1'
  local item = {kind = kind, key = key, field = field, limit = limit, cost = cost}
  local left, retry = 0, never
  if kind == 'b' then
    local window, burst, lease = tonumber(ARGV[a + 7]), tonumber(ARGV[a + 8]), tonumber(ARGV[a + 9])
    local capacity, at, part = burst * window - limit * lease, now - lease, 0
    local known = redis.call('HGET', key, field) or ''
    local empty, fraction, of, written = string.match(known, '^(%d+) (%d+) (%d+) (%d+)$')
    if empty then
      empty, of, written = tonumber(empty), tonumber(of), tonumber(written)
      fraction = math.min(tonumber(fraction), of)
      if of ~= limit then
        if fraction > 0 then empty = empty + 1 end
        fraction = 0
      end
      if written > now then
        item.moved = true
        empty = empty - written + now
      end
      if empty >= at then at, part = math.min(empty, never), fraction end
    end
    item.window, item.burst, item.capacity, item.at, item.part = window, burst, capacity, at, part
    left = left_in(item, now)
    if cost <= burst then retry = passes(item, cost, now) end
  elseif kind == 'c' then
    local all, running = redis.call('HGETALL', key), 0
    local counts, ends = {}, {}
    for j = 1, #all, 2 do
      local what, holder = string.sub(all[j], 1, 2), string.sub(all[j], 3)
      local number = tonumber(string.match(all[j + 1], '^%d+$')) or 0
      if what == 'n:' then counts[holder] = number end
      if what == 'e:' then ends[holder] = number end
    end
    for holder, count in pairs(counts) do
      if (ends[holder] or 0) <= now then
        redis.call('HDEL', key, 'n:' .. holder, 'e:' .. holder)
      else
        running = running + count
        if holder == field then item.mine = count end
      end
    end
    left, retry = math.max(limit - running, 0), now + 1000000
  else
    local begin, stop, next_stop
    if kind == 'w' then
      local window = tonumber(ARGV[a + 7])
      begin = now - now % window
      stop = begin + window
    else
      for b = a + 7, a + 9 do
        local from, to = tonumber(ARGV[b]), tonumber(ARGV[b + 1])
        if from <= now and now < to then
          begin, stop = from, to
          if b < a + 9 then next_stop = tonumber(ARGV[b + 2]) end
        end
      end
      if not begin then return string.format('2 %.0f', now) end
    end
    local used, length = 0, stop - begin
    local at, taken = string.match(redis.call('HGET', key, field) or '', '^(%d+) (%d+)$')
    at = tonumber(at)
    if at and at >= begin then
      used = math.min(tonumber(taken), never)
      if at > stop then
        item.moved = true
      elseif at > begin then
        begin, stop = at, at == stop and next_stop or at + length
      end
    end
    left = math.max(limit - used, 0)
    if cost <= limit then retry = stop end
    item.begin, item.stop, item.used = begin, stop, used
  end
  item.left, item.retry = left, retry
  local fit = math.floor(left / cost)
  if fit < 1 then
    item.exceeded = true
    if not dry and retry > worst_at then worst, worst_at = i, retry end
  else
    most = math.min(most, math.max(math.floor(fit / share), 1))
  end
  items[i] = item
end
local function write_bucket(item, now)
  redis.call('HSET', item.key, item.field,
             string.format('%.0f %.0f %.0f %.0f', item.at, item.part, item.limit, now))
end
local function write_window(item, used)
  redis.call('HSET', item.key, item.field, string.format('%.0f %.0f', item.begin, used))
end
local out = {string.format('%d %.0f %.0f %.0f', worst == 0 and 1 or 0, now,
                           worst == 0 and most or worst, worst_at)}
for i, item in ipairs(items) do
  local left, more, begin = item.left, item.retry, item.begin or 0
  if worst == 0 and not item.exceeded then
    local n, life = most * item.cost, 0
    if item.kind == 'b' then
      local at, part = math.max(item.at, now), item.part
      if item.at < now then part = math.max(part - (now - item.at) * item.limit, 0) end
      local weight = n * item.window + part
      part = weight % item.limit
      item.at, item.part = at + (weight - part) / item.limit, part
      write_bucket(item, now)
      left, life = left_in(item, now), item.at - now
    elseif item.kind == 'c' then
      local holder, ends = item.field, tonumber(ARGV[first + i * 10 - 3])
      redis.call('HSET', item.key, 'n:' .. holder, string.format('%.0f', (item.mine or 0) + most),
                 'e:' .. holder, string.format('%.0f', now + ends))
      left, life = left - most, ends
    else
      write_window(item, item.used + n)
      left = left - n
      if item.used == 0 then life = item.stop - now end
    end
    life = math.ceil(life / 1000) + 1000
    if life > 1000 and redis.call('PTTL', item.key) < life then
      redis.call('PEXPIRE', item.key, life)
    end
  elseif item.moved then
    if item.kind == 'b' then write_bucket(item, now) else write_window(item, item.used) end
  end
  if item.kind == 'b' then
    more = left == item.burst and now or passes(item, left + 1, now)
  elseif item.stop then
    more = item.stop
  end
  out[#out + 1] = string.format(' %d %.0f %.0f %.0f', item.exceeded and 1 or 0, begin, left, more)
end
return table.concat(out)
)";

constexpr std::string_view give_back_text = R"(
local at, used = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+) (%d+)$')
if at ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1],
           string.format('%s %.0f', at, math.max(tonumber(used) - tonumber(ARGV[3]), 0)))
return 1
)";

// What was forgotten meanwhile is not there to be counted down: less than nothing would be credit.
constexpr std::string_view leave_text = R"(
local count = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '')
if not count or count < 1 then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[1], -math.min(count, tonumber(ARGV[2])))
return 1
)";

constexpr std::string_view hold_text = R"(
local time = redis.call('TIME')
local ends = time[1] * 1000000 + time[2] + tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  redis.call(ARGV[3], key, 'n:' .. ARGV[1], ARGV[3 + i])
  redis.call('HSET', key, 'e:' .. ARGV[1], string.format('%.0f', ends))
  redis.call('PEXPIRE', key, math.ceil(tonumber(ARGV[2]) / 1000) + 1000)
end
return #KEYS
)";

struct Script {
    std::string text;
    std::string digest;

    explicit Script(std::string what)
        : text(std::move(what))
        , digest(redis::sha1_of(text)) {}
};

const Script& charge_of_redis() {
    static const Script script{charge_script()};
    return script;
}

const Script& give_back_of_redis() {
    static const Script script{std::string{give_back_text}};
    return script;
}

const Script& leave_of_redis() {
    static const Script script{std::string{leave_text}};
    return script;
}

const Script& hold_of_redis() {
    static const Script script{std::string{hold_text}};
    return script;
}

/// One command whose words are written as they come.
class Words {
  public:
    void add(std::string_view word) {
        ++count_;
        text_ += '$';
        append(word.size());
        text_.append("\r\n").append(word).append("\r\n");
    }

    void add(std::int64_t number) {
        std::array<char, 24> digits{};
        char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        add(std::string_view{digits.data(), static_cast<std::size_t>(end - digits.data())});
    }

    void add_all(std::span<const std::string> words) {
        for (const std::string& word : words)
            add(word);
    }

    void add_count(std::uint64_t number) { add(static_cast<std::int64_t>(number)); }

    void append_to(std::string& out) {
        out += '*';
        std::swap(out, text_);
        append(count_);
        std::swap(out, text_);
        out.append("\r\n").append(text_);
    }

  private:
    void append(std::size_t number) {
        std::array<char, 24> digits{};
        char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        text_.append(digits.data(), end);
    }

    std::string text_;
    std::size_t count_ = 0;
};

void begin_call(Words& words, const Script& script, bool is_whole, std::size_t keys) {
    words.add(is_whole ? "EVAL" : "EVALSHA");
    words.add(is_whole ? script.text : script.digest);
    words.add_count(keys);
}

std::int64_t in_microseconds(Instant time) {
    return std::chrono::duration_cast<microseconds>(time).count();
}

/// IPv6 by /64, in letters.
std::string address_text(std::string_view address) {
    std::string group = net::address_group(address);
    if (group == address) return group;
    std::string text;
    for (const char c : group) {
        constexpr std::string_view letters = "0123456789abcdef";
        text += letters[static_cast<unsigned char>(c) >> 4];
        text += letters[static_cast<unsigned char>(c) & 0x0f];
    }
    return text + "::/64";
}

/// Whole numbers, each behind one space but the first.
class Numbers {
  public:
    explicit Numbers(std::string_view text)
        : text_(text) {}

    [[nodiscard]] std::optional<std::int64_t> next() {
        if (!is_first_) {
            if (!text_.starts_with(' ')) return std::nullopt;
            text_.remove_prefix(1);
        }
        is_first_ = false;
        std::int64_t number = 0;
        const auto [end, error] =
            std::from_chars(text_.data(), text_.data() + text_.size(), number);
        if (error != std::errc{} || number < 0) return std::nullopt;
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return number;
    }

    [[nodiscard]] bool is_over() const { return text_.empty(); }

  private:
    std::string_view text_;
    bool is_first_ = true;
};

/// What a lease may hold back, the bucket must not need: all of it goes through a smaller one.
bool can_lend(const config::Limit& limit, std::uint32_t cost) {
    if (limit.by == config::LimitBy::address) return false;
    const auto* const rate = std::get_if<Rate>(&limit.rule);
    if (rate == nullptr || !rate->burst) return true;
    const auto window = static_cast<double>(in_microseconds(rate->window));
    const double held = static_cast<double>(rate->limit) *
                        static_cast<double>(microseconds{lease_life}.count()) / window;
    return static_cast<double>(*rate->burst) - held >= static_cast<double>(cost);
}

// Largest whole number that the script can mean.
constexpr std::int64_t never = 9'007'199'254'740'991;

Instant instant_of(std::int64_t time) {
    return time >= never ? Instant::max() : Instant{microseconds{time}};
}

} // namespace

std::string charge_script(std::string_view time) {
    constexpr std::string_view place = "%TIME%";
    std::string text{charge_text};
    text.replace(text.find(place), place.size(), time);
    return text;
}

std::string count_name(const config::Limit& limit, const Account& account) {
    std::string running;
    if (std::holds_alternative<Concurrency>(limit.rule)) running = limit.state + ':';
    std::string name = "kg:rl:{";
    name.append(account.api);
    switch (limit.by) {
    case config::LimitBy::key:
        name.append(":").append(account.owner).append("}:").append(running);
        return name.append("k:").append(account.key);
    case config::LimitBy::owner:
        return name.append(":").append(account.owner).append("}:").append(running).append("o");
    case config::LimitBy::route:
        return name.append("}:").append(running).append("r:").append(account.route);
    case config::LimitBy::address:
        break;
    }
    name.append(":@").append(address_text(account.address)).append("}:");
    return name.append(running).append("a");
}

const ScriptCalls::Bounds& ScriptCalls::bounds_of(const Quota& quota, Instant now) {
    const auto found = std::find_if(known_.begin(), known_.end(), [&](const Known& known) {
        return known.zone == quota.time_zone && known.period == quota.period;
    });
    const bool is_new = found == known_.end();
    Known& known = is_new ? known_.emplace_back(Known{quota.time_zone, quota.period, {}}) : *found;
    const std::int64_t time = in_microseconds(now);
    if (!is_new && known.bounds[1] <= time && time < known.bounds[2]) return known.bounds;
    const auto at = [&](Instant when) { return period_at(quota.period, *quota.time_zone, when); };
    const TimeSpan current = at(now);
    const TimeSpan before = at(current.begin - Instant{1});
    const TimeSpan next = at(current.end);
    known.bounds = {in_microseconds(before.begin), in_microseconds(current.begin),
                    in_microseconds(current.end), in_microseconds(next.end)};
    return known.bounds;
}

void ScriptCalls::charge(std::string& out, const Bill& bill, const Account& account,
                         const Call& call) {
    // Few subjects, and nearly always one.
    std::vector<std::string> names;
    std::array<std::size_t, Bill::most> places{};
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        std::string name = count_name(*bill.items()[i].limit, account);
        const auto known = std::find(names.begin(), names.end(), name);
        places[i] = static_cast<std::size_t>(known - names.begin()) + 1;
        if (known == names.end()) names.push_back(std::move(name));
    }
    static const std::array<std::string, 0> nothing{};
    const std::span<const std::string> records =
        call.recheck != nullptr ? std::span<const std::string>{call.recheck->names} : nothing;
    const std::span<const std::string> marks =
        call.recheck != nullptr ? std::span<const std::string>{call.recheck->marks} : nothing;
    Words words;
    begin_call(words, charge_of_redis(), call.is_whole || brings_texts_,
               names.size() + records.size());
    words.add_all(names);
    words.add_all(records);
    words.add_count(call.units);
    words.add_count(call.share);
    words.add_count(records.size());
    words.add_all(marks);
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        const Item& item = bill.items()[i];
        const Told numbers = told_of(item, call);
        words.add(numbers.kind);
        words.add_count(places[i]);
        words.add(numbers.kind == "c" ? holder_ : item.limit->state);
        words.add_count(numbers.limit);
        words.add_count(item.cost);
        words.add(item.limit->dry_run ? "1" : "0");
        for (const std::int64_t number : numbers.rest)
            words.add(number);
    }
    words.append_to(out);
}

/// What the script is told of an item by its kind.
ScriptCalls::Told ScriptCalls::told_of(const Item& item, const Call& call) {
    if (const auto* const rate = std::get_if<Rate>(&item.limit->rule)) {
        const bool lends = call.has_leases && can_lend(*item.limit, 1);
        return {.kind = rate->burst ? "b" : "w",
                .limit = rate->limit,
                .rest = {in_microseconds(rate->window),
                         static_cast<std::int64_t>(rate->burst.value_or(0)),
                         lends ? microseconds{lease_life}.count() : 0, 0}};
    }
    if (const auto* const quota = std::get_if<Quota>(&item.limit->rule))
        return {.kind = "q", .limit = quota->limit, .rest = bounds_of(*quota, call.now)};
    return {.kind = "c",
            .limit = std::get<Concurrency>(item.limit->rule).limit,
            .rest = {microseconds{holder_life}.count(), 0, 0, 0}};
}

void ScriptCalls::give_back(std::string& out, const std::string& name, const std::string& state,
                            std::int64_t taken_in, std::uint64_t cost) const {
    Words words;
    begin_call(words, give_back_of_redis(), brings_texts_, 1);
    words.add(name);
    words.add(state);
    words.add(in_microseconds(Instant{taken_in}));
    words.add_count(cost);
    words.append_to(out);
}

void ScriptCalls::leave(std::string& out, const std::string& name, std::uint32_t count) const {
    Words words;
    begin_call(words, leave_of_redis(), brings_texts_, 1);
    words.add(name);
    words.add("n:" + holder_);
    words.add_count(count);
    words.append_to(out);
}

void ScriptCalls::hold(std::string& out,
                       std::span<const std::pair<std::string, std::uint32_t>> running, Hold how) {
    Words words;
    begin_call(words, hold_of_redis(), brings_texts_, running.size());
    for (const auto& [name, count] : running)
        words.add(name);
    words.add(holder_);
    words.add(microseconds{holder_life}.count());
    words.add(how == Hold::exact ? "HSET" : "HSETNX");
    for (const auto& [name, count] : running)
        words.add_count(count);
    words.append_to(out);
}

std::vector<std::string> ScriptCalls::loads() {
    std::vector<std::string> commands;
    for (const Script* script :
         {&charge_of_redis(), &give_back_of_redis(), &leave_of_redis(), &hold_of_redis()}) {
        Words words;
        words.add("SCRIPT");
        words.add("LOAD");
        words.add(script->text);
        words.append_to(commands.emplace_back());
    }
    return commands;
}

ScriptAnswer read_answer(const redis::Reply& reply, std::size_t items) {
    ScriptAnswer answer;
    if (!reply.is(redis::Reply::Kind::text)) return answer;
    if (reply.text == "3") {
        answer.kind = ScriptAnswer::Kind::changed;
        return answer;
    }
    Numbers numbers{reply.text};
    const auto status = numbers.next();
    const auto now = numbers.next();
    if (!status || !now || *status > 2) return answer;
    answer.now = instant_of(*now);
    if (*status == 2) {
        if (numbers.is_over()) answer.kind = ScriptAnswer::Kind::skewed;
        return answer;
    }
    const auto which = numbers.next();
    const auto retry = numbers.next();
    if (!which || !retry || *which < 1) return answer;
    Outcome& outcome = answer.outcome;
    outcome.now = answer.now;
    if (*status == 1) {
        answer.units = static_cast<std::uint32_t>(
            std::min<std::int64_t>(*which, std::numeric_limits<std::uint32_t>::max()));
    } else {
        if (static_cast<std::size_t>(*which) > items) return answer;
        outcome.refused_by = static_cast<std::uint8_t>(*which - 1);
        outcome.retry_at = instant_of(*retry);
    }
    for (std::size_t i = 0; i < items; ++i) {
        const auto exceeded = numbers.next();
        const auto begin = numbers.next();
        const auto left = numbers.next();
        const auto more = numbers.next();
        if (!exceeded || !begin || !left || !more || *exceeded > 1) return answer;
        if (*exceeded == 1) outcome.exceeded |= std::uint64_t{1} << i;
        outcome.taken_in[i] = instant_of(*begin).count();
        outcome.standing[i] = {.left = static_cast<std::uint64_t>(*left),
                               .more_at = instant_of(*more)};
    }
    if (numbers.is_over()) answer.kind = ScriptAnswer::Kind::decided;
    return answer;
}

bool can_be_leased(const Bill& bill) {
    return std::all_of(bill.items().begin(), bill.items().end(), [](const Item& item) {
        return !comes_back(*item.limit) && can_lend(*item.limit, item.cost);
    });
}

} // namespace keygate::limit
