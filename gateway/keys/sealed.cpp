#include "keys/sealed.hpp"

#include "base/ascii.hpp"
#include "config/secret_file.hpp"
#include "keys/store.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>

namespace keygate::keys {
namespace {

namespace errc = boost::system::errc;

constexpr std::size_t key_size = 32;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::string_view version = "v1";
constexpr std::string_view what = "key"; // of the file, in messages

struct FreeCipher {
    // Overwrites what it knows of the key.
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

[[noreturn]] void no_cipher() {
    throw std::runtime_error("OpenSSL does not offer AES-256-GCM");
}

unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

int length_of(std::string_view text) {
    return static_cast<int>(text.size());
}

/// What is authenticated along: each part behind its length, so that no two records look alike.
std::string bound_to(const KeyRecord& record) {
    std::string all{version};
    const std::string digest = to_hex(record.digest);
    for (const std::string_view part :
         {std::string_view{record.api}, std::string_view{record.id}, std::string_view{digest}})
        all.append(1, '\n').append(std::to_string(part.size())).append(1, ':').append(part);
    return all;
}

std::string base64url(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    text.resize(static_cast<std::size_t>(
        EVP_EncodeBlock(bytes_of(text), bytes_of(bytes), length_of(bytes))));
    while (text.ends_with('='))
        text.pop_back();
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
    const auto is_letter = [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; };
    if (text.size() % 4 == 1 || !std::all_of(text.begin(), text.end(), is_letter))
        return std::nullopt;
    std::string padded{text};
    std::replace(padded.begin(), padded.end(), '-', '+');
    std::replace(padded.begin(), padded.end(), '_', '/');
    const std::size_t padding = (4 - padded.size() % 4) % 4;
    padded.append(padding, '=');
    std::string bytes(padded.size() / 4 * 3, '\0');
    if (EVP_DecodeBlock(bytes_of(bytes), bytes_of(std::string_view{padded}), length_of(padded)) < 0)
        return std::nullopt;
    bytes.resize(bytes.size() - padding);
    return bytes;
}

/// A context that is keyed; `is_sealing` says for which direction.
Cipher make_cipher(const Secret& key, std::string_view nonce, bool is_sealing) {
    Cipher made{EVP_CIPHER_CTX_new()};
    if (!made || EVP_CipherInit_ex2(made.get(), EVP_aes_256_gcm(), bytes_of(key.reveal()),
                                    bytes_of(nonce), is_sealing ? 1 : 0, nullptr) != 1)
        no_cipher();
    return made;
}

void authenticate(EVP_CIPHER_CTX* cipher, std::string_view along) {
    int done = 0;
    if (EVP_CipherUpdate(cipher, nullptr, &done, bytes_of(along), length_of(along)) != 1)
        no_cipher();
}

/// nonce, cipher text, tag
std::string encrypted(const Secret& key, std::string_view along, std::string_view text) {
    std::string out(nonce_size + text.size() + tag_size, '\0');
    if (RAND_bytes(bytes_of(out), nonce_size) != 1)
        throw std::runtime_error("the system has no randomness");
    const Cipher cipher = make_cipher(key, std::string_view{out}.substr(0, nonce_size), true);
    authenticate(cipher.get(), along);
    unsigned char* const body = bytes_of(out) + nonce_size;
    int done = 0;
    int rest = 0;
    if (EVP_CipherUpdate(cipher.get(), body, &done, bytes_of(text), length_of(text)) != 1 ||
        EVP_CipherFinal_ex(cipher.get(), body + done, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_size, body + text.size()) != 1)
        no_cipher();
    return out;
}

/// Nothing if it is not what was sealed.
std::optional<Secret> decrypted(const Secret& key, std::string_view along, std::string_view bytes) {
    if (bytes.size() < nonce_size + tag_size) return std::nullopt;
    const std::string_view body = bytes.substr(nonce_size, bytes.size() - nonce_size - tag_size);
    std::string tag{bytes.substr(bytes.size() - tag_size)};
    const Cipher cipher = make_cipher(key, bytes.substr(0, nonce_size), false);
    authenticate(cipher.get(), along);
    std::string text(body.size(), '\0');
    int done = 0;
    int rest = 0;
    if (EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) != 1)
        no_cipher();
    const bool is_good = EVP_CipherUpdate(cipher.get(), bytes_of(text), &done, bytes_of(body),
                                          length_of(body)) == 1 &&
                         EVP_CipherFinal_ex(cipher.get(), bytes_of(text) + done, &rest) == 1;
    Secret opened{std::move(text)}; // before anything is said of it: what was read is wiped
    if (!is_good) return std::nullopt;
    return opened;
}

/// 64 hexadecimal digits as bytes; nothing for anything else.
std::optional<Secret> key_from(std::string_view hex) {
    if (hex.size() != 2 * key_size) return std::nullopt;
    std::string bytes;
    bytes.reserve(key_size);
    bool is_hex = true;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = ascii::hex_value(hex[i]);
        const int low = ascii::hex_value(hex[i + 1]);
        is_hex = is_hex && high >= 0 && low >= 0;
        bytes += static_cast<char>(16 * std::max(high, 0) + std::max(low, 0));
    }
    Secret key{std::move(bytes)};
    if (!is_hex) return std::nullopt;
    return key;
}

Secret random_key_text() {
    std::array<unsigned char, key_size> bytes{};
    if (RAND_priv_bytes(bytes.data(), key_size) != 1)
        throw std::runtime_error("the system has no randomness");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * key_size);
    for (const unsigned char byte : bytes) {
        text += digits[byte / 16];
        text += digits[byte % 16];
    }
    wipe(reinterpret_cast<char*>(bytes.data()), bytes.size());
    return Secret{std::move(text)};
}

