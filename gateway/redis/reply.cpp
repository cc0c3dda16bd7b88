#include "redis/reply.hpp"

#include "redis/error.hpp"

namespace keygate::redis {

Fault fault_of(const Reply& error, std::string_view command) {
    // Its text is not told: it may repeat the arguments (`ERR unknown command 'X', with args …`).
    return {classify(error.text), std::string{command}};
}

} // namespace keygate::redis
