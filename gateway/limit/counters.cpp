// Where all keys' rates are counted.
//
// Subjects lie in blocks of 4096, blocks on shelves of 1024; both are made when a number first
// appears, published with one compare-and-swap, and never move while anybody charges. So a
// charge is three loads and the subject's own cache lines: its lock and its states lie side by
// side.
//
// The lock is held for some dozen instructions. It spins, because nobody who holds it can wait, and
// gives the processor away where the holder was scheduled out.

#include "limit/counters.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>

namespace keygate::limit {
namespace {

constexpr std::size_t max_rates = 8;

/// What stands before the states of a subject.
struct alignas(RateState) Lock {
    std::atomic_flag held;
};

class Locked {
  public:
    explicit Locked(Lock& lock)
        : lock_(lock) {
        for (int turn = 0; lock_.held.test_and_set(std::memory_order_acquire); ++turn) {
            static constexpr int turns_before_yield = 64;
            if (turn < turns_before_yield) {
                pause();
            } else {
                std::this_thread::yield();
            }
        }
    }

    ~Locked() { lock_.held.clear(std::memory_order_release); }

    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

  private:
    static void pause() {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }

    Lock& lock_;
};

struct Subject {
    Lock& lock;
    std::span<RateState> states;
};

/// Subjects with the same number of states, side by side.
class Block {
  public:
    static constexpr std::size_t subjects = 4096;

    explicit Block(std::size_t rates)
        : rates_(rates)
        , stride_(sizeof(Lock) + rates * sizeof(RateState))
        , bytes_(std::make_unique<std::byte[]>(subjects * stride_)) {
        for (std::size_t i = 0; i < subjects; ++i) {
            std::byte* place = bytes_.get() + i * stride_;
            new (place) Lock{};
            for (std::size_t r = 0; r < rates; ++r)
                new (place + sizeof(Lock) + r * sizeof(RateState)) RateState{};
        }
    }

    Subject operator[](std::size_t position) {
        std::byte* place = bytes_.get() + position * stride_;
        auto* lock = std::launder(reinterpret_cast<Lock*>(place));
        auto* states = std::launder(reinterpret_cast<RateState*>(place + sizeof(Lock)));
        return {*lock, {states, rates_}};
    }

    /// @param smaller  a block with no more rates.
    void take_over(Block& smaller) {
        for (std::size_t i = 0; i < subjects; ++i) {
            const Subject from = smaller[i];
            std::copy(from.states.begin(), from.states.end(), (*this)[i].states.begin());
        }
    }

  private:
    std::size_t rates_;
    std::size_t stride_;
    std::unique_ptr<std::byte[]> bytes_;
};

/// Pointers that are published once. Owns what they point to.
template <class T, std::size_t Size> class Shelf {
  public:
    Shelf() = default;

    ~Shelf() {
        for (auto& place : places_)
            delete place.load(std::memory_order_relaxed);
    }

    Shelf(const Shelf&) = delete;
    Shelf& operator=(const Shelf&) = delete;

    [[nodiscard]] T* find(std::size_t position) const {
        return places_[position].load(std::memory_order_acquire);
    }

    /// Two threads may make the same one; the later one's is thrown away.
    template <class... Args> T& find_or_make(std::size_t position, Args... args) {
        if (T* found = find(position)) return *found;
        auto made = std::make_unique<T>(args...);
        T* first = nullptr;
        if (!places_[position].compare_exchange_strong(first, made.get(),
                                                       std::memory_order_acq_rel))
            return *first;
        return *made.release();
    }

  private:
    std::array<std::atomic<T*>, Size> places_{};
};

/// The rates of one charge, and where the subject keeps them.
struct Places {
    std::array<std::uint64_t, max_rates> tags{};
    std::array<RateState*, max_rates> states{}; // null where a rate was never used
    std::size_t count = 0;

    Places(std::span<RateState> cells, std::span<const Rate> rates)
        : count(rates.size()) {
        for (std::size_t i = 0; i < count; ++i) {
            tags[i] = tag_of(rates[i]);
            const auto cell = std::find_if(cells.begin(), cells.end(), [&](const RateState& state) {
                return state.tag == tags[i];
            });
            if (cell != cells.end()) states[i] = &*cell;
        }
    }

    /// Two rates of a plan with one meaning (`100/1m` and `200/1m`) share a state: both are asked,
    /// and it is charged once.
    [[nodiscard]] bool is_repeated(std::size_t rate) const {
        const auto* const end = tags.begin() + static_cast<std::ptrdiff_t>(rate);
        return std::find(tags.begin(), end, tags[rate]) != end;
    }

