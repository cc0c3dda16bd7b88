#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

// One Redis master that never fails over, as the clients of its event loop see it (6.0 to 7.x
// without threads; ae.c, networking.c, server.c), and the wires to it. Time is a number; nothing is
// waited for.
//
// A turn: all connections that can be read are listed; one after the other is read as it is *then*,
// and what was read is executed; replies are put into buffers. At the end (beforeSleep) the changes
// of the turn are told on the tracking connection, and only then do the buffers leave. So a pong of
// the turn stands before the change of that turn. Two ways lead a reply out before that:
//   - a connection with a backlog is written in the turn itself, right after it was read
//     (sendReplyToClient);
//   - a script that runs too long turns the loop inside the turn (processEventsWhileBlocked):
//   buffers
//     leave, whatever is read is answered by -BUSY, and no change is told. The inner turns write
//     into the same list of connections to be read, so after the script a connection may be read
//     once more in the outer turn.
namespace keygate::keys::test {

/// splitmix64: the same numbers everywhere.
class Dice {
  public:
    explicit Dice(std::uint64_t seed)
        : state_(seed * 0x9e3779b97f4a7c15U + 0x1234567U) {}

    /// 0..n-1
    std::int64_t below(std::int64_t n) {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return static_cast<std::int64_t>(((z >> 32U) * static_cast<std::uint64_t>(n)) >> 32U);
    }

    bool one_in(std::int64_t n) { return below(n) == 0; }

  private:
    std::uint64_t state_;
};

enum class Role : std::uint8_t { tracking, reads_a, reads_b, writer_a, writer_b, script };
constexpr std::size_t channel_count = 5;
constexpr std::size_t name_count = 3;

enum class Word : std::uint8_t {
    // to Redis
    ping,
    set_up,
    get,
    set,
    flush_all,
    // from Redis
    pong,
    is_set_up,
    busy,
    value,
    done,
    changed,
    all_changed
};

struct Message {
    Word word{};
    std::uint8_t name = 0;
    bool is_flush = false;
    std::uint32_t tag = 0;
    std::int64_t version = 0;
};

struct Event {
    enum class Kind : std::uint8_t {
        // Redis
        wake,
        step,
        inner_turn,
        script,
        // the gateway
        arrival,
        connect,
        ping,
        ping_deadline,
        set_up_deadline,
        read_deadline,
        reopen,
        look,
        decide,
        ask,
        // the world
        request,
        write,
        broken,
        pause,
        heal,
        probe
    };

    std::int64_t at = 0;
    std::uint32_t order = 0;
    Kind kind{};
    Role role{};
    std::uint8_t name = 0;
    std::uint32_t tag = 0;
};

/// What happens next. Events of one instant come in the order in which they were put.
class Agenda {
  public:
    std::int64_t now = 0;

    void put(Event event) {
        event.order = ++order_;
        heap_.push_back(event);
        std::push_heap(heap_.begin(), heap_.end(), is_later);
    }

    [[nodiscard]] bool is_empty() const { return heap_.empty(); }

    Event take() {
        std::pop_heap(heap_.begin(), heap_.end(), is_later);
        const Event event = heap_.back();
        heap_.pop_back();
        now = event.at;
        return event;
    }

  private:
    static bool is_later(const Event& a, const Event& b) {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    std::vector<Event> heap_;
    std::uint32_t order_ = 0;
};

/// A queue that keeps its memory.
template <class T> class Fifo {
  public:
    void push(const T& item) { items_.push_back(item); }

    [[nodiscard]] bool is_empty() const { return first_ == items_.size(); }

    [[nodiscard]] const T& front() const { return items_[first_]; }

    T pop() {
        const T item = items_[first_++];
        if (is_empty()) clear();
        return item;
    }

    void clear() {
        items_.clear();
        first_ = 0;
    }

  private:
    std::vector<T> items_;
    std::size_t first_ = 0;
};

/// One connection: its wires, and the buffer of Redis.
struct Channel {
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    struct Sent {
        std::int64_t at = 0;
        Message message;
    };

