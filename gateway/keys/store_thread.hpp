#pragma once

#include "keys/store.hpp"
#include "keys/table.hpp"

#include <functional>
#include <memory>

namespace keygate::keys {

/// The one thread that touches the store, and the only writer of the table. Work is done in order;
/// a change is committed first, then put into the table, then acknowledged: an acknowledged change
/// decides every request that is sent after it.
class StoreThread {
  public:
    /// Takes the store; `table` must outlive this object, or be replaced before it dies.
    StoreThread(std::unique_ptr<KeyStore> store, Table& table);
    /// Finishes the work that was submitted and joins.
    ~StoreThread();
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;

    /// Queues work; any thread. It runs on the store's thread and reports back by what it captured
    /// (asio::post to the asker's executor). It must not throw.
    void submit(std::function<void(KeyStore&, Table&)> work);

    /// From inside of work, on the store's thread: what comes after it is given this table.
    void replace_table(Table& table);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace keygate::keys
