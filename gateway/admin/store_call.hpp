#pragma once

#include "keys/store_thread.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <type_traits>
#include <utility>

// From a coroutine to the store's thread and back. The call cannot be cancelled: what a store has
// begun it ends, and the coroutine is there to take the result. So nothing that was captured dies
// on the store's thread, and whoever awaits the coroutine (net::TaskGroup::drained) awaits the
// store as well.
namespace keygate::admin {

template <class Work>
using StoreAnswer = std::invoke_result_t<Work&, keys::KeyStore&, keys::LiveKeys&>;

template <class Work> class StoreCall {
  public:
    StoreCall(keys::StoreThread& store, Work work)
        : store_(&store)
        , work_(std::move(work)) {}

    template <class Completion> void operator()(Completion&& completion) {
        namespace asio = boost::asio;
        using Pending = Waiting<std::decay_t<Completion>>;
        auto pending =
            std::make_shared<Pending>(std::move(work_), std::forward<Completion>(completion));
        store_->submit([pending](keys::KeyStore& store, keys::LiveKeys& live) mutable {
            // The reference moves along, so that the last one ends on the asker's thread.
            auto mine = std::exchange(pending, nullptr);
            auto answer = mine->work(store, live);
            const auto executor = mine->loop.get_executor();
            asio::post(executor, [mine = std::move(mine), answer = std::move(answer)]() mutable {
                auto done = std::move(mine->completion);
                mine.reset();
                std::move(done)(std::move(answer));
            });
        });
    }

  private:
    template <class Completion> struct Waiting {
        template <class C>
        Waiting(Work w, C&& c)
            : work(std::move(w))
            , completion(std::forward<C>(c))
            , loop(boost::asio::get_associated_executor(completion)) {}

        Work work;
        Completion completion;
        // The loop must not end for lack of work while the store works for it.
        boost::asio::executor_work_guard<boost::asio::associated_executor_t<Completion>> loop;
    };

    keys::StoreThread* store_;
    Work work_;
};

/// Runs `work(KeyStore&, LiveKeys&)` on the store's thread; its answer comes back here. `work` must
/// not throw and must own what it uses. The StoreThread must die before the loop that is called
/// back.
template <class Work>
boost::asio::awaitable<StoreAnswer<Work>> call_store(keys::StoreThread& store, Work work) {
    namespace asio = boost::asio;
    StoreCall<Work> call(store, std::move(work));
    auto waiting = asio::async_initiate<const asio::use_awaitable_t<>, void(StoreAnswer<Work>)>(
        std::move(call), asio::use_awaitable);
    co_return co_await std::move(waiting);
}

} // namespace keygate::admin