    std::uint32_t id = 0; ///< counts connections: what belonged to an earlier one is void
    bool is_open = false;
    bool tracks = false;
    Fifo<Sent> to_redis;
    Fifo<Message> to_gateway;
    std::vector<Message> replies;
    std::int64_t last_to_redis = 0;
    std::int64_t last_to_gateway = 0;
    /// From here on everything is lost on its way, and nobody is told.
    std::int64_t lost_to_redis = never;
    std::int64_t lost_to_gateway = never;
    /// Whoever reads here is slow: at most so much later.
    std::int64_t lag = 0;

    void open() {
        close();
        is_open = true;
        ++id;
    }

    void close() {
        is_open = tracks = false;
        to_redis.clear();
        to_gateway.clear();
        replies.clear();
        lost_to_redis = lost_to_gateway = never;
    }
};

/// How slow everything is.
struct Weather {
    std::int64_t delay = 5;      ///< usual, of a wire
    std::int64_t long_delay = 5; ///< now and then
    bool is_calm = false;        ///< no long commands, no backlogs
};

class RedisTurns {
  public:
    RedisTurns(Agenda& agenda, Dice& dice, const Weather& weather)
        : agenda_(agenda)
        , dice_(dice)
        , weather_(weather)
        , tells_flush_at_once_(dice.one_in(2)) {}

    std::array<Channel, channel_count> channels;

    Channel& at(Role role) { return channels[static_cast<std::size_t>(role)]; }

    void send(Role role, Message message) {
        Channel& channel = at(role);
        const std::int64_t arrival = std::max(channel.last_to_redis, agenda_.now + delay());
        channel.last_to_redis = arrival;
        if (!channel.is_open || arrival >= channel.lost_to_redis) return;
        channel.to_redis.push({arrival, message});
        agenda_.put({.at = arrival, .kind = Event::Kind::wake});
    }

    void on_script() {
        ++scripts_;
        on_wake();
    }

    void on_wake() {
        if (!is_turning_) begin_turn();
    }

    /// The next connection of the turn, or its end.
    void on_step() {
        if (next_ == listed_) return end_turn();
        const Role role = list_[next_++];
        if (role == Role::script) {
            --scripts_;
            inner_turns_ = 1 + dice_.below(3);
            agenda_.put({.at = agenda_.now + pace(), .kind = Event::Kind::inner_turn});
            return;
        }
        read(role, false);
        // It had a backlog.
        if (!weather_.is_calm && dice_.one_in(role >= Role::writer_a ? 3 : 6)) leave(role);
        go_on(pace());
    }

    void on_inner_turn() {
        leave_all();
        std::array<Role, channel_count> readable{};
        const std::size_t count = list_readable(readable);
        std::copy_n(readable.begin(), count, list_.begin());
        for (std::size_t i = 0; i < count; ++i)
            read(readable[i], true);
        leave_all();
        if (--inner_turns_ > 0)
            agenda_.put({.at = agenda_.now + dice_.below(40), .kind = Event::Kind::inner_turn});
        else
            go_on(dice_.below(60)); // the last command of the script lets nobody in
    }

  private:
    [[nodiscard]] std::int64_t delay() {
        const std::int64_t most = dice_.one_in(12) ? weather_.long_delay : weather_.delay;
        return 1 + dice_.below(most);
    }

    /// How long one step of the loop takes.
    [[nodiscard]] std::int64_t pace() {
        return !weather_.is_calm && dice_.one_in(8) ? dice_.below(60) : dice_.below(3);
    }

    void go_on(std::int64_t after) {
        agenda_.put({.at = agenda_.now + after, .kind = Event::Kind::step});
    }

    [[nodiscard]] bool is_readable(const Channel& channel) const {
        return !channel.to_redis.is_empty() && channel.to_redis.front().at <= agenda_.now;
    }