    /// A cell that no rate of this charge uses. What it held belonged to an earlier plan.
    [[nodiscard]] RateState& spare(std::span<RateState> cells) const {
        const auto* const end = tags.begin() + static_cast<std::ptrdiff_t>(count);
        const auto is_free = [](const RateState& state) { return state.tag == 0; };
        auto cell = std::find_if(cells.begin(), cells.end(), is_free);
        if (cell == cells.end())
            cell = std::find_if(cells.begin(), cells.end(), [&](const RateState& state) {
                return std::find(tags.begin(), end, state.tag) == end;
            });
        *cell = {};
        return *cell;
    }
};

/// Whole seconds, rounded up (RFC 9110 10.2.3); none where no waiting helps.
std::chrono::seconds retry_after(Instant retry_at, Instant now) {
    if (retry_at == Instant::max()) return std::chrono::seconds{0};
    return std::max(std::chrono::ceil<std::chrono::seconds>(retry_at - now),
                    std::chrono::seconds{1});
}

} // namespace

struct Counters::Blocks {
    static constexpr std::size_t shelf_size = 1024;
    static constexpr std::size_t shelves = 1024;
    static_assert(shelves * shelf_size * Block::subjects ==
                  std::size_t{std::numeric_limits<std::uint32_t>::max()} + 1);
    using Middle = Shelf<Block, shelf_size>;

    std::size_t rates;
    Shelf<Middle, shelves> top;

    explicit Blocks(std::size_t rates_per_subject)
        : rates(rates_per_subject) {
        if (rates > max_rates)
            throw std::invalid_argument("a plan has at most 8 rates, not " + std::to_string(rates));
    }

    Subject subject(std::uint32_t number) {
        const std::size_t block = number / Block::subjects;
        Middle& middle = top.find_or_make(block / shelf_size);
        return middle.find_or_make(block % shelf_size, rates)[number % Block::subjects];
    }

    /// For an empty one: the states of another with no more rates.
    void take_over(const Blocks& smaller) {
        for (std::size_t i = 0; i < shelves; ++i) {
            const Middle* const from = smaller.top.find(i);
            if (from == nullptr) continue;
            Middle& to = top.find_or_make(i);
            for (std::size_t block = 0; block < shelf_size; ++block)
                if (Block* const states = from->find(block))
                    to.find_or_make(block, rates).take_over(*states);
        }
    }

    [[nodiscard]] std::optional<Subject> known_subject(std::uint32_t number) const {
        const std::size_t block = number / Block::subjects;
        const Middle* middle = top.find(block / shelf_size);
        Block* found = middle != nullptr ? middle->find(block % shelf_size) : nullptr;
        if (found == nullptr) return std::nullopt;
        return (*found)[number % Block::subjects];
    }
};

Counters::Counters(std::size_t rates_per_subject)
    : blocks_(std::make_unique<Blocks>(rates_per_subject)) {}

Counters::~Counters() = default;

void Counters::grow(std::size_t rates_per_subject) {
    if (rates_per_subject <= blocks_->rates) return;
    auto grown = std::make_unique<Blocks>(rates_per_subject);
    grown->take_over(*blocks_);
    blocks_ = std::move(grown);
}

std::optional<Refusal> Counters::charge(std::uint32_t subject, std::span<const Rate> rates,
                                        Instant now, std::uint64_t cost) {
    if (rates.empty()) return std::nullopt;
    if (rates.size() > blocks_->rates)
        throw std::logic_error("a plan has more rates than the counters were made for");

    const Subject place = blocks_->subject(subject);
    const Locked locked{place.lock};
    const Places places{place.states, rates};

    // First all are asked, so that a request that one of them refuses spends nothing. The latest
    // instant counts: waiting for less would only meet the next refusal.
    bool is_admitted = true;
    Instant retry_at = Instant::min();
    for (std::size_t i = 0; i < rates.size(); ++i) {
        const RateState* known = places.states[i];
        const Verdict verdict = test(rates[i], known != nullptr ? *known : RateState{}, now, cost);
        if (verdict.admitted) continue;
        is_admitted = false;
        retry_at = std::max(retry_at, verdict.retry_at);
    }
    if (!is_admitted)
        return Refusal{.reason = Reason::rate_limited, .retry_after = retry_after(retry_at, now)};

    for (std::size_t i = 0; i < rates.size(); ++i) {
        if (places.is_repeated(i)) continue;
        RateState* known = places.states[i];
        take(rates[i], known != nullptr ? *known : places.spare(place.states), now, cost);
    }
    return std::nullopt;
}

void Counters::prefetch(std::uint32_t subject) const {
    if (const auto place = blocks_->known_subject(subject)) __builtin_prefetch(&place->lock, 1);
}

void Counters::reset(std::uint32_t subject) {
    const auto place = blocks_->known_subject(subject);
    if (!place) return;
    const Locked locked{place->lock};
    std::fill(place->states.begin(), place->states.end(), RateState{});
}

} // namespace keygate::limit
