#include "admin/own_keys.hpp"

#include "admin/new_key.hpp"
#include "admin/own_calls.hpp"
#include "base/ascii.hpp"

#include <boost/asio/post.hpp>

#include <exception>
#include <string_view>
#include <utility>

namespace asio = boost::asio;

namespace keygate::admin {

namespace {

using answer::Call;
using answer::Told;

/// As clients read the other refusals: a sentence.
std::string sentence_of(std::string text) {
    if (text.empty()) return text;
    text.front() = ascii::to_upper(text.front());
    if (!text.ends_with('.')) text += '.';
    return text;
}

Told to_told(const Problem& problem) {
    if (problem.status == 503) return Reason::store_unavailable;
    if (problem.code == caller_ended)
        return reason_named(problem.reason).value_or(Reason::store_unavailable);
    return answer::Wrong{.status = static_cast<std::uint16_t>(problem.status),
                         .code = problem.code,
                         .reason = problem.reason,
                         .message = sentence_of(problem.message)};
}

std::string_view word_of(config::Reply kind) {
    switch (kind) {
    case config::Reply::create_key:
        return "create_key";
    case config::Reply::update_key:
        return "update_key";
    case config::Reply::revoke_key:
        return "revoke_key";
    case config::Reply::delete_key:
        return "delete_key";
    case config::Reply::rotate_key:
        return "rotate_key";
    default:
        return "read";
    }
}

bool is_change(config::Reply kind) {
    return kind != config::Reply::whoami && kind != config::Reply::list_keys &&
           kind != config::Reply::show_key;
}

// Operators' calls wait in the same line for the store: it must not grow without end.
constexpr std::size_t most_waiting = 1'000;
constexpr int most_turns = 10; // reloads may follow one another, each within a millisecond

} // namespace

OwnKeys::OwnKeys(asio::any_io_executor executor, Api::Contexts contexts,
                 std::function<void(const std::string&)> log)
    : executor_(std::move(executor))
    , contexts_(std::move(contexts))
    , log_(std::move(log))
    , tasks_(executor_) {}

void OwnKeys::take(Call call, std::function<void(Told)> done) {
    asio::post(executor_, [this, call = std::move(call), done = std::move(done)]() mutable {
        if (tasks_.size() >= most_waiting) return done(Reason::overloaded);
        tasks_.spawn(carry(std::move(call), std::move(done)));
    });
}

asio::awaitable<void> OwnKeys::carry(Call call, std::function<void(Told)> done) {
    const std::string line = "self-service: key=" + call.caller + " owner=" + call.owner +
                             " call=" + std::string{word_of(call.kind)} +
                             (call.id.empty() || !is_key_id(call.id) ? "" : " target=" + call.id) +
                             " request=" + call.request_id;
    const bool leaves_line = is_change(call.kind);
    auto waiting = told(std::move(call));
    auto answer = co_await std::move(waiting);
    if (leaves_line) {
        const auto* const reply = std::get_if<answer::Reply>(&answer);
        const auto* const wrong = std::get_if<answer::Wrong>(&answer);
        log_(line + " status=" +
             (reply != nullptr   ? std::to_string(reply->status)
              : wrong != nullptr ? std::to_string(wrong->status)
                                 : std::string{"503"}));
    }
    done(std::move(answer));
}

asio::awaitable<Told> OwnKeys::told(Call call) {
    std::string bug;
    try {
        auto waiting = judged(std::move(call));
        co_return co_await std::move(waiting);
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted) throw; // we are being cancelled
        bug = e.what();
    } catch (const std::exception& e) {
        bug = e.what();
    }
    log_("self-service: a call could not be carried out: " + bug);
    co_return Reason::store_unavailable;
}

asio::awaitable<Told> OwnKeys::judged(Call call) {
    // Who judges by a configuration that a reload has just taken away begins again.
    for (int turn = 0; turn < most_turns; ++turn) {
        const auto context = contexts_();
        const auto number = context->catalog.api_number(call.api);
        if (!number) co_return Reason::store_unavailable; // the reload took it away
        Call copy = call;
        auto waiting = carry_own_call(*context, *number, std::move(copy));
        auto outcome = co_await std::move(waiting);
        if (outcome) co_return std::move(*outcome);
        if (!is_config_replaced(outcome.error())) co_return to_told(outcome.error());
    }
    co_return Reason::store_unavailable;
}

} // namespace keygate::admin
