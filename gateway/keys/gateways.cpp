#include "keys/gateways.hpp"

#include "base/ascii.hpp"
#include "redis/error.hpp"
#include "redis/session.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <random>
#include <set>

#include <unistd.h>

namespace keygate::keys {

namespace {

using redis::Reply;
using std::chrono::milliseconds;

constexpr std::string_view all_gateways = "kg:gateways";
constexpr std::string_view gateway_prefix = "kg:gateway:";
constexpr std::string_view waited_prefix = "kg:waited:";
constexpr milliseconds remembered{
    600'000}; // a gateway that is silent for this long beyond its bound
constexpr milliseconds shortest_period{50};
constexpr milliseconds longest_period{1000};
constexpr milliseconds answer_life{60'000};

std::string random_text() {
    std::random_device random;
    constexpr std::string_view letters = "0123456789abcdef";
    std::string text;
    for (int i = 0; i < 16; ++i)
        text += letters[random() % letters.size()];
    return text;
}

std::string host_name() {
    std::array<char, 65> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "host";
    std::string text;
    for (const char c : std::string_view{name.data()})
        text += ascii::is_alnum(c) || c == '-' || c == '.' ? c : '_';
    return text;
}

std::string text_of(milliseconds time) {
    return std::to_string(time.count());
}

std::string joined(std::string_view prefix, std::string_view rest) {
    return std::string{prefix}.append(rest);
}

std::optional<milliseconds> time_from(std::string_view text) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || last != end || number < 0) return std::nullopt;
    return milliseconds{number};
}

Fault unexpected(const std::string& step) {
    return {make_error_code(redis::Error::unexpected), step};
}

Result<std::set<std::string>> members(redis::Session& session, const std::string& name) {
    const redis::Command command{"SMEMBERS", name};
    const auto reply = session.ask(command);
    if (!reply) return reply.error();
    if (!reply->is(Reply::Kind::list)) return unexpected("SMEMBERS");
    std::set<std::string> all;
    for (const Reply& one : reply->list)
        if (one.is(Reply::Kind::text)) all.insert(one.text);
    return all;
}

/// What is known of one gateway; nothing if it was forgotten.
struct Life {
    milliseconds bound{};
    milliseconds silent_for{};
};

Result<std::optional<Life>> life_of(redis::Session& session, const std::string& gateway) {
    const std::string name = joined(gateway_prefix, gateway);
    const std::array<redis::Command, 2> commands{redis::Command{"GET", name},
                                                 redis::Command{"PTTL", name}};
    const auto replies = session.ask(commands);
    if (!replies) return replies.error();
    const Reply& said = (*replies)[0];
    const Reply& left = (*replies)[1];
    if (!said.is(Reply::Kind::text) || !left.is(Reply::Kind::number) || left.number < 0)
        return std::optional<Life>{};
    const std::string_view text = said.text;
    const std::size_t space = std::min(text.find(' '), text.size());
    const auto bound = time_from(text.substr(0, space));
    const auto life = time_from(text.substr(std::min(space + 1, text.size())));
    if (!bound || !life) return std::optional<Life>{};
    const milliseconds silent = *life - milliseconds{left.number};
    return std::optional{Life{*bound, std::max(silent, milliseconds{0})}};
}

} // namespace

Registration::Registration(const config::Store& settings)
    : id_(host_name() + ":" + std::to_string(::getpid()) + ":" + random_text())
    , bound_(settings.revocation_bound)
    , decides_for_(bound_ + settings.stale_while_down) {}

bool Registration::is_due(BootTime now) {
    if (now < due_) return false;
    due_ = now + std::clamp(bound_ / 4, shortest_period, longest_period);
    return true;
}

std::vector<redis::Command> Registration::commands() const {
    const std::string life = text_of(decides_for_ + remembered);
    return {{"SET", joined(gateway_prefix, id_), text_of(decides_for_) + ' ' + life, "PX", life},
            {"SADD", std::string{all_gateways}, id_}};
}

std::vector<redis::Command> Registration::confirm(std::string_view token) const {
    const std::string name = joined(waited_prefix, token);
    return {{"SADD", name, id_}, {"PEXPIRE", name, text_of(answer_life)}};
}

bool is_wait_token(std::string_view text) {
    return !text.empty() && text.size() <= 64 &&
           std::all_of(text.begin(), text.end(), [](char c) { return ascii::is_alnum(c); });
}

Result<std::vector<Waited>> wait_for_gateways(redis::Session& session,
                                              const std::function<void()>& pause) {
    const BootTime begun = BootClock::now();
    const std::string token = random_text();
    const redis::Command publish{"PUBLISH", "kg:wait", token};
    if (const auto published = session.ask(publish); !published) return published.error();
    const std::string answers = joined(waited_prefix, token);
    for (;;) {
        const auto gateways = members(session, std::string{all_gateways});
        if (!gateways) return gateways.error();
        const auto answered = members(session, answers);
        if (!answered) return answered.error();
        std::vector<Waited> all;
        bool is_over = true;
        for (const std::string& gateway : *gateways) {
            const auto life = life_of(session, gateway);
            if (!life) return life.error();
            if (!*life) {
                const redis::Command forget{"SREM", std::string{all_gateways}, gateway};
                if (const auto forgotten = session.ask(forget); !forgotten)
                    return forgotten.error();
                continue;
            }
            const bool has_applied = answered->contains(gateway);
            all.push_back({gateway, has_applied, (*life)->silent_for});
            // One that asks for every request keeps nothing.
            const milliseconds bound = (*life)->bound;
            const bool keeps_nothing = bound.count() == 0 || (BootClock::now() - begun >= bound &&
                                                              (*life)->silent_for > bound);
            is_over = is_over && (has_applied || keeps_nothing);
        }
        if (is_over) return all;
        pause();
    }
}

} // namespace keygate::keys
