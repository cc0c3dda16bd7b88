#include "keys/restrictions.hpp"

namespace keygate::keys {

struct Restrictions {};

config::Judged<std::shared_ptr<const Restrictions>> read_restrictions(const KeyRecord&) {
    return config::Judged<std::shared_ptr<const Restrictions>>::good(nullptr);
}

} // namespace keygate::keys
