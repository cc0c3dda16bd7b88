#pragma once

#include "base/clock.hpp"
#include "keys/store_thread.hpp"
#include "keys/used_keys.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace keygate::app {

/// Sees to it that what keys did gets into the store: once a second, off the requests' way, and at
/// the end in whole. A crash loses what was not written; of what decides, see app/spent_keeper.hpp.
class UsageKeeper {
  public:
    /// @param loop  where the clock ticks. @param add_spent  on the store's thread.
    UsageKeeper(boost::asio::io_context& loop, std::size_t threads, const Clock& clock,
                keys::UsageWriter::AddSpent add_spent = {});

    /// Where a worker counts.
    [[nodiscard]] keys::UsedKeys& of_thread(std::size_t number) { return *lists_[number]; }

    /// Before the loop runs. `store` dies before this.
    void start(keys::StoreThread& store);
    /// On the loop's thread.
    void stop();
    /// When no worker counts any more: asks the store to write all of it.
    void write_rest();

    // Any thread.

    /// Keys whose last use is not in the store yet.
    [[nodiscard]] std::size_t waiting() const { return waiting_; }

    [[nodiscard]] std::uint64_t failures() const { return failures_; }

    /// When the oldest key that is active was made, Unix seconds; 0 without keys. Looked up once a
    /// minute.
    [[nodiscard]] std::int64_t oldest_key() const { return oldest_key_; }

  private:
    void tick();
    void write(keys::KeyStore& store, std::size_t most);
    void look_for_oldest(keys::KeyStore& store);

    const Clock& clock_;
    std::vector<std::unique_ptr<keys::UsedKeys>> lists_;
    keys::StoreThread* store_ = nullptr;
    boost::asio::steady_timer timer_;
    bool is_stopping_ = false;
    std::atomic<bool> is_writing_{false};

    // The store's thread.
    keys::UsageWriter writer_;
    bool has_failed_ = false;
    unsigned turns_ = 0;

    std::atomic<std::size_t> waiting_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::int64_t> oldest_key_{0};
};

} // namespace keygate::app
