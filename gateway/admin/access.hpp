#pragma once

#include "admin/errors.hpp"
#include "admin/message.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/settings.hpp"
#include "keys/digest.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Who may speak to the admin API.
namespace keygate::admin {

/// The token in a file: one line of 16..256 visible characters. The file must not be readable or
/// writable by group or world (permission_denied). @errors no_such_file_or_directory when absent.
[[nodiscard]] Result<Secret> read_token(const std::string& file);

/// The same; an absent file is made first, mode 0600, with 48 random letters and digits.
[[nodiscard]] Result<Secret> read_or_make_token(const std::string& file);

/// Whether a caller may do what `needed` may: each role includes those before it.
[[nodiscard]] bool may(Role role, Role needed);

/// 403: the call needs another role.
[[nodiscard]] Problem role_too_low(Role needed);

/// A token as it is remembered: enough to know it again, not to use it.
struct KnownToken {
    std::string name;
    Role role = Role::viewer;
    keys::Digest digest;
};

/// Who gets in.
struct Access {
    std::vector<KnownToken> tokens;
    std::vector<std::string> hosts; // that `Host` may say over TCP, without port
};

/// What the configuration says; the token file is read, and made when absent. Without an `admin:`
/// there are no tokens. @errors as read_or_make_token; invalid_argument when the file's token is
/// also in the list: nobody could tell its role.
[[nodiscard]] Result<Access> read_access(const std::optional<config::Admin>& admin);

/// Stands before the API and lets through what may speak to it, with `role` and `actor` filled in.
/// - Over TCP a request needs a `Host` that is known (else 421: a web page whose name was re-bound
///   to our address stops here) and `Authorization: Bearer <token>` (else 401).
/// - Over a unix socket the file's mode is the guard: without `Authorization` the role is admin and
///   the actor `local`; with it the token decides.
/// A body is JSON or not said to be anything else (else 415).
///
/// Every call that is not a read leaves a line in the log, whatever came of it; so do calls that
/// were not let in, but no more often than once a second, with their count. No line has a body, a
/// query or a token in it.
///
/// Used on one loop, and outlives the calls in hand. The counts may be read on any thread.
class Guard {
  public:
    using Log = std::function<void(const std::string& line)>;

    Guard(Handler next, Access access, const Clock& clock, Log log);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    [[nodiscard]] boost::asio::awaitable<Response> handle(Request request);

    /// From the next call on.
    void replace(Access access) { access_ = std::move(access); }

    /// `handle` as a server takes it.
    [[nodiscard]] Handler handler() {
        return [this](Request request) { return handle(std::move(request)); };
    }

    /// Calls so far, and those of them that were not let in.
    [[nodiscard]] std::uint64_t requests() const { return requests_; }

    [[nodiscard]] std::uint64_t refused() const { return refused_; }

  private:
    [[nodiscard]] Checked<void> let_in(Request& request) const;
    [[nodiscard]] bool is_known_host(const Request& request) const;
    [[nodiscard]] const KnownToken* find_token(std::string_view presented) const;
    void note_refusal(const Problem& problem, Transport transport);
    void tell_refusals();

    Handler next_;
    Access access_;
    const Clock& clock_;
    Log log_;
    std::atomic<std::uint64_t> requests_{0};
    std::atomic<std::uint64_t> refused_{0};
    // Refusals that the log has not told yet, and when it told the last ones.
    std::uint64_t untold_ = 0;
    std::string last_refusal_;
    std::optional<SteadyTime> told_;
};

} // namespace keygate::admin
