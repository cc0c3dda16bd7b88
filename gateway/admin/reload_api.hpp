#pragma once

#include "admin/errors.hpp"
#include "admin/message.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// POST /admin/v1/config:reload
namespace keygate::admin {

struct Context;

/// What came of reading the configuration again. Nothing has changed unless it is `done`.
struct ReloadOutcome {
    enum class Kind : std::uint8_t {
        done,
        config_invalid, // it does not load
        needs_restart,  // it changes what a running process cannot
        draining,       // the process was told to stop
        failed          // a file or the store cannot be read
    };

    Kind kind = Kind::failed;
    bool has_changed = false;          // done: the new settings are not the same as before
    std::size_t keys = 0;              // done
    std::size_t unreadable_keys = 0;   // done: they name what the configuration does not know
    std::vector<std::string> problems; // otherwise: what is wrong, at least one
};

/// Begins a reload; `done` is called once, on any thread.
using Reload = std::function<void(std::function<void(ReloadOutcome)> done)>;

/// 200 `{"object":"reload","changed","keys","keys_unreadable"}`; 422 `config_invalid`, with every
/// mistake in `mistakes` beside the error; 409 `needs_restart`, the same, and `draining`; 503.
[[nodiscard]] boost::asio::awaitable<Checked<Response>>
reload_config(const Context& context, std::string id, Request request);

} // namespace keygate::admin
