#pragma once

#include "keys/tally.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace keygate::keys {

class Subjects;

/// One key or one owner, whatever becomes of its record: all of its entries share it, also those of
/// an earlier configuration that requests in flight still hold. So what a key has used outlives
/// every change of it, and ends with it. Any thread.
class Subject : public boost::intrusive_ref_counter<Subject, boost::thread_safe_counter> {
  public:
    /// Gives the number back.
    ~Subject();
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;

    /// Dense, and nobody else's while this lives: where limits keep the key's state.
    [[nodiscard]] std::uint32_t number() const { return number_; }

    /// Nobody else's, also when this is gone.
    [[nodiscard]] std::uint64_t serial() const { return serial_; }

    /// What it did that is not stored yet.
    [[nodiscard]] Tally& tally() const { return tally_; }

  private:
    friend class Subjects;
    Subject(boost::intrusive_ptr<Subjects> subjects, std::uint32_t number, std::uint64_t serial);

    boost::intrusive_ptr<Subjects> subjects_; // null for an owner: they hold it
    std::uint32_t number_;
    std::uint64_t serial_;
    mutable Tally tally_; // counting is no change of the key
};

using SubjectRef = boost::intrusive_ptr<Subject>;

/// Gives every key its number. One for all tables of a process. Any thread.
class Subjects : public boost::intrusive_ref_counter<Subjects, boost::thread_safe_counter> {
  public:
    /// Owners that nobody has in memory are remembered up to so many.
    static constexpr std::size_t most_owners = 1'000'000;

    /// @param forget  called with a number that somebody had before, on the thread that calls
    ///                `make` and before it returns: what was counted under it is no longer true.
    /// @param forget_spent  called by `forget_spent`.
    explicit Subjects(std::function<void(std::uint32_t)> forget = {},
                      std::function<void(std::uint32_t)> forget_spent = {})
        : forget_(std::move(forget))
        , forget_spent_(std::move(forget_spent)) {}

    /// A key that nobody has seen before. The lowest number that was never used, or one whose
    /// subject is gone.
    [[nodiscard]] SubjectRef make();

    /// The owner's, made when he is first seen. Whoever has no key for a while is remembered.
    [[nodiscard]] SubjectRef of_owner(const std::string& api, const std::string& owner);
    /// Whoever comes under that name next is another one.
    void forget_owner(const std::string& api, const std::string& owner);
    /// The owner's if it is known; else null.
    [[nodiscard]] SubjectRef find_owner(const std::string& api, const std::string& owner) const;

    /// What it has used does not count any more. Any thread; null is nobody.
    void forget_spent(const SubjectRef& subject) const {
        if (subject && forget_spent_) forget_spent_(subject->number());
    }

  private:
    friend class Subject;

    struct Number {
        std::uint32_t value;
        bool is_used; // by somebody before
    };

    [[nodiscard]] Number next_number(); // under the mutex
    void make_room_for_owner();         // under the mutex
    void give_back(std::uint32_t number) noexcept;

    std::function<void(std::uint32_t)> forget_;
    std::function<void(std::uint32_t)> forget_spent_;
    mutable std::mutex mutex_; // guards all below; taken when a key comes or goes
    std::vector<std::uint32_t> free_;
    std::uint32_t next_ = 0;
    std::uint64_t serials_ = 0;
    boost::unordered_flat_map<std::string, SubjectRef> owners_;
    std::deque<std::string> owners_order_;
};

using SubjectsRef = boost::intrusive_ptr<Subjects>;

/// Subjects by their keys' ids, for keys that come and go in memory while they are the same keys:
/// what one has used does not depend on whether its record is kept. Bounded: of more than `most`
/// those go that nobody uses. Any thread.
class NamedSubjects {
  public:
    explicit NamedSubjects(std::size_t most)
        : most_(most) {}

    /// The subject of that key, made by `subjects` if nobody knows it.
    [[nodiscard]] SubjectRef of(const std::string& id, Subjects& subjects);
    /// The same if it is known; else null.
    [[nodiscard]] SubjectRef find(const std::string& id) const;

    [[nodiscard]] std::size_t size() const;

  private:
    void make_room();

    const std::size_t most_;
    mutable std::mutex mutex_; // guards the two below; taken when a record was read
    boost::unordered_flat_map<std::string, SubjectRef> all_;
    std::deque<std::string> order_;
};

} // namespace keygate::keys
