#include "redis/pipeline.hpp"

#include "redis/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace asio = boost::asio;

namespace keygate::redis {

using boost::system::error_code;
using Clock = asio::steady_timer::clock_type;

namespace {

// A server that takes us and ends at once is not asked again and again without a pause.
constexpr std::chrono::seconds proof{2};

} // namespace

// Shared with the timers' completions: one that is already on its way finds nobody.
struct Pipeline::State final : Link::Handler, std::enable_shared_from_this<Pipeline::State> {
    State(asio::io_context& where, const config::Redis& wanted, Events told, std::uint64_t seed)
        : loop(where)
        , settings(wanted)
        , events(std::move(told))
        , backoff(seed) {}

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    struct Waiting {
        Done done;
        Clock::time_point deadline;
    };

    void dial() { link.emplace(loop, settings, *this); }

    void stop() {
        is_stopped = true;
        is_up = false;
        link.reset();
        deadline.cancel();
        redial.cancel();
        waiting.clear();
    }

    void on_open(const Hello& hello) override {
        const auto self = shared_from_this(); // whoever is told may destroy the pipeline
        is_up = true;
        opened = Clock::now();
        if (events.on_up) events.on_up(hello);
    }

    void on_reply(Reply reply) override {
        if (waiting.empty()) return end({Error::unexpected, "read a reply to nothing"});
        const auto self = shared_from_this();
        const Done done = std::move(waiting.front().done);
        waiting.pop_front();
        done(std::move(reply));
    }

    void on_closed(const Fault& fault) override { end(fault); }

    void end(Fault fault) {
        const auto self = shared_from_this();
        link.reset();
        if (std::exchange(is_up, false) && Clock::now() - opened >= proof) backoff.reset();
        deadline.cancel();
        // A reply that cannot be taken is the first one's; the others only went down with it.
        const Fault of_others = fault.error == Error::too_large
                                    ? Fault{asio::error::connection_aborted, fault.step}
                                    : fault;
        const auto left_alone = std::exchange(waiting, {});
        for (std::size_t i = 0; i < left_alone.size(); ++i) {
            if (is_stopped) return;
            left_alone[i].done(i == 0 ? fault : of_others);
        }
        if (!is_stopped && events.on_down) events.on_down(fault);
        if (is_stopped) return;
        redial.expires_after(backoff.next());
        wait_to_dial();
    }

    void wait_to_dial() {
        redial.async_wait([weak = weak_from_this()](const error_code& error) {
            const auto state = weak.lock();
            if (!error && state && !state->is_stopped && !state->link) state->dial();
        });
    }

    void send(std::string_view command, Done done) {
        if (!is_up || !link->is_open()) {
            asio::post(loop, [weak = weak_from_this(), done = std::move(done)] {
                const auto state = weak.lock();
                if (state && !state->is_stopped)
                    done(Fault{asio::error::not_connected, "send to Redis"});
            });
            return;
        }
        waiting.push_back({std::move(done), Clock::now() + settings.command_timeout});
        if (!is_watching) watch();
        link->send(command);
    }

    /// One timer for the oldest command. It is not touched when commands come and go: when it ends,
    /// it looks who is the oldest now.
    void watch() {
        is_watching = true;
        deadline.expires_at(waiting.front().deadline);
        deadline.async_wait([weak = weak_from_this()](const error_code&) {
            if (const auto state = weak.lock()) state->look();
        });
    }

    void look() {
        is_watching = false;
        if (is_stopped || waiting.empty()) return;
        if (waiting.front().deadline > Clock::now()) return watch();
        end({asio::error::timed_out, "wait for a reply of " + settings.url});
    }

    asio::io_context& loop;
    const config::Redis& settings;
    Events events;
    Backoff backoff;
    std::optional<Link> link;
    std::deque<Waiting> waiting;
    asio::steady_timer deadline{loop};
    asio::steady_timer redial{loop};
    Clock::time_point opened;
    bool is_watching = false;
    bool is_up = false;
    bool is_stopped = false;
};

Pipeline::Pipeline(asio::io_context& loop, const config::Redis& settings, Events events,
                   std::uint64_t seed)
    : state_(std::make_shared<State>(loop, settings, std::move(events), seed)) {}

Pipeline::~Pipeline() {
    state_->stop();
}

void Pipeline::start() {
    state_->dial();
}

bool Pipeline::is_up() const {
    return state_->is_up && state_->link->is_open();
}

void Pipeline::send(std::string_view command, Done done) {
    state_->send(command, std::move(done));
}

void Pipeline::hurry() {
    if (state_->link || state_->is_stopped) return;
    // Its wait is over as if the time had come.
    state_->redial.expires_after(std::chrono::seconds{0});
    state_->wait_to_dial();
}

void Pipeline::drop(const Fault& why) {
    if (state_->link) state_->end(why);
}

std::size_t Pipeline::waiting() const {
    return state_->waiting.size();
}

} // namespace keygate::redis
