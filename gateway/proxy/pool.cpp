#include "proxy/pool.hpp"

#include "net/tls_session.hpp"

#include <algorithm>
#include <utility>

namespace keygate::proxy {

namespace {

constexpr std::chrono::seconds rest_after_failure{1};
constexpr unsigned never = 1000; // a rank

} // namespace

Pool::Pool(net::Poller& poller, std::shared_ptr<Upstream> upstream,
           std::function<void(const std::string&)> warn)
    : poller_(poller)
    , upstream_(std::move(upstream))
    , warn_(std::move(warn))
    , budget_(upstream_->settings().retries.budget)
    , sweep_(poller.wheel(), *this) {}

Pool::~Pool() = default;

// ---- which servers there are
// ----------------------------------------------------------------------

std::size_t Pool::servers() {
    refresh();
    return places_.size();
}

void Pool::refresh() {
    const std::uint64_t version = upstream_->version();
    if (version == version_) return;
    version_ = version;
    const auto servers = upstream_->servers();
    std::vector<std::unique_ptr<Place>> before = std::move(places_);
    places_.clear();
    for (const auto& server : *servers) {
        const auto known = std::find_if(before.begin(), before.end(), [&](const auto& place) {
            return place && place->server == server;
        });
        if (known != before.end()) {
            places_.push_back(std::move(*known));
        } else {
            places_.push_back(std::make_unique<Place>());
            places_.back()->server = server;
        }
    }
    for (auto& place : before)
        if (place) {
            leaving_.push_back(std::move(place));
            take_leave(*leaving_.back());
        }
}

/// Whoever uses a connection to a server that is gone ends as it would have.
void Pool::take_leave(Place& place) {
    place.is_leaving = true;
    for (auto& link : place.idle) {
        link->channel_.close();
        poller_.retire(std::move(link));
    }
    place.idle.clear();
    if (place.used != 0) return;
    const auto found = std::find_if(leaving_.begin(), leaving_.end(),
                                    [&](const auto& other) { return other.get() == &place; });

    // Its links, which know it, die at the end of the turn, and so does it.
    struct Grave final : net::Retirable {
        explicit Grave(std::unique_ptr<Place> dead)
            : place(std::move(dead)) {}

        std::unique_ptr<Place> place;
    };

    poller_.retire(std::make_unique<Grave>(std::move(*found)));
    leaving_.erase(found);
}

// ---- which of them is asked
// -----------------------------------------------------------------------

/// The lower, the sooner it is asked.
unsigned Pool::rank(const Place& place, const Journey& journey, SteadyTime now) const {
    unsigned rank = place.rests_until > now ? 1 : 0;
    switch (place.server->standing->state(now)) {
    case Standing::State::in:
    case Standing::State::due:
        break;
    case Standing::State::out:
        rank += 2;
        break;
    case Standing::State::unwell:
        return never;
    }
    const auto& tried = journey.tried;
    if (std::find(tried.begin(), tried.end(), place.server.get()) != tried.end()) rank += 4;
    return rank;
}

bool Pool::is_better(const Place& one, const Place& other) const {
    if (settings().balance == config::Balance::round_robin)
        return one.credit + one.server->weight > other.credit + other.server->weight;
    // As it would be with this request.
    return (one.used + 1) * other.server->weight < (other.used + 1) * one.server->weight;
}

/// One that is full is waited for rather than that another is asked which should be left out.
Pool::Place* Pool::choose(const Journey& journey, const std::vector<const Place*>& full) {
    const SteadyTime now = poller_.now().steady;
    unsigned best_class = never;
    for (const auto& place : places_)
        best_class = std::min(best_class, rank(*place, journey, now) / 2);
    if (best_class >= never / 2) return nullptr;
    const std::size_t first = turn_++ % places_.size(); // equals take turns
    Place* best = nullptr;
    unsigned best_rank = never;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        Place& place = *places_[(first + i) % places_.size()];
        const unsigned its_rank = rank(place, journey, now);
        if (its_rank / 2 != best_class || its_rank > best_rank) continue;
        if (std::find(full.begin(), full.end(), &place) != full.end()) continue;
        if (best != nullptr && its_rank == best_rank && !is_better(place, *best)) continue;
        best = &place;
        best_rank = its_rank;
    }
    return best;
}

