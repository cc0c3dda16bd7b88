#pragma once

#include "admin/message.hpp"
#include "base/result.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace keygate::admin {

/// The operator is told no: what the body and the status will say.
struct Problem {
    // Not an aggregate: a result<T, Problem> must not take a number for a problem.
    Problem() = default;

    Problem(unsigned s, std::string c, std::string r, std::string m, std::string a = {})
        : status(s)
        , code(std::move(c))
        , reason(std::move(r))
        , message(std::move(m))
        , allow(std::move(a)) {}

    unsigned status = 500;
    std::string code;    // `UNPROCESSABLE`
    std::string reason;  // `member_invalid`, for programs
    std::string message; // one sentence; begins with the member's name where there is one
    std::string allow;   // the `Allow` field of a 405
    std::vector<std::string> mistakes; // all that is wrong, where that is more than one thing
};

[[noreturn]] void throw_exception_from_error(const Problem& problem,
                                             const boost::source_location& where);

/// A T, or what is wrong with the request.
template <class T> using Checked = boost::system::result<T, Problem>;

/// 400: it cannot be understood.
[[nodiscard]] Problem bad_request(std::string reason, std::string message);
/// 422: it is understood and one value is wrong. `member` is its path: `scopes`, `keys[3].plan`.
[[nodiscard]] Problem unprocessable(std::string_view member, std::string_view message,
                                    std::string reason = "member_invalid");
/// The same of what a reader of records says, which begins with the member: `quota.tests: …`.
/// @param prefix  put before it: `keys[3].`
[[nodiscard]] Problem problem_of(const std::string& wrong, const std::string& prefix);
[[nodiscard]] Problem not_found(std::string message);
[[nodiscard]] Problem method_not_allowed(std::string allow);
/// 409: it cannot be done to what is there.
[[nodiscard]] Problem conflict(std::string reason, std::string message);
/// 503: the configuration by which the call was read is not served any more, and nothing was done:
/// it can be carried out by the one that is (admin/api.cpp).
[[nodiscard]] Problem config_replaced();
[[nodiscard]] bool is_config_replaced(const Problem& problem);

/// What a store's fault reads like: 409 for a conflict, 404 for what is not there, 400 for a cursor
/// of somewhere else, else 503.
[[nodiscard]] Problem store_problem(const Fault& fault);

/// The body of the default refusals: `{"error":{"code","reason","message","request_id"}}`, with
/// `mistakes` beside it where there are any.
[[nodiscard]] Response to_response(const Problem& problem, const std::string& request_id);

/// A new id for one request: 32 hexadecimal digits.
[[nodiscard]] std::string new_request_id();

} // namespace keygate::admin
