#include "policy/tenant.hpp"

#include "base/ascii.hpp"
#include "policy/path.hpp"

#include <string_view>

namespace keygate::policy {
namespace {

/// Is this what the upstream reads in the segment? Escapes are decoded. Some upstreams cut `;…`
/// off, so a segment with one names nobody for certain.
bool names_tenant(std::string_view segment, std::string_view tenant) {
    if (segment.empty()) return false;
    while (!segment.empty()) {
        if (tenant.empty() || segment.front() == ';') return false;
        char c = segment.front();
        std::size_t length = 1;
        if (c == '%' && segment.size() >= 3) { // the target was judged: two digits follow
            c = static_cast<char>(ascii::hex_value(segment[1]) * 16 + ascii::hex_value(segment[2]));
            length = 3;
        }
        if (c != tenant.front()) return false;
        segment.remove_prefix(length);
        tenant.remove_prefix(1);
    }
    return tenant.empty();
}

/// Whom the key belongs to; empty if to nobody.
std::string_view tenant_of(const keys::Entry& entry, const Tenant& bound) {
    if (bound.is_owner) return entry.owner;
    if (!entry.particulars || !entry.particulars->restrictions) return {};
    const auto& bind = entry.particulars->restrictions->bind;
    const auto found = bind.find(bound.name);
    return found == bind.end() ? std::string_view{} : std::string_view{found->second};
}

} // namespace

std::optional<Refusal> check_tenant(const keys::Identity& identity, const Route& route,
                                    const Facts& facts) {
    for (const Tenant& bound : route.tenants)
        if (!names_tenant(segment_of(facts.path, bound.segment),
                          tenant_of(identity.entry(), bound)))
            return Refusal{.reason = Reason::tenant_mismatch};
    return std::nullopt;
}

} // namespace keygate::policy
