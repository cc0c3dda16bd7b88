#include "http/limit_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <tuple>
#include <variant>

namespace keygate::http {
namespace {

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void write_line(std::string& out, std::string_view name, std::uint64_t number) {
    out.append(name).append(": ");
    append_number(out, number);
    out.append("\r\n");
}

bool is_refused(std::span<const LimitStanding> standings) {
    return std::any_of(standings.begin(), standings.end(),
                       [](const LimitStanding& one) { return one.is_exceeded; });
}

void write_draft(std::string& out, std::span<const LimitStanding> standings) {
    out.append("RateLimit-Policy: ");
    for (std::size_t i = 0; i < standings.size(); ++i)
        out.append(i == 0 ? "" : ", ").append(standings[i].limit->policy);
    out.append("\r\nRateLimit: ");
    const bool shows_all = !is_refused(standings);
    bool is_first = true;
    for (const LimitStanding& one : standings) {
        if (!shows_all && !one.is_exceeded) continue;
        out.append(is_first ? "\"" : ", \"").append(one.limit->name).append("\";r=");
        append_number(out, one.left);
        out.append(";t=");
        append_number(out, static_cast<std::uint64_t>(one.more_in.count()));
        is_first = false;
    }
    out.append("\r\n");
}

const LimitStanding& tightest(std::span<const LimitStanding> standings) {
    return *std::min_element(standings.begin(), standings.end(), [](const auto& a, const auto& b) {
        const auto key = [](const LimitStanding& one) {
            return std::tuple{!one.is_exceeded, one.is_exceeded ? -one.more_in.count() : 0,
                              one.left};
        };
        return key(a) < key(b);
    });
}

struct NumberOf {
    std::uint64_t operator()(const config::Rate& rate) const { return rate.limit; }

    std::uint64_t operator()(const config::Quota& quota) const { return quota.limit; }

    std::uint64_t operator()(const config::Concurrency& concurrency) const {
        return concurrency.limit;
    }
};

void write_triple(std::string& out, std::string_view prefix, const LimitStanding& one,
                  std::uint64_t reset) {
    const auto line = [&](std::string_view name, std::uint64_t number) {
        out.append(prefix);
        write_line(out, name, number);
    };
    line("Limit", std::visit(NumberOf{}, one.limit->rule));
    line("Remaining", one.left);
    line("Reset", reset);
}

} // namespace

void write_limit_fields(std::string& out, std::span<const LimitStanding> standings,
                        std::span<const config::LimitFields> families, WallTime now) {
    if (standings.empty()) return;
    for (const config::LimitFields family : families) {
        if (family == config::LimitFields::draft10) {
            write_draft(out, standings);
            continue;
        }
        const LimitStanding& one = tightest(standings);
        const auto delta = static_cast<std::uint64_t>(one.more_in.count());
        const auto epoch = static_cast<std::uint64_t>(
            std::chrono::ceil<std::chrono::seconds>(now.time_since_epoch()).count());
        if (family == config::LimitFields::ietf) write_triple(out, "RateLimit-", one, delta);
        if (family == config::LimitFields::delta) write_triple(out, "X-RateLimit-", one, delta);
        if (family == config::LimitFields::epoch)
            write_triple(out, "X-RateLimit-", one, epoch + delta);
    }
}

} // namespace keygate::http
