#pragma once

#include "config/judged.hpp"
#include "config/settings.hpp"

#include <string>
#include <string_view>

namespace keygate::config {

/// What the URL of a Redis says.
struct RedisUrl {
    RedisTransport transport = RedisTransport::tcp;
    std::string host; // lower case, without brackets
    std::uint16_t port = 6379;
    std::string path; // of the unix socket, as written: absolute or not
    std::uint32_t database = 0;
    std::string user;
    Secret password;
};

/// `redis://[user:password@]host[:port][/database]`, `rediss://` (TLS), and
/// `unix://[user:password@]path[?db=database]`. `%XX` is decoded in user, password and path. What
/// is wrong is said without a word of the text.
[[nodiscard]] Judged<RedisUrl> parse_redis_url(std::string_view text);

/// The same without user and password.
[[nodiscard]] std::string redis_url_text(const Redis& redis);

/// What of any text that should have been such a URL may be shown: neither what stands before its
/// last `@`, nor what looks like a password whose `@` was forgotten, nor its query.
[[nodiscard]] std::string without_credentials(std::string_view text);

} // namespace keygate::config
