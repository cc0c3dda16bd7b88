#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <optional>
#include <string>
#include <string_view>

// What every `tls:` is made of, whoever it is spoken with.
namespace keygate::config {

/// A file's path. @param folder  of the configuration, where relative ones begin.
void read_path(const std::optional<View>& view, std::string_view folder, std::string& out);

/// `certificate` and `private_key`: both or none.
void read_certificate(Fields& fields, std::string_view folder, std::string& certificate,
                      std::string& private_key);

/// A DNS name in lower case, or an IP address without brackets.
void read_server_name(const std::optional<View>& view, std::string& out);

inline constexpr std::array<Word<TlsVersion>, 2> tls_version_words{
    {{"1.2", TlsVersion::tls_1_2}, {"1.3", TlsVersion::tls_1_3}}};

} // namespace keygate::config
