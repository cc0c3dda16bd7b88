#pragma once

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>

namespace keygate::net {

/// What one attempt to read or write came to.
struct Transfer {
    enum class State : std::uint8_t { moved, would_block, ended, failed };
    State state = State::would_block;
    std::size_t bytes = 0;           // with `moved`: at least 1, but of a handshake 0
    boost::system::error_code error; // with `failed`

    [[nodiscard]] static Transfer moved(std::size_t bytes) {
        return {.state = State::moved, .bytes = bytes, .error = {}};
    }

    [[nodiscard]] static Transfer ended() {
        return {.state = State::ended, .bytes = 0, .error = {}};
    }

    [[nodiscard]] static Transfer failed(const boost::system::error_code& error) {
        return {.state = State::failed, .bytes = 0, .error = error};
    }

    /// @param number  an errno that is no reason to wait.
    [[nodiscard]] static Transfer failed_errno(int number) {
        return failed({number, boost::system::system_category()});
    }
};

} // namespace keygate::net
