#include "keys/restrictions.hpp"

#include "config/reader.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>

namespace keygate::keys {
namespace {

constexpr std::size_t most_bindings = 16;
constexpr std::size_t longest_value = 256;

/// What is wrong with `bind`; empty if nothing is.
std::string wrong_binding(const std::map<std::string, std::string>& bind) {
    if (bind.size() > most_bindings)
        return "expected at most " + std::to_string(most_bindings) + " names";
    for (const auto& [name, value] : bind) {
        if (!config::is_plain_name(name))
            return "expected names of 1 to 64 letters, digits, `.`, `_` or `-`; found " +
                   config::quoted(name);
        const bool is_text = !value.empty() && value.size() <= longest_value &&
                             std::none_of(value.begin(), value.end(),
                                          [](unsigned char c) { return c < 0x20 || c == 0x7f; });
        if (!is_text)
            return "expected for " + config::quoted(name) + " a text of 1 to " +
                   std::to_string(longest_value) + " bytes without control characters";
    }
    return {};
}

/// Wide lists that say nothing take everything; a narrow one that says nothing is everything.
template <class List> bool is_list_covered(const List& wide, const List& narrow) {
    return wide.is_empty() || (!narrow.is_empty() && wide.covers(narrow));
}

} // namespace

config::Judged<std::shared_ptr<const Restrictions>> read_restrictions(const KeyRecord& record) {
    using Read = config::Judged<std::shared_ptr<const Restrictions>>;
    if (record.addresses.empty() && record.referrers.empty() && record.endpoints.empty() &&
        record.bind.empty())
        return Read::good(nullptr);
    auto addresses = AddressList::parse(record.addresses);
    if (!addresses.value) return Read::bad("addresses: " + addresses.wrong);
    auto referrers = ReferrerList::parse(record.referrers);
    if (!referrers.value) return Read::bad("referrers: " + referrers.wrong);
    auto endpoints = EndpointList::parse(record.endpoints);
    if (!endpoints.value) return Read::bad("endpoints: " + endpoints.wrong);
    if (const std::string wrong = wrong_binding(record.bind); !wrong.empty())
        return Read::bad("bind: " + wrong);
    Restrictions made{.addresses = std::move(*addresses.value),
                      .referrers = std::move(*referrers.value),
                      .endpoints = std::move(*endpoints.value),
                      .bind = {record.bind.begin(), record.bind.end()}};
    return Read::good(std::make_shared<const Restrictions>(std::move(made)));
}

bool covers(const Restrictions* wide, const Restrictions* narrow) {
    if (wide == nullptr) return true;
    static const Restrictions nothing;
    if (narrow == nullptr) narrow = &nothing;
    return is_list_covered(wide->addresses, narrow->addresses) &&
           is_list_covered(wide->referrers, narrow->referrers) &&
           is_list_covered(wide->endpoints, narrow->endpoints) &&
           std::all_of(wide->bind.begin(), wide->bind.end(), [&](const auto& bound) {
               const auto found = narrow->bind.find(bound.first);
               return found != narrow->bind.end() && found->second == bound.second;
           });
}

} // namespace keygate::keys
