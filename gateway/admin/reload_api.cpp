#include "admin/reload_api.hpp"

#include "admin/context.hpp"
#include "admin/replies.hpp"
#include "admin/write.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

/// From a coroutine to whoever reloads, and back; like StoreCall it cannot be cancelled.
class ReloadCall {
  public:
    explicit ReloadCall(Reload reload)
        : reload_(std::move(reload)) {}

    template <class Completion> void operator()(Completion&& completion) {
        using Pending = Waiting<std::decay_t<Completion>>;
        auto pending = std::make_shared<Pending>(std::forward<Completion>(completion));
        reload_([pending](ReloadOutcome outcome) mutable {
            // The reference moves along, so that the last one ends on the asker's thread.
            auto mine = std::exchange(pending, nullptr);
            const auto executor = mine->loop.get_executor();
            asio::post(executor, [mine = std::move(mine), outcome = std::move(outcome)]() mutable {
                auto done = std::move(mine->completion);
                mine.reset();
                std::move(done)(std::move(outcome));
            });
        });
    }

  private:
    template <class Completion> struct Waiting {
        template <class C>
        explicit Waiting(C&& c)
            : completion(std::forward<C>(c))
            , loop(asio::get_associated_executor(completion)) {}

        Completion completion;
        asio::executor_work_guard<asio::associated_executor_t<Completion>> loop;
    };

    Reload reload_;
};

/// The first problem, how many there are, and all of them for programs.
Problem problem_of(ReloadOutcome&& outcome, unsigned status, std::string code, std::string reason) {
    std::string message = outcome.problems.empty() ? reason : outcome.problems.front();
    if (outcome.problems.size() > 1)
        message += "; and " + std::to_string(outcome.problems.size() - 1) + " more";
    message += "; nothing has changed";
    Problem problem{status, std::move(code), std::move(reason), std::move(message)};
    problem.mistakes = std::move(outcome.problems);
    return problem;
}

Checked<Response> answer_to(ReloadOutcome&& outcome) {
    switch (outcome.kind) {
    case ReloadOutcome::Kind::done:
        break;
    case ReloadOutcome::Kind::config_invalid:
        return problem_of(std::move(outcome), 422, "UNPROCESSABLE", "config_invalid");
    case ReloadOutcome::Kind::needs_restart:
        return problem_of(std::move(outcome), 409, "CONFLICT", "needs_restart");
    case ReloadOutcome::Kind::draining:
        return problem_of(std::move(outcome), 409, "CONFLICT", "draining");
    case ReloadOutcome::Kind::failed:
        return problem_of(std::move(outcome), 503, "UNAVAILABLE", "reload_failed");
    }
    json::object body;
    body["object"] = "reload";
    body["changed"] = outcome.has_changed;
    body["keys"] = outcome.keys;
    body["keys_unreadable"] = outcome.unreadable_keys;
    return reply(200, body);
}

} // namespace

asio::awaitable<Checked<Response>> reload_config(const Context& context, std::string,
                                                 Request request) {
    if (const auto known = only_parameters(request, {}); !known) co_return known.error();
    if (const auto empty = no_body(request); !empty) co_return empty.error();
    if (!context.reload)
        co_return Problem{409, "CONFLICT", "not_running",
                          "no gateway runs here that could be reloaded"};
    ReloadCall call{context.reload};
    auto waiting = asio::async_initiate<const asio::use_awaitable_t<>, void(ReloadOutcome)>(
        std::move(call), asio::use_awaitable);
    auto outcome = co_await std::move(waiting);
    co_return answer_to(std::move(outcome));
}

} // namespace keygate::admin
