#include "keys/redis_spent.hpp"

#include <array>
#include <charconv>
#include <string_view>
#include <variant>

namespace keygate::keys {
namespace {

using redis::Reply;

constexpr std::int64_t nanoseconds_per_microsecond = 1'000;

/// The numbers of a field, as many as there are.
std::array<std::int64_t, 3> numbers_in(std::string_view text) {
    std::array<std::int64_t, 3> numbers{};
    for (std::int64_t& number : numbers) {
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        if (read.ec != std::errc{}) break;
        text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
        if (text.starts_with(' ')) text.remove_prefix(1);
    }
    return numbers;
}

Spent spent_in(std::string_view text, const config::Limit& limit) {
    const auto numbers = numbers_in(text);
    Spent spent{.tag = limit.tag, .at = numbers[0] * nanoseconds_per_microsecond};
    const auto* const rate = std::get_if<config::Rate>(&limit.rule);
    if (rate == nullptr || !rate->burst)
        spent.used = static_cast<std::uint64_t>(numbers[1]);
    else // the fraction of a microsecond is nothing that could be shown
        spent.used = static_cast<std::uint64_t>(numbers[2]) << 32;
    return spent;
}

} // namespace

std::string spent_name(const SpentBy& by) {
    std::string name = "kg:rl:{" + by.api + ':' + by.owner + "}:";
    return by.id.empty() ? name + 'o' : name + "k:" + by.id;
}

Result<std::vector<Spent>> read_spent(RedisTalk& talk, const SpentBy& by,
                                      std::span<const config::Limit> limits) {
    std::vector<Spent> all;
    if (limits.empty()) return all;
    redis::Command query{"HMGET", spent_name(by)};
    for (const config::Limit& limit : limits)
        query.push_back(limit.state);
    const auto reply = talk.ask(query);
    if (!reply) return reply.error();
    if (!reply->is(Reply::Kind::list) || reply->list.size() != limits.size())
        return unexpected("HMGET of kg:rl:");
    for (std::size_t i = 0; i < limits.size(); ++i)
        all.push_back(spent_in(reply->list[i].text, limits[i]));
    return all;
}

} // namespace keygate::keys
