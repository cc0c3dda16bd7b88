#pragma once

#include "base/result.hpp"

#include <boost/beast/http/field.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace keygate::http {

using FieldName = boost::beast::http::field;

/// One header field. Views into the bytes that were read.
struct Field {
    FieldName id = FieldName::unknown; // of the names that Beast knows
    std::string_view name;             // as sent
    std::string_view value;            // without surrounding white space
};

/// How the end of a body is found (RFC 9112 6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

inline constexpr std::size_t max_fields = 100;

/// What requests and answers have in common. All views point into the head's bytes.
struct Head {
    std::array<Field, max_fields> fields;
    std::size_t field_count = 0;
    std::uint8_t minor_version = 1; // HTTP/1.x
    Framing framing = Framing::none;
    std::uint64_t content_length = 0; // with Framing::length
    bool keep_alive = true;           // what the version and `Connection` say
    /// Positions in `fields` of `Connection` fields are few: the options are looked up when needed.
    bool has_connection_options = false; // other than close, keep-alive and upgrade
    /// `Upgrade: websocket`, alone and named by `Connection` (RFC 6455 4.1, 4.2.2): the one change
    /// of protocol there is. Every other one, h2c first of all, is as if it were not there.
    bool upgrades_to_websocket = false;
    bool takes_trailers = false; // `TE` names trailers (RFC 9110 10.1.4)

    [[nodiscard]] std::span<const Field> all() const { return {fields.data(), field_count}; }
};

/// A request head that passed every rule of http/limits.hpp.
struct RequestHead : Head {
    std::string_view method;
    std::string_view target; // raw; http/target.hpp judges it
    std::string_view host;   // valid, with its port if any; empty only in HTTP/1.0
    bool expects_continue = false;
    /// The `Authorization` fields: how many, and the first one's value.
    std::uint8_t authorizations = 0;
    std::string_view authorization;
    std::uint8_t own_vias = 0; // how often our own name stands in `Via`
};

} // namespace keygate::http
