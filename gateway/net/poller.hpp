#pragma once

#include "base/clock.hpp"
#include "net/wheel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <sys/epoll.h>

namespace keygate::net {

class Channel;

/// Who is told that a channel may be read or written again.
class ReadyHandler {
  public:
    struct Events {
        bool readable = false;
        bool writable = false;
        bool broken = false; // both directions have ended, or an error waits
    };

    virtual void on_ready(Events events) = 0;

  protected:
    ~ReadyHandler() = default;
};

/// Something that may be in use further up the stack when it is no longer needed: it dies at the
/// end of the turn.
class Retirable {
  public:
    virtual ~Retirable() = default;
};

/// The sockets of one thread: one edge-triggered epoll set inside the thread's io_context, so that
/// everything else (timers, posts, the admin side) stays ordinary Asio. Against plain Asio on the
/// same work this saves a failing read or an epoll_ctl for each message.
class Poller {
  public:
    using Executor = boost::asio::io_context::executor_type;

    Poller(boost::asio::io_context& io, const Clock& clock);
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /// Begins to deliver events and deadlines on the io_context's thread.
    void start();
    /// Delivers no more; the io_context can run out of work.
    void stop();

    void at_turn_end(std::function<void()> at_end) { at_end_ = std::move(at_end); }

    /// Both clocks as of the begin of this turn.
    [[nodiscard]] const Now& now() const { return now_; }

    [[nodiscard]] Wheel& wheel() { return wheel_; }

    /// Where every read of this thread lands first; free again when the handler returns. The
    /// larger, the fewer calls a stream takes; but where many are ready each gets less, so that the
    /// last of them does not wait long. With 128 KiB for each of 500 streams that filled up, p99 of
    /// small requests beside them was 0.3 to 1.8 s; so it is 0.03 to 0.7 s, on the same busy
    /// machine (tests/bench/wire.py attack).
    [[nodiscard]] std::span<char> buffer() { return {buffer_.get(), share_}; }

    /// How often events were fetched: whatever arrived before a look was told by the end of it.
    [[nodiscard]] std::uint64_t looks() const { return looks_; }

    /// Runs what another thread has posted in a turn of its own: the clocks are those of now, and
    /// what belongs to the end of a turn follows.
    void visit(const std::function<void()>& work);
    /// The same later, from any thread.
    void post(std::function<void()> work);

    void retire(std::unique_ptr<Retirable> object) { retired_.push_back(std::move(object)); }

    static constexpr std::size_t buffer_size = 128 * 1024;
    static constexpr std::size_t smallest_share = 16 * 1024;
    /// What the reads of one round may come to, where the smallest shares are not more already.
    static constexpr std::size_t round_size = 2 * 1024 * 1024;

  private:
    friend class Channel;

    [[nodiscard]] bool add(Channel& channel);
    void forget(Channel& channel);
    void call_again(Channel& channel);

    void wait();
    void turn();
    void share_among(std::size_t channels);
    void deliver(std::span<const epoll_event> events);
    void deliver_again();
    void finish_turn();
    void bury();
    void arm_tick();
    void tell_deadlines();

    boost::asio::io_context& io_;
    const Clock& clock_;
    Now now_;
    Wheel wheel_;
    boost::asio::posix::basic_stream_descriptor<Executor> epoll_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
        tick_;
    std::unique_ptr<char[]> buffer_;
    std::size_t share_ = buffer_size; // of the buffer, for each of those who are told now
    std::array<epoll_event, 256> batch_{};
    std::size_t batch_size_ = 0;
    std::uint64_t looks_ = 0;
    std::vector<Channel*> again_;
    std::vector<Channel*> again_now_;
    std::vector<std::unique_ptr<Retirable>> retired_;
    std::function<void()> at_end_;
    bool is_running_ = false;
    bool is_posted_ = false; // a turn for those who are to be called again
};

} // namespace keygate::net
