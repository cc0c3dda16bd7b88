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

} // namespace keygate::keys