    template <std::size_t size> std::size_t list_readable(std::array<Role, size>& list) {
        std::size_t count = 0;
        for (std::size_t i = 0; i < channel_count; ++i)
            if (is_readable(channels[i])) list[count++] = static_cast<Role>(i);
        shuffle(list, count);
        return count;
    }

    template <std::size_t size> void shuffle(std::array<Role, size>& list, std::size_t count) {
        for (std::size_t i = count; i > 1; --i)
            std::swap(list[i - 1],
                      list[static_cast<std::size_t>(dice_.below(static_cast<std::int64_t>(i)))]);
    }

    void begin_turn() {
        next_ = 0;
        listed_ = list_readable(list_);
        for (std::int64_t i = std::min<std::int64_t>(scripts_, 2); i > 0; --i)
            list_[listed_++] = Role::script;
        if (scripts_ > 0) shuffle(list_, listed_);
        is_turning_ = listed_ > 0;
        if (is_turning_) go_on(pace());
    }

    void end_turn() {
        Channel& tracking = at(Role::tracking);
        if (tracking.tracks) {
            if (is_flushed_) tracking.replies.push_back({.word = Word::all_changed});
            for (const std::uint8_t name : changed_)
                tracking.replies.push_back({.word = Word::changed, .name = name});
        }
        is_flushed_ = false;
        changed_.clear();
        leave_all();
        begin_turn();
    }

    void read(Role role, bool is_busy) {
        Channel& channel = at(role);
        while (is_readable(channel)) {
            const Message message = channel.to_redis.pop().message;
            if (is_busy)
                channel.replies.push_back({.word = Word::busy, .tag = message.tag});
            else
                execute(channel, message);
        }
    }

    void execute(Channel& channel, Message message) {
        switch (message.word) {
        case Word::ping:
            message.word = Word::pong;
            break;
        case Word::set_up:
            channel.tracks = true;
            message.word = Word::is_set_up;
            break;
        case Word::get:
            message.word = Word::value;
            message.version = versions_[message.name];
            break;
        case Word::set:
            versions_[message.name] = message.version = ++version_;
            changed_.push_back(message.name);
            message.word = Word::done;
            break;
        case Word::flush_all:
            versions_.fill(message.version = ++version_);
            if (!tells_flush_at_once_)
                is_flushed_ = true;
            else if (at(Role::tracking).tracks)
                at(Role::tracking).replies.push_back({.word = Word::all_changed});
            message.word = Word::done;
            message.is_flush = true;
            break;
        default:
            return;
        }
        channel.replies.push_back(message);
    }

    void leave_all() {
        for (std::size_t i = 0; i < channel_count; ++i)
            leave(static_cast<Role>(i));
    }

    void leave(Role role) {
        Channel& channel = at(role);
        for (const Message& message : channel.replies) {
            // Half of them come together with the one before.
            const bool is_joined = dice_.one_in(2);
            const std::int64_t lag = channel.lag > 0 ? dice_.below(channel.lag) : 0;
            const std::int64_t arrival = std::max(channel.last_to_gateway + (is_joined ? 0 : 1),
                                                  agenda_.now + (is_joined ? 1 : delay() + lag));
            channel.last_to_gateway = arrival;
            if (arrival >= channel.lost_to_gateway) continue;
            channel.to_gateway.push(message);
            agenda_.put(
                {.at = arrival, .kind = Event::Kind::arrival, .role = role, .tag = channel.id});
        }
        channel.replies.clear();
    }

    Agenda& agenda_;
    Dice& dice_;
    const Weather& weather_;
    bool tells_flush_at_once_; // versions of Redis differ
    std::array<std::int64_t, name_count> versions_{};
    std::int64_t version_ = 0;
    std::vector<std::uint8_t> changed_; // in this turn, not told yet
    bool is_flushed_ = false;
    std::array<Role, channel_count + 2> list_{}; // ae.c: eventLoop->fired
    std::size_t listed_ = 0;
    std::size_t next_ = 0;
    bool is_turning_ = false;
    std::int64_t scripts_ = 0; // wait to be read
    std::int64_t inner_turns_ = 0;
};

} // namespace keygate::keys::test
