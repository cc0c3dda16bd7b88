#include "keys/issue.hpp"

#include "keys/format.hpp"

namespace keygate::keys {
namespace {

constexpr int most_tries = 5;

void keep(KeyRecord& record, const Secret& key, const ApiNames& api, const Mint& by) {
    const Digest whole = by.peppers.digest_of_new(key.reveal());
    record.pepper = by.peppers.current();
    record.digest = whole;
    record.secret_digest.reset();
    if (api.format.is_found_by_lookup) {
        record.digest = digest_of(lookup_part(key.reveal(), api.format).value());
        record.secret_digest = whole;
    }
    auto shown = shown_parts(key.reveal(), api.format);
    record.prefix = std::move(shown.prefix);
    record.hint = std::move(shown.hint);
    // Last: it is bound to the digest.
    record.sealed = by.seals == nullptr ? std::string{} : by.seals->seal(record, key.reveal());
}

} // namespace

Result<Secret> issue(KeyRecord& record, const ApiNames& api, const Mint& by, KeyStore& store) {
    for (int tries = 0; tries < most_tries; ++tries) {
        Secret key = mint(api.format, record.mode);
        keep(record, key, api, by);
        if (!api.format.is_found_by_lookup) return key;
        const auto same = store.find_same(record);
        if (!same) return same.error();
        if (!*same) return key;
    }
    return Fault{StoreError::conflict, record.id};
}

} // namespace keygate::keys