/// Smooth weighted round robin: everybody gains its weight, who is chosen pays for all.
void Pool::count_turn(Place& chosen) {
    if (settings().balance != config::Balance::round_robin) return;
    std::int64_t all = 0;
    for (const auto& place : places_) {
        place->credit += place->server->weight;
        all += place->server->weight;
    }
    chosen.credit -= all;
}

Pool::Place* Pool::place_of(const Server& server) {
    for (const auto& place : places_)
        if (place->server->standing == server.standing) return place.get();
    return nullptr;
}

Pool::Taken Pool::take(LinkUser& user, Kind kind, Journey& journey) {
    refresh();
    if (journey.ticket)
        if (const auto granted = upstream_->slots()->take(journey.ticket)) {
            journey.ticket.reset();
            if (Place* const place = place_of(*granted)) {
                count_turn(*place);
                return take_at(*place, user, kind, journey, false);
            }
            upstream_->slots()->leave(granted); // the server is gone meanwhile
        }
    Slots* const slots = upstream_->slots();
    std::vector<const Place*> full;
    while (Place* const place = choose(journey, full)) {
        Standing& standing = *place->server->standing;
        const SteadyTime now = poller_.now().steady;
        const bool is_trial = standing.state(now) == Standing::State::due;
        if (is_trial && !standing.begin_trial(now)) continue; // another thread finds out
        if (slots != nullptr && !slots->enter(place->server)) {
            if (is_trial) standing.abandon_trial();
            full.push_back(place);
            continue;
        }
        // Where it has looked again, it waits no longer; else somebody who waits may look as well.
        if (journey.ticket)
            give_up(journey);
        else if (slots != nullptr)
            slots->look_again(1);
        count_turn(*place);
        return take_at(*place, user, kind, journey, is_trial);
    }
    if (journey.ticket) return {.link = nullptr, .is_waiting = true};
    if (full.empty()) return {};
    return wait(user, journey);
}

Pool::Taken Pool::wait(LinkUser& user, Journey& journey) {
    // Told on its own thread, where it may have given up meanwhile; the ticket knows.
    struct Waiting {
        LinkUser* user;
        std::weak_ptr<Slots::Ticket> ticket;
    };

    auto waiting = std::make_shared<Waiting>(Waiting{.user = &user, .ticket = {}});
    journey.ticket = upstream_->slots()->wait([waiting, &poller = poller_] {
        poller.post([waiting] {
            // Who has given up has let go of its ticket, and this is its own thread.
            if (!waiting->ticket.expired()) waiting->user->on_turn();
        });
    });
    if (!journey.ticket) return {};
    waiting->ticket = journey.ticket;
    return {.link = nullptr, .is_waiting = true};
}

void Pool::give_up(Journey& journey) {
    if (!journey.ticket) return;
    upstream_->slots()->give_up(journey.ticket);
    journey.ticket.reset();
}

// ---- its connections
// ------------------------------------------------------------------------------

/// The place is the caller's: it is used, or given back here.
Pool::Taken Pool::take_at(Place& place, LinkUser& user, Kind kind, Journey& journey,
                          bool is_trial) {
    Standing& standing = *place.server->standing;
    std::unique_ptr<Link> link;
    bool is_servers_doing = false;
    if (kind == Kind::any) link = take_idle(place, user);
    if (!link) link = dial(place, user, is_servers_doing);
    if (link) {
        ++place.used;
        link->is_trial_ = is_trial;
        link->is_judged_ = false;
        return {.link = std::move(link)};
    }
    if (Slots* const slots = upstream_->slots()) slots->leave(place.server);
    if (!is_servers_doing) {
        if (is_trial) standing.abandon_trial();
        return {};
    }
    place.rests_until = poller_.now().steady + rest_after_failure;
    standing.fail(poller_.now().steady, is_trial);
    journey.tried.push_back(place.server.get());
    return {.link = nullptr, .is_waiting = false, .may_ask_again = true};
}

