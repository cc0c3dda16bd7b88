#include "keys/store_thread.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace keygate::keys {

struct StoreThread::State {
    using Work = std::function<void(KeyStore&, LiveKeys&)>;

    State(std::unique_ptr<KeyStore> opened, LiveKeys& keys)
        : store(std::move(opened))
        , live(&keys) {}

    // noexcept: work that throws has left store and table in a state that nobody knows.
    void run() noexcept {
        std::vector<Work> batch;
        while (take(batch)) {
            for (Work& work : batch) {
                work(*store, *live);
                work = nullptr; // what it captured ends with it, not with the batch
            }
            batch.clear();
        }
    }

    /// Waits for work. False once there is none and there will be none.
    bool take(std::vector<Work>& batch) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [this] { return !queue.empty() || is_ending; });
        batch.swap(queue);
        return !batch.empty();
    }

    std::unique_ptr<KeyStore> store;
    LiveKeys* live;
    std::mutex mutex; // guards the two below
    std::vector<Work> queue;
    bool is_ending = false;
    std::condition_variable changed;
    std::thread thread;
};

StoreThread::StoreThread(std::unique_ptr<KeyStore> store, LiveKeys& live)
    : state_(std::make_unique<State>(std::move(store), live)) {
    state_->thread = std::thread{[state = state_.get()] { state->run(); }};
}

StoreThread::~StoreThread() {
    {
        const std::lock_guard lock{state_->mutex};
        state_->is_ending = true;
    }
    state_->changed.notify_one();
    state_->thread.join();
}

void StoreThread::submit(std::function<void(KeyStore&, LiveKeys&)> work) {
    {
        const std::lock_guard lock{state_->mutex};
        state_->queue.push_back(std::move(work));
    }
    state_->changed.notify_one();
}

void StoreThread::replace(LiveKeys& live) {
    state_->live = &live;
}

} // namespace keygate::keys
