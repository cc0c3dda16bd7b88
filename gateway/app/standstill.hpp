#pragma once

#include <cstddef>
#include <latch>

namespace keygate::app {

/// A moment in which no worker does anything. It divides time for all of them at once: what was
/// judged before it was judged by the old configuration everywhere, what is judged after it by the
/// new one. Without it a key that one worker knows to be revoked could pass at another.
///
/// Workers never wait for the thread that calls but here, so this ends if they all come.
class Standstill {
  public:
    explicit Standstill(std::size_t workers)
        : standing_(static_cast<std::ptrdiff_t>(workers))
        , gone_on_(static_cast<std::ptrdiff_t>(workers)) {}

    // A worker's side.

    void stand() {
        standing_.count_down();
        told_to_go_.wait();
    }

    void go_on() { gone_on_.count_down(); }

    // The side of the one who called.

    void wait_for_all() { standing_.wait(); }

    /// Returns when every worker has passed `go_on`.
    void release() {
        told_to_go_.count_down();
        gone_on_.wait();
    }

  private:
    std::latch standing_;
    std::latch told_to_go_{1};
    std::latch gone_on_;
};

} // namespace keygate::app
