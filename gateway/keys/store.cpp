#include "keys/store.hpp"

namespace keygate::keys {
namespace {

// Boost leaves the destructor of its categories as it is on purpose: they are never deleted.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

class Category final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "keygate.store"; }

    [[nodiscard]] std::string message(int value) const override {
        switch (static_cast<StoreError>(value)) {
        case StoreError::conflict:
            return "exists already";
        case StoreError::not_found:
            return "not found";
        case StoreError::in_use:
            return "in use by another process";
        case StoreError::bad_cursor:
            return "not a cursor of this list";
        case StoreError::raced:
            return "was changed by somebody else at the same moment";
        case StoreError::unreadable:
            return "cannot be read as a key store";
        }
        return "unknown store error";
    }
};

#pragma GCC diagnostic pop

} // namespace

const boost::system::error_category& store_category() {
    static const Category category;
    return category;
}

boost::system::error_code make_error_code(StoreError error) {
    return {static_cast<int>(error), store_category()};
}

} // namespace keygate::keys
