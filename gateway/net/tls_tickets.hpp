#pragma once

#include "base/clock.hpp"

#include <array>
#include <chrono>
#include <mutex>
#include <optional>

struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace keygate::net {

/// The keys that sessions are sealed with where the client keeps them (RFC 5077, RFC 8446 4.6.1).
/// They are made in memory, change every hour, and are gone with the process; the one before opens
/// what it has sealed for another hour. Any thread.
class TlsTickets {
  public:
    TlsTickets();
    ~TlsTickets();
    TlsTickets(const TlsTickets&) = delete;
    TlsTickets& operator=(const TlsTickets&) = delete;

    /// How long a key seals, and how long a session can be gone on with.
    static constexpr std::chrono::hours life{1};

    using Name = std::array<unsigned char, 16>;

    /// Made ready to seal.
    /// @param iv  16 bytes that are made here. False where OpenSSL fails.
    [[nodiscard]] bool seal(Name& name, unsigned char* iv, evp_cipher_ctx_st* cipher,
                            evp_mac_ctx_st* mac, SteadyTime now);

    enum class Opened : std::uint8_t {
        yes,
        is_old,  // by the key before: the client should get a new ticket
        unknown, // sealed by no key of ours
        failed   // OpenSSL
    };
    /// Made ready to open what was sealed under that name.
    [[nodiscard]] Opened open(const Name& name, const unsigned char* iv, evp_cipher_ctx_st* cipher,
                              evp_mac_ctx_st* mac, SteadyTime now);

  private:
    struct Key {
        Name name{};
        std::array<unsigned char, 32> cipher{};
        std::array<unsigned char, 32> mac{};
        SteadyTime made{};
    };

    static void make(Key& key, SteadyTime now);
    static void wipe(Key& key);
    void rotate(SteadyTime now);

    std::mutex mutex_; // guards both; taken once or twice for each handshake
    Key current_;
    std::optional<Key> before_;
};

} // namespace keygate::net
