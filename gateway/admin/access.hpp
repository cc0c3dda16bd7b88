#pragma once

#include "admin/message.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/settings.hpp"

#include <string>

// Who may speak to the admin API.
namespace keygate::admin {

/// The token in a file: one line of 16..256 visible characters. The file must not be readable or
/// writable by group or world (permission_denied). @errors no_such_file_or_directory when absent.
[[nodiscard]] Result<Secret> read_token(const std::string& file);

/// The same; an absent file is made first, mode 0600, with 48 random letters and digits.
[[nodiscard]] Result<Secret> read_or_make_token(const std::string& file);

/// Lets through what may speak to `next`: over a unix socket everything (the file's mode is the
/// guard); over TCP a request whose Host is the listen address or a name of the loopback (else 421:
/// a web page whose name was re-bound to our address stops here), with `Authorization: Bearer
/// <token>` (else 401).
[[nodiscard]] Handler guarded(Handler next, Secret token, const config::Endpoint& address);

/// The same without a token: nothing gets in over TCP.
[[nodiscard]] Handler guarded_local(Handler next);

} // namespace keygate::admin
