#include "keys/subject.hpp"

#include <new>
#include <utility>

namespace keygate::keys {

Subject::Subject(SubjectsRef subjects, std::uint32_t number, std::uint64_t serial)
    : subjects_(std::move(subjects))
    , number_(number)
    , serial_(serial) {}

Subject::~Subject() {
    if (subjects_) subjects_->give_back(number_);
}

Subjects::Number Subjects::next_number() {
    if (free_.empty()) return {next_++, false};
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return {number, true};
}

SubjectRef Subjects::make() {
    Number number{};
    std::uint64_t serial = 0;
    {
        const std::lock_guard lock{mutex_};
        number = next_number();
        serial = ++serials_;
    }
    if (number.is_used && forget_) forget_(number.value);
    return SubjectRef{new Subject{SubjectsRef{this}, number.value, serial}};
}

namespace {

std::string owner_key(const std::string& api, const std::string& owner) {
    return api + '/' + owner; // no API has a slash in its name
}

} // namespace

SubjectRef Subjects::of_owner(const std::string& api, const std::string& owner) {
    std::string name = owner_key(api, owner);
    const std::lock_guard lock{mutex_};
    if (const auto known = owners_.find(name); known != owners_.end()) return known->second;
    make_room_for_owner();
    const Number number = next_number();
    if (number.is_used && forget_) forget_(number.value);
    const SubjectRef made{new Subject{nullptr, number.value, ++serials_}};
    owners_order_.push_back(name);
    owners_.emplace(std::move(name), made);
    return made;
}

/// The oldest that only this knows; who is in use goes to the end of the line.
void Subjects::make_room_for_owner() {
    for (std::size_t looks = owners_order_.size(); owners_.size() >= most_owners && looks > 0;
         --looks) {
        const auto oldest = owners_.find(owners_order_.front());
        if (oldest != owners_.end() && oldest->second->use_count() > 1) {
            owners_order_.push_back(std::move(owners_order_.front()));
        } else if (oldest != owners_.end()) {
            free_.push_back(oldest->second->number());
            owners_.erase(oldest);
        }
        owners_order_.pop_front();
    }
}

void Subjects::forget_owner(const std::string& api, const std::string& owner) {
    const std::lock_guard lock{mutex_};
    // Its number is not given to anybody else: a request may still be charged to it.
    owners_.erase(owner_key(api, owner));
}

SubjectRef Subjects::find_owner(const std::string& api, const std::string& owner) const {
    const std::lock_guard lock{mutex_};
    const auto known = owners_.find(owner_key(api, owner));
    return known == owners_.end() ? nullptr : known->second;
}

void Subjects::give_back(std::uint32_t number) noexcept {
    const std::lock_guard lock{mutex_};
    try {
        free_.push_back(number);
    } catch (const std::bad_alloc&) {
        // It is never handed out again; nobody misses it.
    }
}

SubjectRef NamedSubjects::of(const std::string& id, Subjects& subjects) {
    const std::lock_guard lock{mutex_};
    if (const auto known = all_.find(id); known != all_.end()) return known->second;
    make_room();
    order_.push_back(id);
    return all_.emplace(id, subjects.make()).first->second;
}

SubjectRef NamedSubjects::find(const std::string& id) const {
    const std::lock_guard lock{mutex_};
    const auto known = all_.find(id);
    return known == all_.end() ? nullptr : known->second;
}

/// The oldest that only this map knows; who is in use goes to the end of the line.
void NamedSubjects::make_room() {
    for (std::size_t looks = order_.size(); all_.size() >= most_ && looks > 0; --looks) {
        const auto oldest = all_.find(order_.front());
        if (oldest->second->use_count() == 1)
            all_.erase(oldest);
        else
            order_.push_back(std::move(order_.front()));
        order_.pop_front();
    }
}

std::size_t NamedSubjects::size() const {
    const std::lock_guard lock{mutex_};
    return all_.size();
}

} // namespace keygate::keys
