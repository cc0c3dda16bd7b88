#include "net/admission.hpp"

namespace keygate::net {

std::optional<Refusal> Admission::enter() {
    if (open_.fetch_add(1, std::memory_order_relaxed) < max_) return std::nullopt;
    leave();
    return Refusal{Reason::overloaded};
}

Refusal refuse_slow_client() {
    return Refusal{Reason::client_timeout};
}

} // namespace keygate::net
