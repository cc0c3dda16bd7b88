#include "net/poller.hpp"

#include "net/channel.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <system_error>

namespace keygate::net {

namespace {

// How often one turn looks again at once while there is plenty to do, before Asio gets its turn.
constexpr int looks_per_turn = 8;

int make_epoll() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return descriptor;
}

} // namespace

Poller::Poller(boost::asio::io_context& io, const Clock& clock)
    : io_(io)
    , clock_(clock)
    , now_(clock.now())
    , wheel_(now_.steady)
    , epoll_(io.get_executor(), make_epoll())
    , tick_(io.get_executor())
    , buffer_(new char[buffer_size]) {}

Poller::~Poller() = default;

void Poller::start() {
    is_running_ = true;
    wait();
    arm_tick();
}

void Poller::stop() {
    is_running_ = false;
    boost::system::error_code ignored;
    epoll_.cancel(ignored);
    tick_.cancel();
    bury();
}

void Poller::wait() {
    if (!is_running_) return;
    epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [this](boost::system::error_code error) {
                          if (!error && is_running_) turn();
                      });
}

void Poller::turn() {
    now_ = clock_.now();
    wheel_.look(now_.steady);
    for (int look = 0; look < looks_per_turn; ++look) {
        const int count =
            ::epoll_wait(epoll_.native_handle(), batch_.data(), static_cast<int>(batch_.size()), 0);
        ++looks_;
        if (count <= 0) break;
        deliver({batch_.data(), static_cast<std::size_t>(count)});
        if (count < 2) break; // little to do: the next wait tells
    }
    finish_turn();
    wait();
}

void Poller::visit(const std::function<void()>& work) {
    if (!is_running_) return;
    now_ = clock_.now();
    wheel_.look(now_.steady);
    work();
    finish_turn();
}

void Poller::post(std::function<void()> work) {
    boost::asio::post(io_, [this, work = std::move(work)] { visit(work); });
}

void Poller::share_among(std::size_t channels) {
    share_ = buffer_size;
    if (channels > 1) share_ = std::clamp(round_size / channels, smallest_share, buffer_size);
}

void Poller::deliver(std::span<const epoll_event> events) {
    batch_size_ = events.size();
    share_among(batch_size_);
    for (std::size_t i = 0; i < batch_size_; ++i) {
        auto* const channel = static_cast<Channel*>(batch_[i].data.ptr);
        if (channel == nullptr) continue; // closed by an earlier event of this batch
        const ReadyHandler::Events told = channel->take(batch_[i].events);
        channel->handler_->on_ready(told);
    }
    batch_size_ = 0;
}

void Poller::finish_turn() {
    deliver_again();
    if (at_end_) at_end_();
    bury();
    if (again_.empty() || is_posted_) return;
    is_posted_ = true;
    boost::asio::post(io_, [this] {
        is_posted_ = false;
        if (is_running_) finish_turn();
    });
}

void Poller::bury() {
    // Destructors may retire further objects.
    while (!retired_.empty()) {
        const auto dying = std::move(retired_);
        retired_.clear();
    }
}

void Poller::deliver_again() {
    again_now_.swap(again_);
    share_among(again_now_.size());
    for (std::size_t i = 0; i < again_now_.size(); ++i) {
        Channel* const channel = again_now_[i];
        if (channel == nullptr) continue; // closed meanwhile
        channel->called_again_ = false;
        again_now_[i] = nullptr;
        channel->handler_->on_ready({.readable = channel->readable_});
    }
    again_now_.clear();
}

void Poller::arm_tick() {
    tick_.expires_after(Wheel::tick);
    tick_.async_wait([this](boost::system::error_code error) {
        if (!error) tell_deadlines();
    });
}

void Poller::tell_deadlines() {
    if (!is_running_) return;
    now_ = clock_.now();
    const bool is_all = wheel_.advance(now_.steady);
    finish_turn();
    if (is_all) return arm_tick();
    // Between two portions everybody who is ready has a turn.
    boost::asio::post(io_, [this] { tell_deadlines(); });
}

bool Poller::add(Channel& channel) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &channel;
    return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, channel.descriptor_, &event) == 0;
}

void Poller::forget(Channel& channel) {
    for (std::size_t i = 0; i < batch_size_; ++i)
        if (batch_[i].data.ptr == &channel) batch_[i].data.ptr = nullptr;
    if (!channel.called_again_) return;
    std::replace(again_.begin(), again_.end(), &channel, static_cast<Channel*>(nullptr));
    std::replace(again_now_.begin(), again_now_.end(), &channel, static_cast<Channel*>(nullptr));
}

void Poller::call_again(Channel& channel) {
    if (channel.called_again_) return;
    channel.called_again_ = true;
    again_.push_back(&channel);
}

} // namespace keygate::net
