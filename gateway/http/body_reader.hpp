#pragma once

#include "http/chunk_reader.hpp"
#include "http/head.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace keygate::http {

/// Finds the body's data and its end in the bytes that follow a head (RFC 9112 6).
class BodyReader {
  public:
    BodyReader() = default;

    explicit BodyReader(const Head& head)
        : framing_(head.framing)
        , left_(head.content_length) {
        is_done_ = framing_ == Framing::none || (framing_ == Framing::length && left_ == 0);
    }

    /// A stream without an end of its own but the connection's.
    [[nodiscard]] static BodyReader until_close() {
        BodyReader stream;
        stream.framing_ = Framing::until_close;
        stream.is_done_ = false;
        return stream;
    }

    /// Before the first read: the trailers to keep. `names` outlive the reader.
    void keep_trailers(const TrailerNames& names) { chunks_.keep_trailers(names); }

    /// What is sent behind the last data when the body goes on in chunked coding; call once done.
    [[nodiscard]] std::string_view trailers() const { return chunks_.trailers(); }

    /// Once they are sent.
    void forget_trailers() { chunks_.forget_trailers(); }

    struct Piece {
        std::string_view data;    // where the bytes lay; may be empty
        std::size_t consumed = 0; // what follows belongs to the next message
        bool is_valid = true;     // false: not a body (chunked coding broken)
    };

    /// Changes the bytes: data of several chunks is moved together.
    [[nodiscard]] Piece read(std::span<char> bytes) {
        if (is_done_) return {};
        if (framing_ == Framing::chunked) {
            const ChunkReader::Step step = chunks_.read(bytes);
            is_done_ = step.state == ChunkReader::State::done;
            return {.data = {bytes.data(), step.data},
                    .consumed = step.consumed,
                    .is_valid = step.state != ChunkReader::State::invalid};
        }
        std::size_t size = bytes.size();
        if (framing_ == Framing::length) {
            if (left_ < size) size = static_cast<std::size_t>(left_);
            left_ -= size;
            is_done_ = left_ == 0;
        }
        return {.data = {bytes.data(), size}, .consumed = size};
    }

    /// The sender closed: is that the end of this body, or has it been cut?
    [[nodiscard]] bool ends_with_close() const {
        return is_done_ || framing_ == Framing::until_close;
    }

    void end_with_close() { is_done_ = true; }

    [[nodiscard]] bool is_done() const { return is_done_; }

  private:
    Framing framing_ = Framing::none;
    std::uint64_t left_ = 0;
    bool is_done_ = true;
    ChunkReader chunks_;
};

/// The line before a chunk's data, in a buffer of its own: `1f4\r\n`.
class ChunkLine {
  public:
    explicit ChunkLine(std::size_t size) {
        char* end = text_ + sizeof text_;
        *--end = '\n';
        *--end = '\r';
        do {
            *--end = "0123456789abcdef"[size & 15];
            size >>= 4;
        } while (size != 0);
        begin_ = end;
    }

    ChunkLine(const ChunkLine&) = delete;
    ChunkLine& operator=(const ChunkLine&) = delete;

    [[nodiscard]] std::string_view text() const {
        return {begin_, static_cast<std::size_t>(text_ + sizeof text_ - begin_)};
    }

  private:
    char text_[18];
    const char* begin_;
};

} // namespace keygate::http
