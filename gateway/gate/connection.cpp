#include "gate/connection.hpp"

#include "base/release.hpp"
#include "http/limits.hpp"
#include "net/tls_session.hpp"

namespace keygate::gate {

namespace {

using Moved = net::Transfer::State;

// What is still read of a client that was told to go (RFC 9112 9.6): a close with unread bytes
// would be a reset, and the answer could be lost with it. Some look for an answer only when they
// have sent everything: at 1 MiB wget lost the 401 to an upload of 10 MiB (tests/clients). The time
// is what bounds honest clients, this bounds the others; whoever goes on beyond it is read no more,
// but still has the time to find its answer.
constexpr std::size_t max_thrown_away = std::size_t{64} * 1024 * 1024;
constexpr std::chrono::milliseconds linger_timeout{1000};

} // namespace

Connection::Connection(Lane& lane, std::size_t listener, int descriptor, std::string address,
                       bool is_proxy)
    : lane_(lane)
    , listener_(listener)
    , side_{.address = std::move(address)}
    , channel_(lane.poller, descriptor, *this)
    , out_(channel_)
    , exchange_(lane, out_, side_, *this)
    , deadline_(lane.poller.wheel(), *this)
    , has_entered_address_(!is_proxy) {
    lane_.metrics.connections_opened.add();
}

Connection::~Connection() {
    // The end of the process may cut an answer: see on_cut.
    if ((exchange_.is_running() || !out_.is_empty()) && exchange_.answer_ends_by_close() &&
        !is_half_closed_)
        channel_.reset();
    leave();
}

void Connection::on_ready(Events events) {
    // Who has our end is read to its own: an early close would be a reset.
    if (events.broken && !is_half_closed_) return close();
    if (is_arriving() && !arrive()) return;
    if (is_ending_ && !channel_.is_ending()) linger();
    if (events.writable && !out_.is_empty()) {
        const std::uint64_t sent = out_.sent();
        if (!out_.flush()) return close();
        if (out_.sent() != sent) is_blocked_ = false; // progress
        if (out_.is_empty())
            on_out_empty();
        else
            wait();
    }
    if (state_ == State::closed) return;
    if (!inbox_.empty() && can_read()) read_inbox();
    if (channel_.is_open() && channel_.is_readable() && can_read()) read();
    // Nothing more will come, and all that came is answered.
    if (has_client_ended_ && state_ == State::head && out_.is_empty()) close();
    if (lane_.is_draining) drain();
}

/// Reading is how a client is slowed down: nothing is read that cannot be used at once.
bool Connection::can_read() const {
    switch (state_) {
    case State::head:
        return out_.is_empty(); // who does not read answers gets no more of them
    case State::exchange:
        return exchange_.wants_body();
    case State::lingering:
        return thrown_away_ <= max_thrown_away;
    case State::proxy_header:
    case State::handshake:
    case State::last_sent:
    case State::closed:
        break;
    }
    return false;
}

void Connection::read() {
    const std::span<char> buffer = lane_.poller.buffer();
    const net::Transfer transfer = channel_.read(buffer);
    if (transfer.state == Moved::would_block) return;
    if (transfer.state == Moved::failed) return close();
    if (transfer.state == Moved::ended) return on_client_end();
    const std::span<char> bytes = buffer.first(transfer.bytes);
    // What nobody has looked at yet may hold a key: it stays in the inbox alone, or nowhere.
    if (state_ == State::lingering) {
        thrown_away_ += transfer.bytes;
        wipe(bytes);
    } else if (inbox_.empty()) {
        const std::size_t used = take(bytes);
        if (!is_over()) inbox_.assign(bytes.data() + used, bytes.size() - used);
        wipe(bytes.subspan(used));
    } else {
        inbox_.append(bytes.data(), bytes.size());
        wipe(bytes);
        read_inbox();
    }
    if (state_ == State::closed) return;
    wait();
    if (channel_.is_readable() && can_read()) channel_.call_again();
}

void Connection::read_inbox() {
    const std::size_t used = take({inbox_.data(), inbox_.size()});
    if (used == inbox_.size() || is_over())
        release(inbox_); // idle connections keep no buffer
    else
        drop_front(inbox_, used);
    if (state_ != State::closed) wait();
}

/// Uses as much as can be used now: heads, bodies, the next head.
std::size_t Connection::take(std::span<char> bytes) {
    is_taking_ = true;
    std::size_t used = 0;
    while (used < bytes.size()) {
        const std::span<char> rest = bytes.subspan(used);
        std::size_t step = 0;
        if (state_ == State::head && out_.is_empty())
            step = take_head(rest);
        else if (state_ == State::exchange && exchange_.wants_body())
            step = exchange_.on_body(rest);
        if (step == 0) break;
        used += step;
    }
    is_taking_ = false;
    return used;
}

std::size_t Connection::take_head(std::span<char> bytes) {
    // RFC 9112 2.2: one empty line before a request is skipped.
    if (!has_skipped_line_ && bytes.size() >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
        has_skipped_line_ = true;
        scanned_ = 0;
        return 2;
    }
    const auto end = http::find_head_end({bytes.data(), bytes.size()}, scanned_,
                                         exchange_.client_limits().max_head);
    if (end.state == http::HeadEnd::State::incomplete) {
        scanned_ = end.scanned;
        return 0;
    }
    scanned_ = 0;
    has_skipped_line_ = false;
    has_had_request_ = true;
    is_head_arriving_ = false;
    state_ = State::exchange;
    if (end.state == http::HeadEnd::State::complete)
        return end.size + exchange_.begin(bytes.first(end.size), bytes.subspan(end.size));
    exchange_.begin_refused(http::refuse_head(end.state), {bytes.data(), bytes.size()});
    return 0;
}

void Connection::on_body_wanted() {
    if (is_taking_) return;
    if (!inbox_.empty()) read_inbox();
    if (state_ == State::closed) return;
    wait();
    if (channel_.is_readable() && can_read()) channel_.call_again();
}

void Connection::on_wait_changed() {
    wait();
}

void Connection::on_tunnel_ended() {
    half_close();
}

void Connection::half_close() {
    is_half_closed_ = true;
    channel_.shutdown_write();
}

void Connection::on_answered(http::AfterAnswer after) {
    if (state_ == State::closed) return;
    state_ = after == http::AfterAnswer::close ? State::last_sent : State::head;
    if (out_.is_empty())
        on_out_empty();
    else
        wait();
}

void Connection::on_out_empty() {
    if (state_ == State::exchange) {
        exchange_.on_client_drained();
    } else if (state_ == State::last_sent) {
        return end_after_answer();
    }
    wait();
    // Not from here: whoever tells us may still be in the middle of the exchange that has just
    // ended.
    if (!is_taking_ &&
        (!inbox_.empty() || channel_.is_readable() || has_client_ended_ || lane_.is_draining))
        channel_.call_again();
}

void Connection::on_client_end() {
    has_client_ended_ = true;
    switch (state_) {
    case State::head:
        if (out_.is_empty()) close(); // else when the rest of its answer is sent
        return;
    case State::lingering:
        return close();
    case State::exchange:
        return exchange_.on_client_end();
    case State::proxy_header:
    case State::handshake:
    case State::last_sent:
    case State::closed:
        return;
    }
}

void Connection::on_cut() {
    if (state_ == State::closed) return;
    // Where the framing promised an end, its absence shows the cut; where the close itself would
    // have been the end, only a reset does. A tunnel's end that was told before stays one.
    if (exchange_.answer_ends_by_close() && !is_half_closed_) channel_.reset();
    close();
}

/// Something of the client is unread, so that a close would be a reset. With TLS it has an end of
/// its own to send.
bool Connection::has_rest() {
    if (channel_.tls()) return true;
    char byte = 0;
    return channel_.peek({&byte, 1}).state == Moved::moved;
}

void Connection::end_after_answer() {
    if (exchange_.is_last() && !has_rest()) return close();
    state_ = State::lingering;
    half_close();
    if (has_client_ended_) return close();
    thrown_away_ = inbox_.size();
    if (!is_taking_) release(inbox_);
    linger();
    if (channel_.is_readable() && !is_taking_) channel_.call_again();
}

/// From the moment at which the kernel has our end: with TLS that is a message like others.
void Connection::linger() {
    is_ending_ = channel_.is_ending();
    deadline_.set(is_ending_ ? exchange_.client_limits().write_timeout : linger_timeout);
}

/// Sets the deadline of what is waited for from the client now.
void Connection::wait() {
    const config::ClientLimits& limits = exchange_.client_limits();
    if (state_ >= State::lingering) return; // set once, when it begins
    if (!out_.is_empty()) {
        // From the moment at which it blocks, and anew with each piece that it takes; what it sends
        // meanwhile counts for nothing.
        if (!is_blocked_) deadline_.set(limits.write_timeout);
        is_blocked_ = true;
        return;
    }
    is_blocked_ = false;
    switch (state_) {
    case State::proxy_header:
    case State::handshake:
        // Like a head, from the begin of the connection on.
        if (!is_head_arriving_) deadline_.set(limits.head_timeout);
        is_head_arriving_ = true;
        return;
    case State::head:
        if (!inbox_.empty() || !has_had_request_) {
            // From the first byte to the end of the head, however many pieces it comes in.
            if (!is_head_arriving_) deadline_.set(limits.head_timeout);
            is_head_arriving_ = true;
            return;
        }
        is_head_arriving_ = false;
        return deadline_.set(limits.idle_timeout);
    case State::exchange:
        if (exchange_.waits_for_body()) return deadline_.set(limits.body_timeout);
        return deadline_.clear();
    case State::last_sent:
    case State::lingering:
    case State::closed:
        return;
    }
}

void Connection::on_deadline() {
    switch (state_) {
    case State::proxy_header:
    case State::handshake:
        return end_arrival();
    case State::head:
        if (inbox_.empty() || !out_.is_empty()) return close();
        state_ = State::exchange;
        return exchange_.begin_refused(net::refuse_slow_client(), inbox_);
    case State::exchange:
        if (out_.is_empty() && exchange_.waits_for_body())
            return exchange_.on_body_cut(net::refuse_slow_client());
        channel_.reset();
        return close();
    case State::last_sent:
        channel_.reset();
        return close();
    case State::lingering:
        return close();
    case State::closed:
        return;
    }
}

/// Whoever has asked already is answered, also if nobody has read it yet. And whoever asks just now
/// must not lose the end of the answer before: a close with unread bytes would be a reset, which
/// takes back what the kernel still holds.
void Connection::drain() {
    // Whoever has said nothing at all; others get as far as their first head.
    if (is_arriving() && channel_.is_silent() && !(channel_.tls() && channel_.tls()->has_heard()))
        return close();
    if (state_ == State::head && inbox_.empty() && out_.is_empty() && channel_.is_silent())
        end_after_answer();
}

/// Its place is free for others.
void Connection::leave() {
    if (has_left_) return;
    has_left_ = true;
    lane_.metrics.connections_closed.add();
    if (has_entered_address_)
        lane_.admission.leave(side_.address);
    else
        lane_.admission.leave();
}

void Connection::close() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    exchange_.cancel();
    deadline_.clear();
    leave(); // before the client can know
    channel_.close();
    unlink();
    lane_.poller.retire(std::unique_ptr<net::Retirable>{this});
}

} // namespace keygate::gate
