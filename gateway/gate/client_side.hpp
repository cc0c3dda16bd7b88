#pragma once

#include "http/forwarded.hpp"

#include <string>

namespace keygate::gate {

/// What a connection is, for every request on it. Settled before the first one begins.
struct ClientSide {
    std::string address; // of the other end, or of the one that its PROXY header tells
    http::Scheme scheme = http::Scheme::http;
    /// The client's certificate, checked, as `Client-Cert` has it (RFC 9440 2.2); empty: none, or
    /// none that the upstream is to see.
    std::string certificate{};
};

} // namespace keygate::gate
