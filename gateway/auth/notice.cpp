#include "auth/notice.hpp"

#include "keys/record.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace keygate::auth {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t day = 86'400;

/// When the key ends by its record or by its age.
std::int64_t end_of(const keys::Entry& entry, const config::MaxAge& max_age) {
    if (!max_age.refuse) return entry.expires_at;
    return std::min(entry.expires_at, entry.created_at + max_age.refuse->count());
}

} // namespace

Notice write_notice(std::string& out, const keys::Entry& entry, const config::MaxAge& max_age,
                    std::string_view identity_prefix, WallTime now) {
    if (entry.particulars && !entry.particulars->notice.empty()) {
        out += entry.particulars->notice;
        return Notice::rotated;
    }
    const std::int64_t second =
        std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    if (!max_age.warn || second < entry.created_at + max_age.warn->count()) return Notice::none;
    out.append(identity_prefix).append("Notice: old");
    if (entry.created_at > 0)
        out.append(";age=").append(std::to_string((second - entry.created_at) / day));
    if (const std::int64_t end = end_of(entry, max_age); end != never)
        out.append(";ends=\"")
            .append(keys::to_text(keys::Time{std::chrono::seconds{end}}))
            .append("\"");
    out += "\r\n";
    return Notice::old;
}

} // namespace keygate::auth
