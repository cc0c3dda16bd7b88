#include "admin/errors.hpp"

#include "keys/store.hpp"
#include "redis/error.hpp"

#include <boost/json.hpp>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

namespace json = boost::json;

namespace keygate::admin {

void throw_exception_from_error(const Problem& problem, const boost::source_location&) {
    throw std::logic_error("refused: " + problem.message);
}

Problem bad_request(std::string reason, std::string message) {
    return {400, "BAD_REQUEST", std::move(reason), std::move(message)};
}

Problem unprocessable(std::string_view member, std::string_view message, std::string reason) {
    std::string text = "`";
    text.append(member).append("`: ").append(message);
    return {422, "UNPROCESSABLE", std::move(reason), std::move(text)};
}

Problem problem_of(const std::string& wrong, const std::string& prefix) {
    const std::size_t colon = wrong.find(": ");
    if (colon == std::string::npos) return unprocessable(prefix + "key", wrong);
    return unprocessable(prefix + wrong.substr(0, colon), wrong.substr(colon + 2));
}

Problem not_found(std::string message) {
    return {404, "NOT_FOUND", "not_found", std::move(message)};
}

Problem method_not_allowed(std::string allow) {
    std::string message = "this path takes " + allow;
    return {405, "METHOD_NOT_ALLOWED", "method_not_allowed", std::move(message), std::move(allow)};
}

Problem config_replaced() {
    return {503, "UNAVAILABLE", "config_replaced",
            "the configuration was replaced meanwhile; nothing was changed"};
}

bool is_config_replaced(const Problem& problem) {
    return problem.reason == "config_replaced";
}

Problem conflict(std::string reason, std::string message) {
    return {409, "CONFLICT", std::move(reason), std::move(message)};
}

Problem store_problem(const Fault& fault) {
    if (fault.error == keys::StoreError::conflict)
        return conflict("conflict", "a key with this id or digest exists already: " + fault.step);
    if (fault.error == keys::StoreError::bad_cursor)
        return bad_request("parameter_invalid", "`cursor`: not one of this list");
    if (fault.error == boost::system::errc::no_space_on_device ||
        fault.error == boost::system::errc::file_too_large ||
        fault.error == redis::Error::out_of_memory)
        return {503, "UNAVAILABLE", "store_full",
                "there is no room for it; nothing was changed: " + to_string(fault)};
    if (fault.error == keys::StoreError::not_found)
        return not_found("there is no `" + fault.step + "`");
    return {503, "UNAVAILABLE", "store_unavailable", to_string(fault)};
}

namespace {

/// A message quotes what came from outside; JSON is UTF-8 (RFC 8259 8.1) all the same.
std::string as_utf8(std::string text) {
    json::error_code error;
    (void)json::parse(json::serialize(json::string_view{text.data(), text.size()}), error);
    if (!error) return text;
    for (char& c : text)
        if ((c & 0x80) != 0) c = '?';
    return text;
}

} // namespace

Response to_response(const Problem& problem, const std::string& request_id) {
    Response response;
    response.status = problem.status;
    json::object body{{"error",
                       {{"code", problem.code},
                        {"reason", problem.reason},
                        {"message", as_utf8(problem.message)},
                        {"request_id", request_id}}}};
    if (!problem.mistakes.empty()) body["mistakes"] = json::value_from(problem.mistakes);
    response.body = json::serialize(body);
    if (!problem.allow.empty()) response.headers.emplace_back("Allow", problem.allow);
    // RFC 9110 15.5.2: a 401 carries a challenge.
    if (problem.status == 401)
        response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"keygate admin\"");
    if (problem.status == 503) response.headers.emplace_back("Retry-After", "1");
    response.headers.emplace_back("X-Request-Id", request_id);
    return response;
}

std::string new_request_id() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw std::runtime_error("the system has no randomness");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id;
    for (const unsigned char byte : bytes) {
        id += digits[byte / 16];
        id += digits[byte % 16];
    }
    return id;
}

} // namespace keygate::admin
