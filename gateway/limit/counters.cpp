// Where this process counts.
//
// Subjects lie in blocks of 4096, blocks on shelves of 1024; both are made when a number first
// appears, published with one compare-and-swap, and never move while anybody charges. So a
// charge is three loads and the subject's own cache lines: its lock and its counts lie side by
// side. A count that finds no place there lies in a list of the subject's own.
//
// A bill of several subjects takes their locks in the order of their numbers, so that two bills
// never wait for each other. A lock is held for some dozen instructions. It spins, because nobody
// who holds it can wait, and gives the processor away where the holder was scheduled out.

#include "limit/counters.hpp"

#include "limit/concurrency.hpp"
#include "limit/rate.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace keygate::limit {
namespace {

constexpr std::size_t most_counts = 64;
constexpr std::size_t most_subjects = 4; // of a bill: key, owner, route, address

/// What stands before the counts of a subject.
struct alignas(State) Head {
    std::atomic_flag held;
    std::unique_ptr<std::vector<State>> more;
};

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

void lock(Head& head) {
    for (int turn = 0; head.held.test_and_set(std::memory_order_acquire); ++turn) {
        static constexpr int turns_before_yield = 64;
        if (turn < turns_before_yield) {
            pause();
        } else {
            std::this_thread::yield();
        }
    }
}

void unlock(Head& head) {
    head.held.clear(std::memory_order_release);
}

class Locked {
  public:
    explicit Locked(Head& head)
        : head_(head) {
        lock(head_);
    }

    ~Locked() { unlock(head_); }

    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

  private:
    Head& head_;
};

/// A subject; its counts are touched under its lock.
struct Subject {
    Head* head = nullptr;
    std::span<State> beside;

    [[nodiscard]] State* find(std::uint64_t tag) const {
        for (State& state : beside)
            if (state.tag == tag) return &state;
        if (!head->more) return nullptr;
        for (State& state : *head->more)
            if (state.tag == tag) return &state;
        return nullptr;
    }

    /// Of a tag that has none. Good until the next one is made.
    [[nodiscard]] State& make(std::uint64_t tag) const {
        for (State& state : beside)
            if (state.tag == 0) {
                state.tag = tag;
                return state;
            }
        if (!head->more) head->more = std::make_unique<std::vector<State>>();
        return head->more->emplace_back(State{.tag = tag});
    }

    [[nodiscard]] State& find_or_make(std::uint64_t tag) const {
        State* const known = find(tag);
        return known != nullptr ? *known : make(tag);
    }

    template <class Act> void each(const Act& act) const {
        for (State& state : beside)
            if (state.tag != 0) act(state);
        if (head->more)
            for (State& state : *head->more)
                act(state);
    }
};

/// Subjects with the same number of places, side by side.
class Block {
  public:
    static constexpr std::size_t subjects = 4096;

    explicit Block(std::size_t counts)
        : counts_(counts)
        , stride_(sizeof(Head) + counts * sizeof(State))
        , bytes_(std::make_unique<std::byte[]>(subjects * stride_)) {
        for (std::size_t i = 0; i < subjects; ++i) {
            std::byte* place = bytes_.get() + i * stride_;
            new (place) Head{};
            for (std::size_t c = 0; c < counts; ++c)
                new (place + sizeof(Head) + c * sizeof(State)) State{};
        }
    }

    ~Block() {
        for (std::size_t i = 0; i < subjects; ++i)
            (*this)[i].head->~Head();
    }

    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    Subject operator[](std::size_t position) {
        std::byte* place = bytes_.get() + position * stride_;
        auto* head = std::launder(reinterpret_cast<Head*>(place));
        auto* states = std::launder(reinterpret_cast<State*>(place + sizeof(Head)));
        return {head, {states, counts_}};
    }

    /// @param smaller  a block with no more places.
    void take_over(Block& smaller) {
        for (std::size_t i = 0; i < subjects; ++i) {
            const Subject from = smaller[i];
            std::copy(from.beside.begin(), from.beside.end(), (*this)[i].beside.begin());
            (*this)[i].head->more = std::move(from.head->more);
        }
    }

  private:
    std::size_t counts_;
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

/// One limit's arithmetic on one state, whatever its kind.
class Count {
  public:
    Count(const Item& item, Instant now, Calendar& calendar)
        : item_(item)
        , now_(now)
        , quota_(std::get_if<Quota>(&item.limit->rule))
        , rate_(std::get_if<Rate>(&item.limit->rule)) {
        if (quota_ != nullptr) period_ = calendar.period(*quota_, now);
    }

