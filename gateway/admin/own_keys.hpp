#pragma once

#include "admin/api.hpp"
#include "net/task_group.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>

#include "answer/desk.hpp"

// What `answer:` routes answer: a key asks about itself, its owner, and its owner's keys.
//
//   who sees what      keys of the caller's owner in its API, of a test key the test keys alone;
//   all others
//                      are as if they were not there (404)
//   no escalation      what is made or changed can do no more than the caller: its scopes, its plan
//   and
//                      limits, its restrictions, its mode, and, if `self_service.cap_expiry` says
//                      so, its end
//   what was decided   when the request came in holds: that its key may call the route, and what it
//   costs
namespace keygate::admin {

/// Works on the thread of its executor. Changes go the way of the operator's (admin/write.hpp):
/// acknowledged when they are committed and decide every later request.
class OwnKeys final : public answer::Service {
  public:
    /// @param log  of changes, each a line without secrets; of bugs as well.
    OwnKeys(boost::asio::any_io_executor executor, Api::Contexts contexts,
            std::function<void(const std::string&)> log);

    /// Any thread; after `cancel` nobody is told.
    void take(answer::Call call, std::function<void(answer::Told)> done) override;

    // On the executor's thread.
    void cancel() { tasks_.cancel(); }

    [[nodiscard]] boost::asio::awaitable<void> drained() { return tasks_.drained(); }

  private:
    [[nodiscard]] boost::asio::awaitable<void> carry(answer::Call call,
                                                     std::function<void(answer::Told)> done);
    [[nodiscard]] boost::asio::awaitable<answer::Told> told(answer::Call call);
    [[nodiscard]] boost::asio::awaitable<answer::Told> judged(answer::Call call);

    boost::asio::any_io_executor executor_;
    Api::Contexts contexts_;
    std::function<void(const std::string&)> log_;
    net::TaskGroup tasks_;
};

} // namespace keygate::admin
