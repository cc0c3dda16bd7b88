#include "app/usage_keeper.hpp"

#include <spdlog/spdlog.h>

#include <limits>

namespace keygate::app {

namespace {

constexpr std::chrono::seconds period{1};
// About one hundredth of the store thread's time; the others wait, and are shown all the same.
constexpr std::size_t keys_per_period = 2000;
constexpr unsigned periods_per_look = 60;

std::vector<keys::UsedKeys*> pointers(const std::vector<std::unique_ptr<keys::UsedKeys>>& lists) {
    std::vector<keys::UsedKeys*> all;
    for (const auto& list : lists)
        all.push_back(list.get());
    return all;
}

std::vector<std::unique_ptr<keys::UsedKeys>> make_lists(std::size_t threads) {
    std::vector<std::unique_ptr<keys::UsedKeys>> lists;
    for (std::size_t i = 0; i < threads; ++i)
        lists.push_back(std::make_unique<keys::UsedKeys>());
    return lists;
}

} // namespace

UsageKeeper::UsageKeeper(boost::asio::io_context& loop, std::size_t threads, const Clock& clock,
                         keys::UsageWriter::AddSpent add_spent)
    : clock_(clock)
    , lists_(make_lists(threads))
    , timer_(loop)
    , writer_(pointers(lists_), std::move(add_spent)) {}

void UsageKeeper::start(keys::StoreThread& store) {
    store_ = &store;
    tick();
}

void UsageKeeper::stop() {
    is_stopping_ = true;
    timer_.cancel();
}

void UsageKeeper::write_rest() {
    if (store_ == nullptr) return;
    store_->submit([this](keys::KeyStore& store, keys::LiveKeys&) {
        write(store, std::numeric_limits<std::size_t>::max());
    });
}

void UsageKeeper::tick() {
    // A store that is slow gets no second job behind the first.
    if (!is_writing_.exchange(true))
        store_->submit([this](keys::KeyStore& store, keys::LiveKeys&) {
            if (turns_++ % periods_per_look == 0) look_for_oldest(store);
            write(store, keys_per_period);
            is_writing_ = false;
        });
    timer_.expires_after(period);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !is_stopping_) tick();
    });
}

void UsageKeeper::write(keys::KeyStore& store, std::size_t most) {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now().wall);
    const auto written = writer_.write(store, now, most);
    waiting_ = writer_.waiting();
    if (!written) ++failures_;
    // Said when it begins and when it is over, not every second.
    if (!written && !has_failed_)
        spdlog::error("usage of keys cannot be stored, and waits: {}", to_string(written.error()));
    if (written && has_failed_) spdlog::info("usage of keys is stored again");
    has_failed_ = written.has_error();
}

void UsageKeeper::look_for_oldest(keys::KeyStore& store) {
    const auto oldest = store.oldest_key();
    if (oldest) oldest_key_ = *oldest ? (*oldest)->time_since_epoch().count() : 0;
}

} // namespace keygate::app
