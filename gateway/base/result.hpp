#pragma once

#include "base/refusal.hpp"

#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <stdexcept>
#include <string>

namespace keygate {

/// Something around us failed: the error and the step that it broke.
struct Fault {
    boost::system::error_code error;
    std::string step;
};

[[nodiscard]] inline std::string to_string(const Fault& fault) {
    return fault.step + ": " + fault.error.message();
}

/// The client is told no, or gets a T.
template <class T> using Decision = boost::system::result<T, Refusal>;

/// Something around us failed, or there is a T.
template <class T> using Result = boost::system::result<T, Fault>;

// What `value()` throws on the wrong alternative: a bug in the caller, never a way of the network.
[[noreturn]] inline void throw_exception_from_error(const Refusal& refusal,
                                                    const boost::source_location&) {
    throw std::logic_error("refused: " + std::string{name(refusal.reason)});
}

[[noreturn]] inline void throw_exception_from_error(const Fault& fault,
                                                    const boost::source_location&) {
    throw boost::system::system_error(fault.error, fault.step);
}

} // namespace keygate
