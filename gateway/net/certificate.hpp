#pragma once

#include "base/result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;
struct ssl_ctx_st;

namespace keygate::net {

/// A certificate with those that lead to a root, and its private key.
class Certificate {
  public:
    /// Reads two PEM files. @errors the step names the file; permission_denied where others can
    /// read the key; a key that is not the certificate's.
    [[nodiscard]] static Result<Certificate> load(const std::string& certificate,
                                                  const std::string& private_key);

    /// What it is made for, lower case: the DNS names that it says (`*.example.com` among them),
    /// else its common name; sorted.
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

    /// Of its key: EVP_PKEY_RSA, EVP_PKEY_EC, …
    [[nodiscard]] int key_type() const;

    /// That it has expired, or is not good yet, for operators.
    [[nodiscard]] const std::optional<std::string>& warning() const { return warning_; }

    /// Gives it to the context, beside those of other key types. False where OpenSSL does not take
    /// it.
    [[nodiscard]] bool use(ssl_ctx_st* context) const;

  private:
    struct FreeCertificate {
        void operator()(x509_st* certificate) const;
    };

    struct FreeKey {
        void operator()(evp_pkey_st* key) const;
    };

    using X509Ref = std::unique_ptr<x509_st, FreeCertificate>;

    X509Ref own_;
    std::vector<X509Ref> chain_;
    std::unique_ptr<evp_pkey_st, FreeKey> key_;
    std::vector<std::string> names_;
    std::optional<std::string> warning_;
};

/// The first error that OpenSSL has left, or that of the system below it; none is left then.
[[nodiscard]] boost::system::error_code take_openssl_error();

} // namespace keygate::net
