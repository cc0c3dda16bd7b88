#include "keys/subject.hpp"

#include <new>
#include <utility>

namespace keygate::keys {

Subject::Subject(SubjectsRef subjects, std::uint32_t number)
    : subjects_(std::move(subjects))
    , number_(number) {}

Subject::~Subject() {
    subjects_->give_back(number_);
}

SubjectRef Subjects::make() {
    std::uint32_t number = 0;
    bool is_used = false;
    {
        const std::lock_guard lock{mutex_};
        is_used = !free_.empty();
        if (is_used) {
            number = free_.back();
            free_.pop_back();
        } else {
            number = next_++;
        }
    }
    if (is_used && forget_) forget_(number);
    return SubjectRef{new Subject{SubjectsRef{this}, number}};
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
