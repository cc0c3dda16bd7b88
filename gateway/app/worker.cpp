#include "app/worker.hpp"

#include "gate/connection.hpp"
#include "keys/keeper.hpp"
#include "net/listener.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <exception>

namespace keygate::app {

namespace {

gate::EpochRef begin(net::Poller& poller, Duty duty) {
    return gate::EpochRef{new gate::Epoch{
        poller, std::move(duty.snapshot), std::move(duty.keys), std::move(duty.route_counters),
        std::move(duty.route_subjects), [](const std::string& text) { spdlog::warn("{}", text); }}};
}

} // namespace

Worker::Worker(Shared shared, Duty duty, std::size_t number, std::vector<int> listeners)
    : shared_(std::move(shared))
    , poller_(io_, shared_.clock)
    , access_log_(shared_.access_log)
    , desk_(make_desk())
    , answers_(shared_.answers, entry())
    , redis_counters_(make_redis_counters(number))
    , lane_{.poller = poller_,
            .epoch = begin(poller_, std::move(duty)),
            .counters = shared_.counters,
            .addresses = shared_.addresses,
            .redis_counters = redis_counters_.get(),
            .admission = shared_.admission,
            .used = shared_.usage.of_thread(number),
            .desk = desk_.get(),
            .answers = answers_,
            .metrics = shared_.metrics.thread(number),
            .access_log = access_log_,
            .limiter_offset = shared_.limiter_offset} {
    for (const int descriptor : listeners)
        listeners_.push_back(std::make_unique<net::Listener>(
            poller_, descriptor,
            [this, number = listeners_.size()](int client, std::string address) {
                gate::Connection::open(lane_, number, client, std::move(address));
            }));
    poller_.at_turn_end([this] {
        if (desk_) desk_->send();
        if (redis_counters_) redis_counters_->flush();
        access_log_.flush_if_due(poller_.now().steady);
    });
    poller_.start();
    if (redis_counters_) redis_counters_->start();
    thread_ = std::thread{[this] {
        // Exceptions mean a bug: the process says so and ends, a supervisor starts it again.
        try {
            io_.run();
        } catch (const std::exception& bug) {
            spdlog::critical("a worker ended: {}", bug.what());
            spdlog::shutdown();
            std::abort();
        }
    }};
}

Worker::~Worker() {
    if (thread_.joinable()) thread_.join();
}

std::unique_ptr<keys::Desk> Worker::make_desk() {
    if (shared_.keeper == nullptr) return nullptr;
    return std::make_unique<keys::Desk>(*shared_.keeper, entry());
}

std::function<void(std::function<void()>)> Worker::entry() {
    return [this](std::function<void()> work) { poller_.post(std::move(work)); };
}

std::unique_ptr<limit::RedisCounters> Worker::make_redis_counters(std::size_t number) {
    if (shared_.redis == nullptr) return nullptr;
    return std::make_unique<limit::RedisCounters>(
        io_, *shared_.redis, shared_.process + '-' + std::to_string(number), entry(),
        [](const std::string& text) { spdlog::warn("{}", text); });
}

void Worker::take_over(Duty next, std::shared_ptr<Standstill> standstill) {
    boost::asio::post(io_, [this, next = std::move(next), all = std::move(standstill)]() mutable {
        // What can be made beforehand is made before anybody has to wait for it.
        gate::EpochRef epoch = begin(poller_, std::move(next));
        all->stand();
        lane_.begin_epoch(std::move(epoch));
        all->go_on();
    });
}

std::future<void> Worker::drain() {
    auto begun = std::make_shared<std::promise<void>>();
    std::future<void> future = begun->get_future();
    boost::asio::post(io_, [this, begun] {
        for (const auto& listener : listeners_)
            listener->take_waiting();
        listeners_.clear();
        lane_.is_draining = true;
        for (auto at = lane_.clients.begin(); at != lane_.clients.end();)
            (at++)->drain();
        begun->set_value();
    });
    return future;
}

void Worker::stop() {
    boost::asio::post(io_, [this] {
        listeners_.clear();
        lane_.clients.clear_and_dispose([](gate::Client* client) { delete client; });
        lane_.epoch.reset();
        poller_.stop(); // sweeps what the clients left
        if (redis_counters_) redis_counters_->stop();
        access_log_.flush();
    });
}

} // namespace keygate::app
