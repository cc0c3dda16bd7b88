#pragma once

#include "base/networks.hpp"
#include "config/judged.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::keys {

/// Networks that a key may be used from. Immutable; any thread.
class AddressList {
  public:
    static constexpr std::size_t most = 256;

    /// Of networks as `parse_network` reads them.
    [[nodiscard]] static config::Judged<AddressList> parse(std::span<const std::string> texts);

    [[nodiscard]] bool is_empty() const { return networks_.empty(); }

    /// @param peer  the client's address as the connection has it, also with a zone
    ///              (`fe80::1%eth0`). One that cannot be read is in no network. IPv4 addresses are
    ///              in IPv4 networks only, so not in `::/0`.
    [[nodiscard]] bool contains(std::string_view peer) const;

    /// Is every address of the other list also one of this?
    [[nodiscard]] bool covers(const AddressList& other) const;

  private:
    std::vector<Network> networks_;
};

} // namespace keygate::keys
