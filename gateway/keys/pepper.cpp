#include "keys/pepper.hpp"

#include "config/secret_file.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <stdexcept>

namespace keygate::keys {
namespace {

constexpr std::size_t fewest_letters = 32;

struct FreeMac {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

using Mac = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

[[noreturn]] void no_hmac() {
    throw std::runtime_error("OpenSSL does not offer HMAC-SHA-256");
}

/// A context that has taken the pepper in.
Mac make_mac(std::string_view pepper) {
    // Looked up by name once for the process, as in keys/digest.cpp.
    static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end()};
    if (hmac == nullptr) no_hmac();
    Mac made{EVP_MAC_CTX_new(hmac)};
    const auto* key = reinterpret_cast<const unsigned char*>(pepper.data());
    if (!made || EVP_MAC_init(made.get(), key, pepper.size(), parameters) != 1) no_hmac();
    return made;
}

} // namespace

struct Peppers::Pepper {
    Pepper(std::string called, const Secret& text)
        : name(std::move(called))
        , mac(make_mac(text.reveal())) {}

    [[nodiscard]] Digest digest_of(std::string_view key) const {
        // A copy knows the pepper already; the original is only read, by any thread.
        const Mac copy{EVP_MAC_CTX_dup(mac.get())};
        Digest digest;
        std::size_t size = 0;
        const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
        if (!copy || EVP_MAC_update(copy.get(), bytes, key.size()) != 1 ||
            EVP_MAC_final(copy.get(), digest.bytes.data(), &size, digest.bytes.size()) != 1)
            no_hmac();
        return digest;
    }

    /// Something that only this pepper makes; no key can be found by it.
    [[nodiscard]] std::string proof() const { return to_hex(digest_of("proof of " + name)); }

    std::string name;
    Mac mac;
};

Peppers::Peppers() = default;
Peppers::~Peppers() = default;
Peppers::Peppers(Peppers&&) noexcept = default;
Peppers& Peppers::operator=(Peppers&&) noexcept = default;

Result<Peppers> Peppers::load(const config::Settings& settings) {
    Peppers loaded;
    for (const config::Pepper& pepper : settings.peppers) {
        const auto text = config::read_secret_file(pepper.file, "pepper", fewest_letters);
        if (!text) return text.error();
        loaded.peppers_.push_back(std::make_unique<Pepper>(pepper.name, *text));
    }
    return loaded;
}

Digest Peppers::digest_of(std::size_t pepper, std::string_view key) const {
    return peppers_[pepper]->digest_of(key);
}

const std::string& Peppers::current() const {
    static const std::string none;
    return peppers_.empty() ? none : peppers_.front()->name;
}

Digest Peppers::digest_of_new(std::string_view key) const {
    return peppers_.empty() ? keys::digest_of(key) : digest_of(0, key);
}

Result<void> Peppers::agree_with(KeyStore& store) const {
    const auto refused = [](const std::string& step) {
        return Fault{make_error_code(boost::system::errc::invalid_argument), step};
    };
    const auto known = store.peppers();
    if (!known) return known.error();
    for (const PepperUse& use : *known) {
        const auto ours = std::find_if(peppers_.begin(), peppers_.end(), [&](const auto& pepper) {
            return pepper->name == use.name;
        });
        if (use.keys == 0) continue;
        if (ours == peppers_.end())
            return refused("`peppers`: " + std::to_string(use.keys) +
                           " keys were made with pepper `" + use.name +
                           "`, which is not in the configuration");
        if ((*ours)->proof() != use.proof)
            return refused("`peppers`: the file of pepper `" + use.name +
                           "` holds another text than the one that " + std::to_string(use.keys) +
                           " keys were made with");
    }
    for (const auto& pepper : peppers_)
        if (auto put = store.put_pepper({.name = pepper->name, .proof = pepper->proof()}); !put)
            return put;
    return {};
}

} // namespace keygate::keys
