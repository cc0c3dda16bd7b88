#pragma once

#include "base/release.hpp"
#include "http/trailers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace keygate::http {

/// Takes the chunked coding off a body (RFC 9112 7.1), piece by piece, where the bytes lie. Strict:
/// sizes are 1 to 16 hexadecimal digits, line ends are CR LF, extensions and trailers must be well
/// formed; both are bounded and dropped, but for the trailers that an API lets through. A trailer
/// that speaks of framing is refused (RFC 9110 6.5.1): somebody behind the sender has another idea
/// of where bodies end.
class ChunkReader {
  public:
    enum class State : std::uint8_t { more, done, invalid };

    struct Step {
        State state = State::more;
        std::size_t consumed = 0; // of the bytes; all of them unless done
        std::size_t data = 0;     // body bytes, moved to the front of the bytes
    };

    [[nodiscard]] Step read(std::span<char> bytes);

    /// Before the first read. `names` outlive the reader.
    void keep_trailers(const TrailerNames& names) { kept_names_ = &names; }

    /// Once done: whole lines, without the empty one that ends them.
    [[nodiscard]] std::string_view trailers() const { return kept_; }

    /// Gives their memory back.
    void forget_trailers() { release(kept_); }

    static constexpr std::size_t max_extension = 4096; // bytes of one line's extensions
    /// Of the whole body's extensions, beyond a quarter of its data.
    static constexpr std::size_t max_extensions = std::size_t{16} * 1024;
    static constexpr std::size_t max_trailer = std::size_t{16} * 1024; // bytes of all trailer lines

  private:
    enum class At : std::uint8_t {
        size_first,
        size,
        extension_name_start, // after `;`
        extension_name,
        extension_name_blank,
        extension_value_start, // after `=`
        extension_value,
        extension_quoted,
        extension_escape,
        extension_end, // after a quoted value, or blanks
        size_line_feed,
        data,
        data_return,
        data_line_feed,
        trailer_start,
        trailer_name,
        trailer_value,
        trailer_line_feed,
        last_line_feed,
        done
    };

    /// One byte that is not data. False when it cannot stand there.
    bool take(char c);
    bool take_extension(char c);
    [[nodiscard]] bool is_framing_trailer() const;
    void keep_name();
    void keep_value(char c);

    At at_ = At::size_first;
    std::uint8_t digits_ = 0;
    std::uint64_t left_ = 0; // of the chunk
    std::uint64_t data_ = 0; // of the body so far
    std::size_t line_extension_ = 0;
    std::size_t extensions_ = 0;
    std::size_t trailer_ = 0;
    std::array<char, 18> trailer_name_{}; // lower case, as much as is needed to know it
    std::uint8_t trailer_name_size_ = 0;
    const TrailerNames* kept_names_ = nullptr;
    std::string kept_;
    std::size_t kept_line_ = 0;  // where the line begins that is being read
    std::size_t kept_value_ = 0; // and its value
    bool is_kept_ = false;       // and whether it is one to keep
};

} // namespace keygate::http
