#pragma once

#include "redis/reply.hpp"

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// RESP2 by hiredis, with bounds that hiredis does not have: it believes any length that is
// announced.
namespace keygate::redis {

/// Bytes to replies. After a Fault the stream means nothing any more: the connection is to be
/// closed.
class Decoder {
  public:
    struct Bounds {
        std::size_t bytes = std::size_t{16} * 1024 * 1024; // of one reply
        std::size_t elements = 1'000'000;                  // of one reply, at all depths together
    };

    Decoder();
    explicit Decoder(Bounds bounds);
    ~Decoder();
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;

    void feed(std::span<const char> bytes);
    /// The next whole reply, or nothing yet. @errors Error::protocol, Error::too_large
    [[nodiscard]] Result<std::optional<Reply>> next();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Appends a command as an array of bulk strings.
void append(std::string& out, std::initializer_list<std::string_view> words);
void append(std::string& out, const Command& command);

} // namespace keygate::redis
