#include "net/certificate.hpp"

#include "base/ascii.hpp"
#include "config/secret_file.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>

namespace keygate::net {

namespace {

/// More than any key; a file that is none is not read to its end.
constexpr std::size_t most_of_a_key_file = std::size_t{64} * 1024;

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free_all(bio); }
};

using BioRef = std::unique_ptr<BIO, FreeBio>;

/// Without it OpenSSL would ask at the terminal for the password of an encrypted key.
int no_password(char* /*space*/, int /*size*/, int /*purpose*/, void* /*argument*/) {
    return 0;
}

std::string text_of(const ASN1_STRING* string) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::vector<std::string> dns_names(const X509* certificate) {
    std::vector<std::string> names;
    auto* const all = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_DNS) names.push_back(ascii::lowered(text_of(name->d.dNSName)));
    }
    GENERAL_NAMES_free(all);
    return names;
}

/// RFC 6125 6.4.4: only where no DNS name is there.
std::vector<std::string> common_names(const X509* certificate) {
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return {};
    return {ascii::lowered(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))))};
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names = dns_names(certificate);
    if (names.empty()) names = common_names(certificate);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::string date_of(const ASN1_TIME* time) {
    const BioRef out{BIO_new(BIO_s_mem())};
    if (!out || ASN1_TIME_print_ex(out.get(), time, ASN1_DTFLGS_ISO8601) != 1) return "?";
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::optional<std::string> warning_of(const X509* certificate, const std::string& file) {
    const ASN1_TIME* const until = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(until) < 0)
        return "certificate " + file + " has expired at " + date_of(until);
    const ASN1_TIME* const from = X509_get0_notBefore(certificate);
    if (X509_cmp_current_time(from) > 0)
        return "certificate " + file + " is not good before " + date_of(from);
    return {};
}

} // namespace

boost::system::error_code take_openssl_error() {
    const unsigned long code = ERR_peek_error();
    ERR_clear_error();
    if (code == 0) return make_error_code(boost::system::errc::invalid_argument);
    if (ERR_SYSTEM_ERROR(code)) return {ERR_GET_REASON(code), boost::system::system_category()};
    return {static_cast<int>(code), boost::asio::error::get_ssl_category()};
}

void Certificate::FreeCertificate::operator()(X509* certificate) const {
    X509_free(certificate);
}

void Certificate::FreeKey::operator()(EVP_PKEY* key) const {
    EVP_PKEY_free(key);
}

Result<Certificate> Certificate::load(const std::string& certificate,
                                      const std::string& private_key) {
    ERR_clear_error();
    const std::string step = "read certificate " + certificate;
    Certificate loaded;
    const BioRef file{BIO_new_file(certificate.c_str(), "r")};
    if (!file) return Fault{take_openssl_error(), step};
    loaded.own_.reset(PEM_read_bio_X509_AUX(file.get(), nullptr, no_password, nullptr));
    if (!loaded.own_) return Fault{take_openssl_error(), step};
    while (X509* const next = PEM_read_bio_X509(file.get(), nullptr, no_password, nullptr))
        loaded.chain_.emplace_back(next);
    // The end is told as this error.
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return Fault{take_openssl_error(), step};
    ERR_clear_error();

    const auto text = config::read_private_file(private_key, "private key", most_of_a_key_file);
    if (!text) return text.error();
    const std::string key_step = "read private key file " + private_key;
    const std::string_view pem = text->reveal();
    const BioRef memory{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    loaded.key_.reset(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, nullptr));
    if (!loaded.key_) return Fault{take_openssl_error(), key_step};
    if (X509_check_private_key(loaded.own_.get(), loaded.key_.get()) != 1)
        return Fault{take_openssl_error(), key_step + " (of certificate " + certificate + ")"};

    loaded.names_ = names_of(loaded.own_.get());
    loaded.warning_ = warning_of(loaded.own_.get(), certificate);
    return loaded;
}

int Certificate::key_type() const {
    return EVP_PKEY_get_base_id(key_.get());
}

bool Certificate::use(SSL_CTX* context) const {
    STACK_OF(X509)* const chain = sk_X509_new_null();
    bool is_whole = chain != nullptr;
    for (const X509Ref& one : chain_)
        is_whole = is_whole && sk_X509_push(chain, one.get()) > 0;
    // It takes references of its own.
    const bool is_used =
        is_whole && SSL_CTX_use_cert_and_key(context, own_.get(), key_.get(), chain, 1) == 1;
    sk_X509_free(chain);
    return is_used;
}

} // namespace keygate::net