    void bring_back(State& state) const {
        if (state.at <= now_.count()) return;
        if (rate_ != nullptr) return limit::bring_back(*rate_, state, now_);
        if (quota_ != nullptr) limit::bring_back(*quota_, state, period_);
    }

    [[nodiscard]] Verdict test(const State& state) const {
        if (rate_ != nullptr) return limit::test(*rate_, state, now_, item_.cost);
        if (quota_ != nullptr) return limit::test(*quota_, state, period_, item_.cost);
        return limit::test(concurrency(), state, now_);
    }

    void take(State& state) const {
        if (rate_ != nullptr) return limit::take(*rate_, state, now_, item_.cost);
        if (quota_ != nullptr) return limit::take(*quota_, state, period_, item_.cost);
        enter(state);
    }

    [[nodiscard]] Standing standing(const State& state) const {
        if (rate_ != nullptr) return limit::standing(*rate_, state, now_);
        if (quota_ != nullptr) return limit::standing(*quota_, state, period_);
        return limit::standing(concurrency(), state, now_);
    }

  private:
    [[nodiscard]] const Concurrency& concurrency() const {
        return std::get<Concurrency>(item_.limit->rule);
    }

    const Item& item_;
    Instant now_;
    const Quota* quota_;
    const Rate* rate_;
    TimeSpan period_;
};

/// The subjects of a bill, locked from here to the end.
class Subjects {
  public:
    template <class Find> Subjects(const Bill& bill, const Find& find) {
        for (const Item& item : bill.items()) {
            const std::span<const std::uint32_t> known{numbers_.data(), size_};
            if (std::find(known.begin(), known.end(), item.subject) != known.end()) continue;
            if (size_ == most_subjects)
                throw std::logic_error("a bill has more subjects than there can be");
            numbers_[size_++] = item.subject;
        }
        std::sort(numbers_.begin(), numbers_.begin() + static_cast<std::ptrdiff_t>(size_));
        for (std::size_t i = 0; i < size_; ++i)
            subjects_[i] = find(numbers_[i]);
        for (std::size_t i = 0; i < size_; ++i)
            lock(*subjects_[i].head);
    }

    ~Subjects() {
        for (std::size_t i = 0; i < size_; ++i)
            unlock(*subjects_[i].head);
    }

    Subjects(const Subjects&) = delete;
    Subjects& operator=(const Subjects&) = delete;

    [[nodiscard]] const Subject& of(std::uint32_t number) const {
        std::size_t place = 0;
        while (numbers_[place] != number)
            ++place;
        return subjects_[place];
    }

  private:
    std::array<std::uint32_t, most_subjects> numbers_{};
    std::array<Subject, most_subjects> subjects_;
    std::size_t size_ = 0;
};

/// All items are asked, so that a request that one of them refuses spends nothing. The latest
/// instant counts: waiting for less would only meet the next refusal.
Outcome ask(const Bill& bill, const Subjects& subjects, Instant now, Calendar& calendar) {
    Outcome outcome;
    outcome.now = now;
    outcome.retry_at = Instant::min();
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        const Item& item = bill.items()[i];
        const Count count{item, now, calendar};
        State* const known = subjects.of(item.subject).find(item.limit->tag);
        if (known != nullptr) count.bring_back(*known);
        const State state = known != nullptr ? *known : State{};
        const Verdict verdict = count.test(state);
        outcome.standing[i] = count.standing(state);
        if (verdict.admitted) continue;
        outcome.exceeded |= std::uint64_t{1} << i;
        if (item.limit->dry_run || verdict.retry_at <= outcome.retry_at) continue;
        outcome.refused_by = static_cast<std::uint8_t>(i);
        outcome.retry_at = verdict.retry_at;
    }
    return outcome;
}

} // namespace

struct Counters::Blocks {
    static constexpr std::size_t shelf_size = 1024;
    static constexpr std::size_t shelves = 1024;
    static_assert(shelves * shelf_size * Block::subjects ==
                  std::size_t{std::numeric_limits<std::uint32_t>::max()} + 1);
    using Middle = Shelf<Block, shelf_size>;

    std::size_t counts;
    Shelf<Middle, shelves> top;

    explicit Blocks(std::size_t counts_per_subject)
        : counts(std::min(counts_per_subject, most_counts)) {}

