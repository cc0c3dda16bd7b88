// A request that the gateway answers by itself (`answer:` in its route): read to its end, told to
// who knows keys and owners, and answered with what comes back. In the place of the upstream's part
// in exchange.cpp and exchange_answer.cpp.
#include "gate/exchange.hpp"
#include "http/own_answer.hpp"

#include <algorithm>

namespace keygate::gate {

namespace {

constexpr std::chrono::milliseconds reply_patience{10'000};

} // namespace

/// What is needed of the head, before anything is waited for.
void Exchange::prepare_reply() {
    replying_ = std::make_unique<Replying>();
    answer::Call& call = replying_->call;
    call.kind = route_->reply;
    call.api = api()->name;
    call.owner = caller_->owner;
    call.caller = caller_->id;
    call.route = route_->name;
    call.id = route_->id_in(target_.path);
    call.query = target_.query.substr(std::min<std::size_t>(1, target_.query.size()));
    call.idempotency_key = http::value_of(*head_, "Idempotency-Key");
    call.request_id = id_.text();
}

void Exchange::reply() {
    prepare();
    lane_.used.count(caller_, epoch_->snapshot->catalog, lane_.poller.now().wall);
    waits_for_continue_ = false;
    if (expects_continue_ && !invite_body()) return;
    if (rest_.empty() || body_.is_done()) return ask_for_reply();
    rest_taken_ = take_reply_body(rest_);
}

/// @returns how much of the bytes belonged to the body.
std::size_t Exchange::take_reply_body(std::span<char> bytes) {
    const auto piece = body_.read(bytes);
    const std::size_t consumed = piece.consumed;
    if (is_body_bounded(piece)) {
        std::string& body = replying_->call.body;
        if (body.size() + piece.data.size() > answer::longest_body) {
            on_body_cut(Refusal{Reason::body_too_large});
        } else {
            body.append(piece.data);
            ask_for_reply();
        }
    }
    return consumed;
}

void Exchange::ask_for_reply() {
    if (!body_.is_done()) return;
    replying_->is_asked = true;
    replying_->ticket = lane_.answers.ask(std::move(replying_->call), *this);
    // It is told much earlier; this is for a store that hangs.
    deadline_.set(reply_patience);
}

void Exchange::on_told(answer::Told told) {
    deadline_.clear();
    replying_.reset();
    if (const auto* const reason = std::get_if<Reason>(&told)) return refuse(Refusal{*reason});
    const bool closes = !keeps_alive_ || lane_.is_draining;
    after_ = closes ? http::AfterAnswer::close : http::AfterAnswer::keep_alive;
    const http::Asked asked{.after = after_,
                            .is_head = is_head_request_,
                            .minor_version = minor_version_,
                            .date = lane_.date.at(lane_.poller.now().wall),
                            .request_id = id_.text(),
                            .limit_fields = limit_fields_,
                            .cors = cors_fields_};
    std::string out; // may be long, as a list is, and is not kept
    if (const auto* const wrong = std::get_if<answer::Wrong>(&told)) {
        status_ = wrong->status;
        epoch_->snapshot->apis[route_->api].pages.write_problem(out,
                                                                {.status = wrong->status,
                                                                 .code = wrong->code,
                                                                 .reason = wrong->reason,
                                                                 .message = wrong->message},
                                                                asked);
    } else {
        write_reply(out, std::get<answer::Reply>(told), asked);
    }
    is_answer_started_ = true;
    const bool is_sent = client_.send({out});
    wipe(out.data(), out.size()); // it may have held a new key
    if (!is_sent) return cut(observe::Outcome::canceled());
    finish(observe::Outcome::allowed(), after_);
}

void Exchange::write_reply(std::string& out, const answer::Reply& reply, const http::Asked& asked) {
    status_ = reply.status;
    if (reply.status == 204) return http::write_empty_answer(out, notice_, asked);
    // Room for all of it at once: a text that grows leaves copies behind.
    out.reserve(reply.body.size() + notice_.size() + limit_fields_.size() + 1024);
    http::write_own_answer(out, reply.status, "application/json", notice_, asked,
                           [&](std::string& body) { body.append(reply.body); });
}

void Exchange::stop_replying() {
    if (replying_ && replying_->is_asked) lane_.answers.cancel(replying_->ticket);
    replying_.reset();
}

} // namespace keygate::gate
