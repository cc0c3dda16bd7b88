#include "net/tls_tickets.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace keygate::net {

namespace {

/// HMAC-SHA-256, as SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it.
bool set_mac(EVP_MAC_CTX* mac, std::array<unsigned char, 32>& key) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

} // namespace

TlsTickets::TlsTickets() {
    make(current_, std::chrono::steady_clock::now());
}

TlsTickets::~TlsTickets() {
    wipe(current_);
    if (before_) wipe(*before_);
}

void TlsTickets::make(Key& key, SteadyTime now) {
    key.made = now;
    if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
        RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) != 1 ||
        RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) != 1)
        throw std::runtime_error("no random bytes for session tickets");
}

void TlsTickets::wipe(Key& key) {
    OPENSSL_cleanse(&key, sizeof key);
}

void TlsTickets::rotate(SteadyTime now) {
    if (now - current_.made >= life) {
        if (before_) wipe(*before_);
        before_ = current_;
        make(current_, now);
    }
    if (before_ && now - before_->made >= 2 * life) {
        wipe(*before_);
        before_.reset();
    }
}

bool TlsTickets::seal(Name& name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                      SteadyTime now) {
    const std::lock_guard lock{mutex_};
    rotate(now);
    name = current_.name;
    return RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
           EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, current_.cipher.data(), iv) ==
               1 &&
           set_mac(mac, current_.mac);
}

TlsTickets::Opened TlsTickets::open(const Name& name, const unsigned char* iv,
                                    EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, SteadyTime now) {
    const std::lock_guard lock{mutex_};
    rotate(now);
    const bool is_current = name == current_.name;
    if (!is_current && (!before_ || name != before_->name)) return Opened::unknown;
    Key& key = is_current ? current_ : *before_;
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1 ||
        !set_mac(mac, key.mac))
        return Opened::failed;
    return is_current ? Opened::yes : Opened::is_old;
}

} // namespace keygate::net