/// Names a key file in what it has sealed, and says nothing of what is in it.
std::string id_of(const Secret& key) {
    constexpr std::string_view purpose = "keygate key file\n";
    std::string text;
    text.reserve(purpose.size() + key.reveal().size());
    text.append(purpose).append(key.reveal());
    const std::string id = to_hex(digest_of(text)).substr(0, 8);
    wipe(text.data(), text.size());
    return id;
}

/// `v1.<id>.<text>`, parted.
struct Parts {
    std::string_view id;
    std::string_view text;
};

std::optional<Parts> parts_of(std::string_view sealed) {
    if (!sealed.starts_with(version)) return std::nullopt;
    sealed.remove_prefix(version.size());
    const std::size_t dot = sealed.find('.', 1);
    if (!sealed.starts_with('.') || dot == std::string_view::npos) return std::nullopt;
    return Parts{sealed.substr(1, dot - 1), sealed.substr(dot + 1)};
}

Fault unreadable(std::string why) {
    return {StoreError::unreadable, std::move(why)};
}

} // namespace

Result<Seals::Key> Seals::read(const std::string& file) {
    const auto text = config::read_secret_file(file, std::string{what}, 2 * key_size);
    if (!text) return text.error();
    auto key = key_from(text->reveal());
    if (!key)
        return Fault{make_error_code(errc::invalid_argument),
                     "read key file " + file + " (must hold one line of 64 hexadecimal digits)"};
    std::string id = id_of(*key);
    return Key{std::move(id), std::move(*key)};
}

Result<Seals::Key> Seals::read_or_make(const std::string& file) {
    auto key = read(file);
    if (key || key.error().error != errc::no_such_file_or_directory) return key;
    const auto made = config::make_secret_file(file, std::string{what}, random_key_text());
    if (!made) return made.error();
    return read(file); // another process may have been first
}

Result<Seals> Seals::load(const config::Settings& settings) {
    Seals seals;
    for (const config::Api& api : settings.apis) {
        if (!api.recoverable) continue;
        std::vector<Key>& ring = seals.rings_[api.name];
        auto current = read_or_make(api.recoverable->key_file);
        if (!current) return current.error();
        ring.push_back(std::move(*current));
        for (const std::string& file : api.recoverable->old_key_files) {
            auto old = read(file);
            if (!old) return old.error();
            ring.push_back(std::move(*old));
        }
    }
    return seals;
}

std::string Seals::seal(const KeyRecord& record, std::string_view key) const {
    const auto ring = rings_.find(record.api);
    if (ring == rings_.end()) return {};
    const Key& with = ring->second.front();
    std::string text{version};
    return text.append(".").append(with.id).append(".").append(
        base64url(encrypted(with.bytes, bound_to(record), key)));
}

Result<Secret> Seals::open(const KeyRecord& record) const {
    const auto parts = parts_of(record.sealed);
    if (!parts) return unreadable("it is not sealed in a way that is known here");
    const auto ring = rings_.find(record.api);
    const auto is_named = [&](const Key& key) { return key.id == parts->id; };
    const auto* const keys = ring == rings_.end() ? nullptr : &ring->second;
    const auto with = keys == nullptr ? std::vector<Key>::const_iterator{}
                                      : std::find_if(keys->begin(), keys->end(), is_named);
    if (keys == nullptr || with == keys->end())
        return unreadable("it was sealed with a key file that is not configured");
    const auto bytes = from_base64url(parts->text);
    auto key = bytes ? decrypted(with->bytes, bound_to(record), *bytes) : std::nullopt;
    if (!key) return unreadable("what is sealed in it is damaged, or of another record");
    return std::move(*key);
}

} // namespace keygate::keys