    Subject subject(std::uint32_t number) {
        const std::size_t block = number / Block::subjects;
        Middle& middle = top.find_or_make(block / shelf_size);
        return middle.find_or_make(block % shelf_size, counts)[number % Block::subjects];
    }

    /// For an empty one: the states of another with no more places.
    void take_over(const Blocks& smaller) {
        for (std::size_t i = 0; i < shelves; ++i) {
            const Middle* const from = smaller.top.find(i);
            if (from == nullptr) continue;
            Middle& to = top.find_or_make(i);
            for (std::size_t block = 0; block < shelf_size; ++block)
                if (Block* const states = from->find(block))
                    to.find_or_make(block, counts).take_over(*states);
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

Counters::Counters(std::size_t counts_per_subject)
    : blocks_(nullptr) {
    all_.push_back(std::make_unique<Blocks>(counts_per_subject));
    blocks_ = all_.back().get();
}

Counters::~Counters() = default;

void Counters::grow(std::size_t counts_per_subject) {
    Blocks& before = *blocks_;
    if (std::min(counts_per_subject, most_counts) <= before.counts) return;
    all_.push_back(std::make_unique<Blocks>(counts_per_subject));
    all_.back()->take_over(before);
    blocks_ = all_.back().get();
}

Outcome Counters::charge(const Bill& bill, Instant now, Calendar& calendar) {
    const Subjects subjects{bill, [this](std::uint32_t number) {
                                return blocks_.load(std::memory_order_acquire)->subject(number);
                            }};
    Outcome outcome = ask(bill, subjects, now, calendar);
    if (!outcome.is_admitted()) return outcome;
    for (std::size_t i = 0; i < bill.items().size(); ++i) {
        if (outcome.has_exceeded(i)) continue;
        const Item& item = bill.items()[i];
        State& state = subjects.of(item.subject).find_or_make(item.limit->tag);
        const Count count{item, now, calendar};
        count.take(state);
        outcome.taken_in[i] = state.at;
        outcome.standing[i] = count.standing(state);
    }
    return outcome;
}

Outcome Counters::test(const Bill& bill, Instant now, Calendar& calendar) const {
    const Subjects subjects{bill, [this](std::uint32_t number) {
                                return blocks_.load(std::memory_order_acquire)->subject(number);
                            }};
    return ask(bill, subjects, now, calendar);
}

void Counters::settle(std::span<const Owed> owed, bool is_counted) {
    for (const Owed& one : owed) {
        const bool is_running = std::holds_alternative<Concurrency>(one.limit->rule);
        if (!is_running && is_counted) continue;
        const auto subject = blocks_.load(std::memory_order_acquire)->known_subject(one.subject);
        if (!subject) continue;
        const Locked locked{*subject->head};
        State* const state = subject->find(one.limit->tag);
        if (state == nullptr) continue;
        if (is_running)
            leave(*state);
        else
            give_back(*state, one.taken_in, one.cost);
    }
}

void Counters::prefetch(std::uint32_t subject) const {
    if (const auto place = blocks_.load(std::memory_order_acquire)->known_subject(subject))
        __builtin_prefetch(place->head, 1);
}

void Counters::reset(std::uint32_t subject) {
    const auto place = blocks_.load(std::memory_order_acquire)->known_subject(subject);
    if (!place) return;
    const Locked locked{*place->head};
    std::fill(place->beside.begin(), place->beside.end(), State{});
    place->head->more.reset();
}

// Requests that are running have no instant (limit/state.hpp).

void Counters::forget_spent(std::uint32_t subject) {
    const auto place = blocks_.load(std::memory_order_acquire)->known_subject(subject);
    if (!place) return;
    const Locked locked{*place->head};
    place->each([](State& state) {
        if (state.at != 0) state = {.tag = state.tag};
    });
}

std::vector<State> Counters::spent(std::uint32_t subject) const {
    std::vector<State> all;
    const auto place = blocks_.load(std::memory_order_acquire)->known_subject(subject);
    if (!place) return all;
    const Locked locked{*place->head};
    place->each([&](const State& state) {
        if (state.at != 0) all.push_back(state);
    });
    return all;
}

void Counters::restore(std::uint32_t subject, std::span<const State> spent) {
    const Subject place = blocks_.load(std::memory_order_acquire)->subject(subject);
    const Locked locked{*place.head};
    for (const State& state : spent) {
        State& known = place.find_or_make(state.tag);
        if (known.at == state.at)
            known.used += state.used;
        else if (known.at < state.at)
            known = state;
    }
}

} // namespace keygate::limit
