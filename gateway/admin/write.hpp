#pragma once

#include "admin/context.hpp"
#include "admin/errors.hpp"
#include "keys/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What all calls that change something have in common. Such a call is judged and committed in one
// piece on the store's thread: what was read to decide it is still so when it is done.
//
//   Idempotency-Key   a call that was done is answered again and not done again, for 24 hours
//   If-Match          the record must still be the one that was read (RFC 9110 13.1.1)
//   ?dry_run=true     everything but the change
namespace keygate::admin {

/// What is to be changed, and the answer if that succeeds.
struct Decided {
    keys::Change change;
    Response response;
};

/// Judges a call. Runs on the store's thread: it owns what it uses, and does not throw.
using Decide = std::function<Checked<Decided>(keys::KeyStore&)>;

/// The answer to a change that was committed now, earlier, or not at all.
struct Written {
    Response response;
    bool is_done = false; // now
};

/// Carries a change out: acknowledged when it is committed and in the table.
/// @param allowed  query parameters beside `dry_run`. Owned: a list in braces would be gone when
/// the
///                 awaitable starts.
[[nodiscard]] boost::asio::awaitable<Checked<Written>>
write(const Context& context, Request request, Decide decide,
      std::vector<std::string_view> allowed = {});

/// 412 if `If-Match` or `If-None-Match` asks for another state of the record.
/// @param etag  of the record; nothing where there is none.
[[nodiscard]] Checked<void> check_conditions(const Request& request,
                                             const std::optional<std::string>& etag);

/// 400 for a body where none is expected; an empty object is none.
[[nodiscard]] Checked<void> no_body(const Request& request);

} // namespace keygate::admin
