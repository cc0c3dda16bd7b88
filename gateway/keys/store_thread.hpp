#pragma once

#include "keys/live_keys.hpp"
#include "keys/store.hpp"

#include <functional>
#include <memory>

namespace keygate::keys {

/// The one thread that touches the store, and the one that tells requests
/// of changes. Work is done in order; a change is committed first, then given to the table, then
/// acknowledged: an acknowledged change decides every request that is sent after it.
class StoreThread {
  public:
    /// Takes the store; `live` must outlive this object, or be replaced before it dies.
    StoreThread(std::unique_ptr<KeyStore> store, LiveKeys& live);
    /// Finishes the work that was submitted and joins.
    ~StoreThread();
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;

    /// Queues work; any thread. It runs on the store's thread and reports back by what it captured
    /// (asio::post to the asker's executor). It must not throw.
    void submit(std::function<void(KeyStore&, LiveKeys&)> work);

    /// From inside of work, on the store's thread: what comes after it is given these.
    void replace(LiveKeys& live);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace keygate::keys
