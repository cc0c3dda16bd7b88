// The second half of an exchange: the upstream's answer on its way back to the client, or both ways
// of a tunnel. The first half is told in exchange.cpp.
#include "gate/exchange.hpp"
#include "http/limits.hpp"
#include "net/tls_session.hpp"

#include <algorithm>

namespace keygate::gate {

namespace {

constexpr std::size_t max_answer_head = 64 * 1024;
constexpr unsigned max_interim_answers = 16;
constexpr std::size_t small_body = 4096;

using Kind = proxy::Pool::Kind;

bool is_among(unsigned status, const std::vector<std::uint16_t>& statuses) {
    return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

} // namespace

void Exchange::on_link_ready(net::ReadyHandler::Events events) {
    if (!link_) return;
    if (events.writable && !link_->out().is_empty()) {
        if (!link_->out().flush()) {
            on_send_failed();
        } else if (link_->out().is_empty()) {
            wait_for_upstream();
            if (wants_body()) owner_.on_body_wanted();
        }
    }
    if (!is_running_ || !link_) return;
    if (link_->channel().is_readable() && client_.is_empty()) read_upstream();
}

void Exchange::on_client_drained() {
    if (!link_) return;
    wait_for_upstream();
    if (link_->channel().is_readable()) link_->channel().call_again();
}

void Exchange::read_upstream() {
    const std::span<char> buffer = lane_.poller.buffer();
    const net::Transfer transfer = link_->channel().read(buffer);
    switch (transfer.state) {
    case net::Transfer::State::would_block:
        if (is_upload_broken_) on_failure(proxy::Failure::closed_early);
        return;
    case net::Transfer::State::ended:
        return on_upstream_end();
    // Where the close is the end, a reset is none.
    case net::Transfer::State::failed:
        // With TLS 1.3 a server that does not like our certificate says so only here.
        if (const auto* const tls = link_->channel().tls(); tls != nullptr && tls->has_objection())
            pool_->note_distrust(*link_);
        return on_failure(proxy::Failure::closed_early);
    case net::Transfer::State::moved:
        break;
    }
    has_answer_bytes_ = true;
    deadline_.set(idle_timeout());
    on_upstream_bytes(buffer.first(transfer.bytes));
    if (is_running_ && link_ && link_->channel().is_readable() && client_.is_empty())
        link_->channel().call_again();
}

void Exchange::on_upstream_bytes(std::span<char> bytes) {
    if (is_answer_started_) return on_answer_body({}, bytes);
    if (answer_inbox_.empty()) {
        const std::size_t used = on_answer_head(bytes);
        // Of an answer that is not whole yet, what came is kept.
        if (is_running_ && link_ && !is_answer_started_)
            answer_inbox_.assign(bytes.data() + used, bytes.size() - used);
        return;
    }
    answer_inbox_.append(bytes.data(), bytes.size());
    std::string whole = std::move(answer_inbox_);
    answer_inbox_.clear();
    const std::size_t used = on_answer_head({whole.data(), whole.size()});
    if (is_running_ && link_ && !is_answer_started_) answer_inbox_.assign(whole, used);
}

/// Reads heads until the final one; that one's body goes on from there.
/// @returns how many bytes were interim answers.
std::size_t Exchange::on_answer_head(std::span<char> bytes) {
    std::size_t used = 0;
    const proxy::Link* const link = link_.get();
    while (is_running_ && link_.get() == link) {
        const std::span<char> left = bytes.subspan(used);
        const auto end =
            http::find_head_end({left.data(), left.size()}, answer_scanned_, max_answer_head);
        if (end.state == http::HeadEnd::State::incomplete) {
            answer_scanned_ = end.scanned;
            return used;
        }
        answer_scanned_ = 0;
        if (end.state != http::HeadEnd::State::complete) {
            on_failure(proxy::Failure::not_http);
            return bytes.size();
        }
        const auto read = lane_.response_reader.read({left.data(), end.size}, is_head_request_);
        // An upgrade that nobody asked for is as wrong as an answer that is none.
        const bool is_answer =
            read && is_request_sent_ &&
            ((*read)->status != 101 || (is_upgrade_ && (*read)->upgrades_to_websocket));
        if (!is_answer) {
            on_failure(proxy::Failure::not_http);
            return bytes.size();
        }
        const http::ResponseHead& head = **read;
        used += end.size;
        if (head.status < 200 && head.status != 101) {
            on_interim_answer(head);
            continue;
        }
        if (head.status == 101)
            open_tunnel(head, bytes.subspan(used));
        else
            on_final_answer(head, bytes.subspan(used));
        return bytes.size();
    }
    // What is left came on another connection than the one that is used now.
    return bytes.size();
}

void Exchange::on_interim_answer(const http::ResponseHead& head) {
    if (++interim_answers_ > max_interim_answers) return on_failure(proxy::Failure::not_http);
    // RFC 9110 15.2: never to an HTTP/1.0 client.
    if (minor_version_ == 0) return;
    std::string& out = lane_.head_scratch;
    out.clear();
    http::write_response(out, head, {});
    if (!client_.send({out})) return cut(observe::Outcome::canceled());
    if (head.status == 100) waits_for_continue_ = false;
    wait_for_upstream();
    owner_.on_wait_changed();
}

void Exchange::on_final_answer(const http::ResponseHead& head, std::span<char> rest) {
    const config::Upstream& upstream = pool_->settings();
    const bool has_failed = is_among(head.status, upstream.ejection.statuses);
    // A server that breaks its answers off is no better than one that gives none; but whoever waits
    // for this one to know does not wait for a stream.
    if (has_failed || link_->is_trial()) pool_->judge(*link_, !has_failed);
    if (may_retry(is_among(head.status, upstream.retries.statuses))) {
        journey_.tried.push_back(server_.get());
        return try_again(Kind::any);
    }
    tell_breaker(has_failed);
    const Snapshot::Api& compiled = epoch_->snapshot->apis[route_->api];
    answer_ = http::BodyReader{};
    if (head.has_body) answer_ = http::BodyReader{head};
    if (!compiled.trailers.empty()) answer_.keep_trailers(compiled.trailers);
    client_framing_ = http::framing_for_client(head, minor_version_);
    can_reuse_link_ = head.keep_alive;
    const bool closes = !keeps_alive_ || lane_.is_draining || !body_.is_done() ||
                        client_framing_ == http::Framing::until_close;
    after_ = closes ? http::AfterAnswer::close : http::AfterAnswer::keep_alive;
    status_ = head.status;
    std::string& out = lane_.head_scratch;
    out.clear();
    http::write_response(out, head,
                         {.minor_version = minor_version_,
                          .after = after_,
                          .date = lane_.date.at(lane_.poller.now().wall),
                          .request_id = id_.text(),
                          .trailers = &compiled.trailers,
                          .limit_fields = limit_fields_,
                          .notice = notice_,
                          .cors = owns_cors_ ? std::string_view{cors_fields_} : "",
                          .owns_cors = owns_cors_});
    // From here on the client has an answer: what fails now cuts it, and is not answered again.
    is_answer_started_ = true;
    on_answer_body(out, rest);
    if (is_running_) watch_key();
}

/// The upstream speaks WebSocket from here on (RFC 6455 4.2.2), and only from here on: what the
/// client sent behind its request has waited until now. Nothing of it is understood any more; each
/// direction is a body that ends with its connection.
void Exchange::open_tunnel(const http::ResponseHead& head, std::span<char> rest) {
    pool_->judge(*link_, true);
    tell_breaker(false);
    is_tunnel_ = true;
    tunnel_opened_ = lane_.poller.now().steady;
    lane_.metrics.tunnels_opened.add();
    body_ = answer_ = http::BodyReader::until_close();
    client_framing_ = http::Framing::until_close;
    can_reuse_link_ = false;
    after_ = http::AfterAnswer::close;
    status_ = head.status;
    std::string& out = lane_.head_scratch;
    out.clear();
    http::write_response(
        out, head,
        {.request_id = id_.text(), .notice = notice_, .websocket_protocol = websocket_name_});
    is_answer_started_ = true;
    on_answer_body(out, rest);
    if (!is_running_) return;
    watch_key();
    wait_for_upstream();
    owner_.on_body_wanted();
}

void Exchange::on_answer_body(std::string_view head, std::span<char> bytes) {
    const auto piece = answer_.read(bytes);
    if (!piece.is_valid) {
        if (!head.empty() && !client_.send({head})) return cut(observe::Outcome::canceled());
        return cut(Reason::upstream_invalid);
    }
    // Bytes behind an answer belong to nobody: the connection is not used again.
    if (piece.consumed < bytes.size()) can_reuse_link_ = false;
    bool is_sent = false;
    if (client_framing_ != http::Framing::chunked) {
        if (!head.empty() && piece.data.size() <= small_body) {
            // One piece is cheaper to send than two, also with the copy.
            lane_.head_scratch.append(piece.data);
            is_sent = client_.send({lane_.head_scratch});
        } else {
            is_sent = client_.send({head, piece.data});
        }
    } else {
        is_sent = send_chunk(client_, head, piece.data, answer_);
    }
    if (!is_sent) return cut(observe::Outcome::canceled());
    if (answer_.is_done()) return finish(observe::Outcome::allowed(), after_);
    if (client_.is_empty()) return;
    deadline_.clear();
    owner_.on_wait_changed();
}

void Exchange::on_upstream_end() {
    if (!is_answer_started_) return on_failure(proxy::Failure::closed_early);
    if (!answer_.ends_with_close()) return cut(Reason::upstream_invalid);
    answer_.end_with_close();
    can_reuse_link_ = false;
    if (is_tunnel_ && !body_.is_done() && !is_upload_broken_) {
        wait_for_upstream();
        return owner_.on_tunnel_ended();
    }
    if (client_framing_ == http::Framing::chunked && !client_.send({"0\r\n\r\n"}))
        return cut(observe::Outcome::canceled());
    finish(observe::Outcome::allowed(), after_);
}

} // namespace keygate::gate