std::unique_ptr<Link> Pool::take_idle(Place& place, LinkUser& user) {
    for (std::size_t i = place.idle.size(); i-- > 0;) {
        // What still arrives of the answer before would be taken for the answer to this request. So
        // a link rests until events were fetched once, and nothing may be waiting on it now.
        if (place.idle[i]->rests_until_look_ >= poller_.looks()) continue;
        auto link = std::move(place.idle[i]);
        place.idle.erase(place.idle.begin() + static_cast<std::ptrdiff_t>(i));
        if (!link->channel_.is_silent()) continue; // dies here
        link->state_ = Link::State::open;
        link->is_reused_ = true;
        link->user_ = &user;
        return link;
    }
    return nullptr;
}

std::unique_ptr<Link> Pool::dial(Place& place, LinkUser& user, bool& is_servers_doing) {
    const Dialled dialled = begin_connect(*place.server);
    is_servers_doing = dialled.is_servers_doing;
    if (dialled.descriptor < 0) return nullptr;
    auto link = std::make_unique<Link>(*this, place, dialled.descriptor, user);
    if (!link->channel_.is_open()) return nullptr;
    return link;
}

void Pool::judge(Link& link, bool is_well) {
    if (std::exchange(link.is_judged_, true)) return;
    Standing& standing = *link.place_.server->standing;
    if (is_well)
        standing.succeed(link.is_trial_);
    else
        standing.fail(poller_.now().steady, link.is_trial_);
}

/// Its request is over: the server has one less.
void Pool::leave(Link& link) {
    if (!link.is_judged_ && link.is_trial_) link.place_.server->standing->abandon_trial();
    --link.place_.used;
    if (Slots* const slots = upstream_->slots()) slots->leave(link.place_.server);
}

void Pool::give_back(std::unique_ptr<Link> link) {
    Place& place = link->place_;
    leave(*link);
    const bool is_clean = !link->channel_.is_readable() && !link->channel_.is_hung_up();
    if (!is_clean || place.is_leaving || place.idle.size() >= settings().max_idle) {
        link->channel_.close();
        poller_.retire(std::move(link));
        if (place.is_leaving) take_leave(place);
        return;
    }
    link->state_ = Link::State::idle;
    link->user_ = nullptr;
    link->idle_since_ = poller_.now().steady;
    link->rests_until_look_ = poller_.looks();
    place.idle.push_back(std::move(link));
    if (!sweep_.is_set()) sweep_.set(settings().keep_alive);
}

void Pool::fail(std::unique_ptr<Link> link, Journey& journey) {
    link->place_.rests_until = poller_.now().steady + rest_after_failure;
    journey.tried.push_back(link->place_.server.get());
    judge(*link, false);
    drop(std::move(link));
}

void Pool::drop(std::unique_ptr<Link> link) {
    Place& place = link->place_;
    leave(*link);
    link->channel_.close();
    // It may be the one that is just telling something.
    poller_.retire(std::move(link));
    if (place.is_leaving) take_leave(place);
}

void Pool::note_distrust(const Link& link) {
    const Server& server = *link.place_.server;
    if (server.standing->may_tell(poller_.now().steady))
        warn_(upstream_->api() + "/" + upstream_->name() + ": " + server.name +
              ": TLS: " + link.channel_.tls()->problem());
}

void Pool::forget_idle(Link& link) {
    auto& idle = link.place_.idle;
    const auto found = std::find_if(idle.begin(), idle.end(),
                                    [&](const auto& other) { return other.get() == &link; });
    if (found == idle.end()) return;
    link.channel_.close();
    poller_.retire(std::move(*found));
    idle.erase(found);
}

void Pool::on_deadline() {
    const SteadyTime oldest = poller_.now().steady - settings().keep_alive;
    bool has_idle = false;
    for (const auto& place : places_) {
        const auto fresh =
            std::find_if(place->idle.begin(), place->idle.end(),
                         [&](const auto& link) { return link->idle_since_ > oldest; });
        place->idle.erase(place->idle.begin(), fresh);
        has_idle = has_idle || !place->idle.empty();
    }
    if (has_idle)
        sweep_.set(
            std::max<std::chrono::milliseconds>(settings().keep_alive / 4, net::Wheel::tick));
}

} // namespace keygate::proxy
