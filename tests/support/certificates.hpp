#pragma once

#include "support/temp_folder.hpp"

#include <cstdint>
#include <string>

namespace keygate::support {

/// An authority of its own and what it signs, made by the openssl command. Files last as long as
/// the object.
class Certificates {
  public:
    Certificates();

    /// Two PEM files.
    struct Pair {
        std::string certificate;
        std::string key;
    };

    /// Of the authority.
    [[nodiscard]] const std::string& ca() const { return ca_.certificate; }

    enum class Key : std::uint8_t { ec, rsa };

    /// @param name   its common name, and that of the files.
    /// @param names  as OpenSSL writes them: `DNS:redis.test,IP:127.0.0.1`; empty: none.
    /// @param days   how long it is good; negative: it has expired.
    [[nodiscard]] Pair make(const std::string& name, const std::string& names, int days = 30,
                            Key key = Key::ec) const;

  private:
    TempFolder folder_;
    Pair ca_;
};

} // namespace keygate::support
