#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace keygate::redis {

/// One reply of RESP2, as a plain value. Hostile until its shape was looked at.
struct Reply {
    enum class Kind : std::uint8_t {
        nil,
        text,   // a bulk string, binary-safe
        status, // `+OK`
        error,  // `-WRONGTYPE …`
        number,
        list
    };

    Kind kind = Kind::nil;
    std::int64_t number = 0;
    std::string text;        // of text, status and error
    std::vector<Reply> list; // of list

    [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }

    [[nodiscard]] bool is_status(std::string_view wanted) const {
        return kind == Kind::status && text == wanted;
    }

    bool operator==(const Reply&) const = default;
};

/// A command and its arguments, binary-safe.
using Command = std::vector<std::string>;

/// The Fault of an error reply; its `step` names the command, never an argument.
[[nodiscard]] Fault fault_of(const Reply& error, std::string_view command);

} // namespace keygate::redis
