// Memory that C++ gives back is overwritten, in the whole program and in the C++ libraries that it
// calls: a key that somebody wrote where none belongs is copied by parsers, messages and lists that
// know nothing of secrets. A free chunk may lie in a core dump for as long as the process lives.
// What must not wait until it is freed is wiped by its owner (base/secret.hpp, base/wiping.hpp).

#include "base/secret.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

// Sanitizers see what is freed twice, or by the wrong means, only in their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KEYGATE_WIPES_ON_DELETE
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef KEYGATE_WIPES_ON_DELETE
#endif
#endif

#ifdef KEYGATE_WIPES_ON_DELETE

namespace {

// libstdc++ takes memory of operator new from malloc, and aligned memory from aligned_alloc.
void wipe_and_free(void* memory) noexcept {
    if (memory == nullptr) return;
    keygate::wipe(static_cast<char*>(memory), ::malloc_usable_size(memory));
    std::free(memory);
}

} // namespace

// What they give back comes from the library's own operator new, see above.
// NOLINTBEGIN(misc-new-delete-overloads)

void operator delete(void* memory) noexcept {
    wipe_and_free(memory);
}

void operator delete[](void* memory) noexcept {
    wipe_and_free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    wipe_and_free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
    wipe_and_free(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept {
    wipe_and_free(memory);
}

void operator delete[](void* memory, std::align_val_t) noexcept {
    wipe_and_free(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    wipe_and_free(memory);
}

void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    wipe_and_free(memory);
}

// NOLINTEND(misc-new-delete-overloads)

#endif
