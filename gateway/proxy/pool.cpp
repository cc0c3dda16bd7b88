#include "proxy/pool.hpp"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::proxy {

namespace {

constexpr std::chrono::seconds rest_after_failure{1};

} // namespace

Link::Link(Pool& pool, std::size_t server, int descriptor, LinkUser& user)
    : pool_(pool)
    , server_(server)
    , user_(&user)
    , channel_(pool.poller_, descriptor, *this)
    , out_(channel_) {}

Link::~Link() = default;

const Server& Link::server() const {
    return pool_.upstream_.servers[server_];
}

void Link::on_ready(Events events) {
    if (state_ == State::idle) {
        // Its end, or an answer that nobody asked for.
        if (events.readable || events.broken) pool_.forget_idle(*this);
        return;
    }
    if (state_ == State::open) return user_->on_link_ready(events);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(channel_.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || events.broken) return user_->on_link_failed();
    if (!events.writable) return;
    state_ = State::open;
    user_->on_link_open();
}

Pool::Pool(net::Poller& poller, const Upstream& upstream)
    : poller_(poller)
    , upstream_(upstream)
    , servers_(upstream.servers.size())
    , sweep_(poller.wheel(), *this) {}

Pool::~Pool() = default;

std::size_t Pool::choose() {
    const SteadyTime now = poller_.now().steady;
    const auto is_better = [&](const PerServer& one, const PerServer& other) {
        const bool rests = one.rests_until > now;
        const bool other_rests = other.rests_until > now;
        return rests != other_rests ? other_rests : one.used < other.used;
    };
    const std::size_t first = turn_++ % servers_.size(); // equals take turns
    std::size_t best = first;
    for (std::size_t i = 1; i < servers_.size(); ++i) {
        const std::size_t other = (first + i) % servers_.size();
        if (is_better(servers_[other], servers_[best])) best = other;
    }
    return best;
}

std::unique_ptr<Link> Pool::take(LinkUser& user, Kind kind) {
    const std::size_t server = choose();
    if (kind == Kind::any)
        if (auto link = take_idle(servers_[server], user)) return link;
    return dial(server, user);
}

std::unique_ptr<Link> Pool::take_idle(PerServer& server, LinkUser& user) {
    for (std::size_t i = server.idle.size(); i-- > 0;) {
        // What still arrives of the answer before would be taken for the answer to this request. So
        // a link rests until events were fetched once, and nothing may be waiting on it now.
        if (server.idle[i]->rests_until_look_ >= poller_.looks()) continue;
        auto link = std::move(server.idle[i]);
        server.idle.erase(server.idle.begin() + static_cast<std::ptrdiff_t>(i));
        if (!link->channel_.is_silent()) continue; // dies here
        link->state_ = Link::State::open;
        link->is_reused_ = true;
        link->user_ = &user;
        ++server.used;
        return link;
    }
    return nullptr;
}

std::unique_ptr<Link> Pool::dial(std::size_t number, LinkUser& user) {
    const Server& server = upstream_.servers[number];
    const int descriptor =
        ::socket(server.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return nullptr;
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* const address = reinterpret_cast<const sockaddr*>(&server.address);
    if (::connect(descriptor, address, server.size) != 0 && errno != EINPROGRESS) {
        ::close(descriptor);
        rest(number);
        return nullptr;
    }
    auto link = std::make_unique<Link>(*this, number, descriptor, user);
    if (!link->channel_.is_open()) return nullptr;
    ++servers_[number].used;
    return link;
}

void Pool::give_back(std::unique_ptr<Link> link) {
    PerServer& server = servers_[link->server_];
    --server.used;
    const bool is_clean = !link->channel_.is_readable() && !link->channel_.is_hung_up();
    if (!is_clean || server.idle.size() >= upstream_.settings.max_idle) {
        link->channel_.close();
        return poller_.retire(std::move(link));
    }
    link->state_ = Link::State::idle;
    link->user_ = nullptr;
    link->idle_since_ = poller_.now().steady;
    link->rests_until_look_ = poller_.looks();
    server.idle.push_back(std::move(link));
    if (!sweep_.is_set()) sweep_.set(upstream_.settings.keep_alive);
}

void Pool::fail(std::unique_ptr<Link> link) {
    rest(link->server_);
    drop(std::move(link));
}

void Pool::rest(std::size_t server) {
    servers_[server].rests_until = poller_.now().steady + rest_after_failure;
}

void Pool::drop(std::unique_ptr<Link> link) {
    --servers_[link->server_].used;
    link->channel_.close();
    // It may be the one that is just telling something.
    poller_.retire(std::move(link));
}

void Pool::forget_idle(Link& link) {
    auto& idle = servers_[link.server_].idle;
    const auto found = std::find_if(idle.begin(), idle.end(),
                                    [&](const auto& other) { return other.get() == &link; });
    if (found == idle.end()) return;
    link.channel_.close();
    poller_.retire(std::move(*found));
    idle.erase(found);
}

void Pool::on_deadline() {
    const SteadyTime oldest = poller_.now().steady - upstream_.settings.keep_alive;
    bool has_idle = false;
    for (PerServer& server : servers_) {
        const auto fresh =
            std::find_if(server.idle.begin(), server.idle.end(),
                         [&](const auto& link) { return link->idle_since_ > oldest; });
        server.idle.erase(server.idle.begin(), fresh);
        has_idle = has_idle || !server.idle.empty();
    }
    if (has_idle)
        sweep_.set(std::max<std::chrono::milliseconds>(upstream_.settings.keep_alive / 4,
                                                       net::Wheel::tick));
}

} // namespace keygate::proxy
