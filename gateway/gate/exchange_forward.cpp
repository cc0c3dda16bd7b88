// An exchange's way to its upstream: which server gets it, how its body follows, and what is done
// when it comes to nothing. What comes before is told in exchange.cpp, the answer in
// exchange_answer.cpp.
#include "base/release.hpp"
#include "gate/exchange.hpp"
#include "http/limits.hpp"

namespace keygate::gate {

namespace {

using Kind = proxy::Pool::Kind;

/// What was not data: the lines of chunks, and trailers, in which anything may stand.
void wipe_framing(std::span<char> bytes, const http::BodyReader::Piece& piece) {
    wipe(bytes.subspan(piece.data.size(), piece.consumed - piece.data.size()));
}

} // namespace

void Exchange::dial(Kind kind) {
    proxy::Pool::Taken taken = pool_->take(*this, kind, journey_);
    while (taken.may_ask_again && ++dials_ < pool_->servers())
        taken = pool_->take(*this, Kind::fresh, journey_);
    if (taken.is_waiting) {
        if (!deadline_.is_set()) deadline_.set(pool_->settings().queue.timeout);
        return;
    }
    deadline_.clear();
    link_ = std::move(taken.link);
    if (!link_) return on_failure(proxy::Failure::unreachable);
    server_ = link_->server();
    if (link_->is_open()) return send_request();
    lane_.metrics.upstream_dials.add();
    deadline_.set(pool_->settings().connect_timeout);
}

void Exchange::on_turn() {
    dial(Kind::any);
    if (is_running_ && wants_body()) owner_.on_body_wanted();
}

void Exchange::on_link_open() {
    send_request();
    if (is_running_ && wants_body()) owner_.on_body_wanted();
    // A server that spoke first, as one does that has no place: nothing announces it again.
    if (is_running_ && link_ && link_->channel().is_readable()) link_->channel().call_again();
}

void Exchange::on_link_failed() {
    on_dial_failed(proxy::Failure::unreachable);
}

/// Nothing has been sent to anybody: the next server is asked. Those that refuse are all asked,
/// those that let us wait only as many as `retries` says.
void Exchange::on_dial_failed(proxy::Failure failure) {
    lane_.metrics.upstream_failures.add();
    deadline_.clear(); // whatever is waited for next has time of its own
    pool_->fail(std::move(link_), journey_);
    ++dials_;
    const bool may_go_on =
        failure == proxy::Failure::unreachable || retries_++ < pool_->settings().retries.attempts;
    if (may_go_on && dials_ < pool_->servers()) return dial(Kind::fresh);
    on_failure(failure);
}

/// Each server may have its own host (`host: server`): the head is written before it is known which
/// one gets it.
void Exchange::write_host() {
    if (written_host_.empty() || written_host_ == server_->host) return;
    written_host_ = server_->host;
    http::replace_host(request_head_, written_host_);
}

void Exchange::send_request() {
    is_request_sent_ = true;
    write_host();
    http::BodyReader::Piece piece;
    if (!rest_.empty() && !body_.is_done()) {
        piece = body_.read(rest_);
        rest_taken_ = piece.consumed;
    }
    const bool is_bounded = is_body_bounded(piece);
    const bool is_sent = is_bounded && send_body(request_head_, piece);
    wipe_framing(rest_, piece);
    if (!is_bounded) return;
    if (!is_sent) return on_send_failed();
    if (expects_continue_ && !invite_body()) return;
    wait_for_upstream();
}

/// RFC 9110 10.1.1: whoever waits for a 100 is told to go on, by us unless by the upstream. False
/// when the client is gone.
bool Exchange::invite_body() {
    if (waits_for_continue_ || body_.is_done()) return true;
    if (client_.send({"HTTP/1.1 100 Continue\r\n\r\n"})) return true;
    cut(observe::Outcome::canceled());
    return false;
}

bool Exchange::wants_body() const {
    if (replying_) return !replying_->is_asked && permit_ && !charging_ && !body_.is_done();
    return link_ && link_->is_open() && is_request_sent_ && !is_upload_broken_ &&
           !body_.is_done() && link_->out().is_empty();
}

std::size_t Exchange::on_body(std::span<char> bytes) {
    if (replying_) return take_reply_body(bytes);
    waits_for_continue_ = false;
    const auto piece = body_.read(bytes);
    const bool is_bounded = is_body_bounded(piece);
    const bool is_sent = is_bounded && send_body({}, piece);
    wipe_framing(bytes, piece);
    if (is_sent)
        wait_for_upstream();
    else if (is_bounded)
        on_send_failed();
    return piece.consumed;
}

/// The server may have answered before it closed. That is read from its own event: whoever is on
/// the stack now may still be in the bytes of the client, which lie where the answer would be read
/// to.
void Exchange::on_send_failed() {
    is_upload_broken_ = true;
    link_->out().drop();
    link_->channel().expect_end();
}

bool Exchange::is_body_bounded(const http::BodyReader::Piece& piece) {
    received_ += piece.data.size();
    lane_.metrics.received_bytes.add(piece.data.size());
    if (is_tunnel_) return true;
    auto refusal = http::check_body_piece(piece.is_valid, received_, max_body());
    if (!refusal) return true;
    on_body_cut(*refusal); // body_invalid, body_too_large
    return false;
}

bool Exchange::send_body(std::string_view before, const http::BodyReader::Piece& piece) {
    const std::string_view data = piece.data;
    if (!is_chunked_) return link_->out().send({before, data});
    return send_chunk(link_->out(), before, data, body_);
}

/// The client's side of the body ended in a way that makes the request impossible.
void Exchange::on_body_cut(const Refusal& refusal) {
    keeps_alive_ = false;
    if (is_answer_started_) return cut(refusal.reason);
    // The upstream sees its connection broken, never a body that looks complete.
    refuse(refusal);
}

void Exchange::on_client_end() {
    // A client may end its direction and still wait for the answer; but a body must be whole.
    if (!is_tunnel_) {
        if (!body_.is_done()) on_body_cut(http::refuse_cut_body());
        return;
    }
    body_.end_with_close();
    link_->channel().shutdown_write();
    if (answer_.is_done()) return finish(observe::Outcome::allowed(), after_);
    wait_for_upstream();
}

void Exchange::wait_for_upstream() {
    if (!link_->is_open()) return; // the connect deadline goes on
    // What it has sent is read only when the client has taken what came before: until then it is
    // the client that is waited for.
    if (!client_.is_empty() || (!is_answer_started_ && waits_for_body()))
        deadline_.clear();
    else if (is_answer_started_ || !link_->out().is_empty())
        deadline_.set(idle_timeout());
    else
        deadline_.set(first_byte_timeout());
}

bool Exchange::send_chunk(net::Outgoing& out, std::string_view before, std::string_view data,
                          const http::BodyReader& body) {
    const http::ChunkLine line{data.size()};
    const std::string_view start = data.empty() ? "" : line.text();
    const std::string_view end = data.empty() ? "" : "\r\n";
    if (!body.is_done()) return out.send({before, start, data, end});
    if (body.trailers().empty()) return out.send({before, start, data, end, "0\r\n\r\n"});
    return out.send({before, start, data, end, "0\r\n", body.trailers(), "\r\n"});
}

config::milliseconds Exchange::first_byte_timeout() const {
    return route_->timeouts.first_byte.value_or(pool_->settings().first_byte_timeout);
}

config::milliseconds Exchange::idle_timeout() const {
    // A tunnel may be quiet as long as both ends are there; behind one end the other soon follows.
    const bool is_quiet =
        is_tunnel_ && link_->out().is_empty() && !body_.is_done() && !answer_.is_done();
    if (is_quiet) return pool_->settings().tunnel_timeout;
    return route_->timeouts.idle.value_or(pool_->settings().idle_timeout);
}

std::optional<config::milliseconds> Exchange::total_timeout() const {
    if (is_upgrade_) return std::nullopt;
    return route_->timeouts.total ? route_->timeouts.total : pool_->settings().total_timeout;
}

std::optional<std::uint64_t> Exchange::max_body() const {
    return route_->max_body ? route_->max_body : epoch_->snapshot->settings.client.max_body;
}

/// An answer that goes on is let in for as long as its key is good.
void Exchange::watch_key() {
    if (caller_ && api()->terminate_streams)
        watch_ = std::unique_ptr<KeyWatch>{new KeyWatch{lane_, *caller_, api()->name, *this}};
}

void Exchange::on_key_ended(Reason reason) {
    lane_.metrics.streams_terminated.add();
    cut(reason);
}

// ---- when it comes to nothing
// -----------------------------------------------------------------------

void Exchange::on_deadline() {
    if (!is_running_) return;
    if (asking_) {
        stop_asking();
        return refuse(Refusal{Reason::store_unavailable});
    }
    if (charging_) {
        lane_.redis_counters->cancel(charging_->ticket);
        return on_charge({});
    }
    if (replying_) {
        stop_replying();
        return refuse(Refusal{Reason::store_unavailable});
    }
    if (journey_.ticket) {
        // Nobody's place became free in time.
        lane_.metrics.queue_timeouts.add();
        return refuse(Refusal{Reason::upstream_unavailable});
    }
    // A tunnel that nobody uses any more ends as one that was closed.
    if (is_tunnel_ && link_->out().is_empty()) return finish(observe::Outcome::allowed(), after_);
    if (is_answer_started_) return cut(Reason::upstream_timeout);
    if (link_ && !link_->is_open()) return on_dial_failed(proxy::Failure::connect_timeout);
    on_failure(proxy::Failure::first_byte_timeout);
}

/// The whole took too long, whatever it waits for.
void Exchange::on_overdue() {
    if (!is_running_) return;
    if (is_answer_started_) {
        drop_link(); // perhaps it is the client that is slow
        return cut(Reason::upstream_timeout);
    }
    if (link_) {
        lane_.metrics.upstream_failures.add();
        pool_->judge(*link_, false);
        tell_breaker(true);
    }
    refuse(Refusal{Reason::upstream_timeout});
}

void Exchange::on_failure(proxy::Failure failure) {
    if (link_) lane_.metrics.upstream_failures.add();
    // A server may close an unused connection at any moment, also at this one. Only then, and only
    // if nothing can be done twice, the request is sent again (RFC 9112 9.3.1), and it is nobody's
    // fault.
    const bool was_stale = failure == proxy::Failure::closed_early && link_ && link_->is_reused() &&
                           !has_answer_bytes_ && !is_answer_started_;
    if (was_stale && is_repeatable_ && !is_retried_) {
        is_retried_ = true;
        lane_.metrics.upstream_retries.add();
        return try_again(Kind::fresh);
    }
    if (link_ && !was_stale) pool_->judge(*link_, false);
    if (is_answer_started_) return cut(proxy::reason_for(failure));
    const config::Retries& retries = pool_->settings().retries;
    const bool is_asked_for =
        (failure == proxy::Failure::closed_early && retries.on_closed) ||
        (failure == proxy::Failure::first_byte_timeout && retries.on_timeout) ||
        (failure == proxy::Failure::not_http && retries.on_invalid);
    if (link_ && may_retry(is_asked_for)) {
        journey_.tried.push_back(server_.get());
        return try_again(Kind::any);
    }
    // Where none was even tried it is for want of a place.
    if ((link_ && !was_stale) || !journey_.tried.empty()) tell_breaker(true);
    drop_link();
    refuse(Refusal{proxy::reason_for(failure)});
}

/// What may have been begun is done again only if doing it twice is doing it once.
bool Exchange::may_retry(bool is_asked_for) {
    if (!is_asked_for || !is_repeatable_ || retries_ >= pool_->settings().retries.attempts)
        return false;
    if (!pool_->budget().spend(lane_.poller.now().steady)) {
        lane_.metrics.upstream_retries_refused.add();
        return false;
    }
    ++retries_;
    lane_.metrics.upstream_retries.add();
    return true;
}

/// From the beginning, as if nothing had been sent.
void Exchange::try_again(Kind kind) {
    deadline_.clear();
    pool_->drop(std::move(link_));
    is_upload_broken_ = is_request_sent_ = has_answer_bytes_ = false;
    answer_scanned_ = 0;
    release(answer_inbox_);
    dial(kind);
}

/// What became of the request, once.
void Exchange::tell_breaker(bool has_failed) {
    if (!pass_) return;
    pool_->upstream().tell_breaker(lane_.poller.now().steady, *pass_, has_failed);
    pass_.reset();
}

} // namespace keygate::gate
