#include "app/worker.hpp"

#include "gate/connection.hpp"
#include "net/listener.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <exception>

#include <sys/socket.h>
#include <unistd.h>

namespace keygate::app {

Worker::Worker(Shared shared, std::size_t number, std::vector<int> listeners)
    : shared_(std::move(shared))
    , poller_(io_, shared_.clock)
    , access_log_(shared_.access_log)
    , lane_{.poller = poller_,
            .snapshot = shared_.snapshot,
            .table = shared_.table,
            .counters = shared_.counters,
            .admission = shared_.admission,
            .metrics = shared_.metrics.thread(number),
            .access_log = access_log_,
            .request_reader = {{.max_fields = shared_.snapshot->settings.client.max_fields,
                                .max_target = shared_.snapshot->settings.client.max_target},
                               shared_.snapshot->settings.via},
            .limiter_offset = shared_.limiter_offset} {
    for (const proxy::Upstream& upstream : lane_.snapshot->upstreams)
        lane_.pools.push_back(std::make_unique<proxy::Pool>(poller_, upstream));
    for (const int descriptor : listeners)
        listeners_.push_back(std::make_unique<net::Listener>(
            poller_, descriptor,
            [this](int client, std::string address) { accept(client, std::move(address)); }));
    poller_.at_turn_end([this] { access_log_.flush_if_due(poller_.now().steady); });
    poller_.start();
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

void Worker::accept(int descriptor, std::string address) {
    const auto refusal = shared_.admission.enter(address);
    if (refusal) return refuse(descriptor, address, *refusal);
    gate::Connection::open(lane_, descriptor, std::move(address));
}

void Worker::refuse(int descriptor, std::string_view address, const Refusal& refusal) {
    http::RequestId id;
    lane_.request_ids.next(poller_.now().wall, id);
    std::string answer;
    lane_.snapshot->pages_for({}).write(answer, refusal,
                                        {.after = http::AfterAnswer::close,
                                         .date = lane_.date.at(poller_.now().wall),
                                         .request_id = id.text()});
    // A new connection's buffer takes this whole; if not, the close says enough.
    const ssize_t sent =
        ::send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    // A close with an unread request would be a reset, and could overtake the answer.
    ::shutdown(descriptor, SHUT_WR);
    (void)::recv(descriptor, poller_.buffer().data(), poller_.buffer().size(), MSG_DONTWAIT);
    ::close(descriptor);
    const unsigned status = lane_.snapshot->pages_for({}).status(refusal.reason);
    lane_.metrics.count(observe::ThreadMetrics::no_route, refusal.reason, status, {});
    access_log_.write({.time = poller_.now().wall,
                       .request_id = id.text(),
                       .client = address,
                       .outcome = refusal.reason,
                       .status = status,
                       .sent = sent > 0 ? static_cast<std::uint64_t>(sent) : 0});
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
        poller_.stop(); // sweeps what the clients left
        lane_.pools.clear();
        access_log_.flush();
    });
}

} // namespace keygate::app
