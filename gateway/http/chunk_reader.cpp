#include "http/chunk_reader.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace keygate::http {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// RFC 9110 5.5: visible bytes, blanks and obs-text.
bool is_text(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}

} // namespace

ChunkReader::Step ChunkReader::read(std::span<char> bytes) {
    Step step;
    while (step.consumed < bytes.size() && at_ != At::done) {
        if (at_ == At::data) {
            const std::size_t size = static_cast<std::size_t>(
                std::min<std::uint64_t>(left_, bytes.size() - step.consumed));
            if (step.data != step.consumed)
                std::memmove(bytes.data() + step.data, bytes.data() + step.consumed, size);
            step.data += size;
            step.consumed += size;
            left_ -= size;
            data_ += size;
            if (left_ == 0) at_ = At::data_return;
            continue;
        }
        if (!take(bytes[step.consumed++])) {
            step.state = State::invalid;
            return step;
        }
    }
    if (at_ == At::done) step.state = State::done;
    return step;
}

// One switch is the whole machine. NOLINTNEXTLINE(readability-function-cognitive-complexity)
bool ChunkReader::take(char c) {
    switch (at_) {
    case At::size_first:
    case At::size: {
        const int digit = ascii::hex_value(c);
        if (digit >= 0) {
            if (++digits_ > 16) return false;
            left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
            at_ = At::size;
            // A length that no body has, and that others may read as negative.
            return left_ <= INT64_MAX;
        }
        if (at_ == At::size_first) return false;
        line_extension_ = 0;
        if (c == ';')
            at_ = At::extension_name_start;
        else if (c == '\r')
            at_ = At::size_line_feed;
        else
            return false;
        return true;
    }
    case At::extension_name_start:
    case At::extension_name:
    case At::extension_name_blank:
    case At::extension_value_start:
    case At::extension_value:
    case At::extension_quoted:
    case At::extension_escape:
    case At::extension_end:
        if (++line_extension_ > max_extension || ++extensions_ > max_extensions + data_ / 4)
            return false;
        return take_extension(c);
    case At::size_line_feed:
        if (c != '\n') return false;
        at_ = left_ == 0 ? At::trailer_start : At::data;
        digits_ = 0;
        return true;
    case At::data_return:
        at_ = At::data_line_feed;
        return c == '\r';
    case At::data_line_feed:
        at_ = At::size_first;
        return c == '\n';
    case At::trailer_start:
        if (c == '\r') {
            at_ = At::last_line_feed;
            return true;
        }
        at_ = At::trailer_name;
        trailer_name_size_ = 0;
        kept_line_ = kept_.size();
        is_kept_ = kept_names_ != nullptr;
        [[fallthrough]];
    case At::trailer_name:
        if (++trailer_ > max_trailer) return false;
        if (c == ':') {
            at_ = At::trailer_value;
            keep_name();
            return trailer_name_size_ > 0 && !is_framing_trailer();
        }
        if (trailer_name_size_ < trailer_name_.size())
            trailer_name_[trailer_name_size_++] = ascii::to_lower(c);
        if (is_kept_) kept_ += c;
        return ascii::is_token_char(c);
    case At::trailer_value:
        if (is_kept_) keep_value(c);
        if (c == '\r')
            at_ = At::trailer_line_feed;
        else if (!is_text(c))
            return false;
        return ++trailer_ <= max_trailer;
    case At::trailer_line_feed:
        at_ = At::trailer_start;
        return c == '\n';
    case At::last_line_feed:
        at_ = At::done;
        return c == '\n';
    case At::data:
    case At::done:
        break;
    }
    return false;
}

bool ChunkReader::is_framing_trailer() const {
    const std::string_view name{trailer_name_.data(), trailer_name_size_};
    return name == "content-length" || name == "transfer-encoding";
}

void ChunkReader::keep_name() {
    is_kept_ = is_kept_ && kept_names_->contains(std::string_view{kept_}.substr(kept_line_));
    if (is_kept_)
        kept_ += ": ";
    else
        kept_.resize(kept_line_);
    kept_value_ = kept_.size();
}

/// Written anew like every field: one blank before the value, none behind it.
void ChunkReader::keep_value(char c) {
    if (c == '\r') {
        while (kept_.size() > kept_value_ && is_blank(kept_.back()))
            kept_.pop_back();
        kept_ += "\r\n";
    } else if (kept_.size() > kept_value_ || !is_blank(c)) {
        kept_ += c;
    }
}

// RFC 9112 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
// NOLINTNEXTLINE(readability-function-cognitive-complexity)
bool ChunkReader::take_extension(char c) {
    const bool is_token = ascii::is_token_char(c);
    switch (at_) {
    case At::extension_name_start:
        if (is_token) at_ = At::extension_name;
        return is_token || is_blank(c);
    case At::extension_name:
        if (is_token) return true;
        break;
    case At::extension_value_start:
        if (c == '"')
            at_ = At::extension_quoted;
        else if (is_token)
            at_ = At::extension_value;
        else
            return is_blank(c);
        return true;
    case At::extension_value:
        if (is_token) return true;
        if (c == '=') return false;
        break;
    case At::extension_quoted:
        if (c == '"')
            at_ = At::extension_end;
        else if (c == '\\')
            at_ = At::extension_escape;
        else
            return is_text(c);
        return true;
    case At::extension_escape:
        at_ = At::extension_quoted;
        return is_text(c);
    case At::extension_end:
        if (c == '=') return false;
        break;
    default:
        break;
    }
    if (c == '\r') {
        at_ = At::size_line_feed;
        return true;
    }
    if (c == ';') {
        at_ = At::extension_name_start;
        return true;
    }
    if (c == '=') {
        at_ = At::extension_value_start;
        return true;
    }
    if (!is_blank(c)) return false;
    // Blanks after a name may still be followed by `=`, blanks after a value may not.
    at_ = at_ == At::extension_name || at_ == At::extension_name_blank ? At::extension_name_blank
                                                                       : At::extension_end;
    return true;
}

} // namespace keygate::http
