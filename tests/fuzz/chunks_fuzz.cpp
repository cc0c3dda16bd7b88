// The chunked coding, read by three: the gateway's reader over the whole body, the same over
// pieces, and a second one that was written from the grammar of RFC 9112 7.1 and knows nothing of
// the first.

#include "http/body_reader.hpp"
#include "http/chunk_reader.hpp"

#include <algorithm>
#include <cctype>
#include <string>

#include "fuzz/input.hpp"
#include "fuzz/lenient.hpp"

using namespace keygate;
using fuzz::hold;
using State = http::ChunkReader::State;

namespace {

/// What a reader makes of a body.
struct Reading {
    State state = State::more;
    std::string data;
    std::size_t consumed = 0;
    std::string trailers; // those that pass, once done
};

/// The trailers that pass, if any do.
const http::TrailerNames& trailer_names() {
    static const http::TrailerNames names{{"A", "x-check"}};
    return names;
}

bool passes(std::string_view lower_case_name) {
    return lower_case_name == "a" || lower_case_name == "x-check";
}

/// RFC 9112 7.1 from top to bottom. It stops at the first byte that the grammar does not have
/// there.
class Grammar {
  public:
    explicit Grammar(std::string_view text)
        : text_(text) {}

    Reading read() {
        Reading reading;
        reading.state = body(reading.data);
        reading.consumed = at_;
        if (reading.state == State::done) reading.trailers = passed_trailers_;
        return reading;
    }

    // How much there was of what is bounded, for the comparison.
    [[nodiscard]] std::size_t longest_extension() const { return longest_extension_; }

    [[nodiscard]] std::size_t extensions() const { return extensions_; }

    [[nodiscard]] std::size_t trailer() const { return trailer_; }

  private:
    // Each rule says `more` when the text ends in it, `done` when it has been read.

    State body(std::string& data) {
        while (true) {
            std::uint64_t size = 0;
            if (const State state = chunk_size(size); state != State::done) return state;
            const std::size_t extension = at_;
            State state = extension_list();
            longest_extension_ = std::max(longest_extension_, at_ - extension);
            extensions_ += at_ - extension;
            if (state == State::done) state = line_end();
            if (state != State::done) return state;
            if (size == 0) break;
            const std::size_t have = std::min<std::uint64_t>(size, text_.size() - at_);
            data.append(text_.substr(at_, have));
            at_ += have;
            if (have < size) return State::more;
            state = line_end();
            if (state != State::done) return state;
        }
        return trailer_section();
    }

    State chunk_size(std::uint64_t& size) {
        std::size_t digits = 0;
        for (; !is_end() && std::isxdigit(next()) != 0; ++at_) {
            const char c = text_[at_];
            const int digit = c <= '9' ? c - '0' : (c & ~0x20) - 'A' + 10;
            // More digits, or a length that no signed number holds.
            if (++digits > 16 || size >> 59U != 0) return refused();
            size = size * 16 + static_cast<std::uint64_t>(digit);
        }
        if (is_end()) return State::more;
        return digits == 0 ? refused() : State::done;
    }

    // *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ), where we allow no blanks
    // between the size and the first semicolon.
    State extension_list() {
        bool is_first = true;
        while (true) {
            if (!is_first) skip_blanks();
            if (is_end()) return State::more;
            if (next() == '\r') return State::done;
            if (next() != ';') return refused();
            ++at_;
            is_first = false;
            skip_blanks();
            if (const State state = token(); state != State::done) return state;
            skip_blanks();
            if (is_end()) return State::more;
            if (next() != '=') continue;
            ++at_;
            skip_blanks();
            if (is_end()) return State::more;
            const State state = next() == '"' ? quoted_string() : token();
            if (state != State::done) return state;
        }
    }

    State token() {
        const std::size_t begin = at_;
        while (!is_end() && is_token(next()))
            ++at_;
        if (is_end()) return State::more;
        return at_ == begin ? refused() : State::done;
    }

    State quoted_string() {
        ++at_;
        while (!is_end() && next() != '"') {
            if (next() == '\\' && ++at_ == text_.size()) return State::more;
            if (!is_field_text(next())) return refused();
            ++at_;
        }
        if (is_end()) return State::more;
        ++at_;
        return State::done;
    }

    State trailer_section() {
        while (true) {
            if (is_end()) return State::more;
            if (next() == '\r') return line_end();
            const std::size_t begin = at_;
            const State state = field_line();
            trailer_ += at_ - begin;
            if (state != State::done) return state;
        }
    }

    State field_line() {
        const std::size_t begin = at_;
        if (const State state = token(); state != State::done) return state;
        if (next() != ':') return refused();
        std::string name{text_.substr(begin, at_ - begin)};
        for (char& c : name)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        ++at_;
        // RFC 9110 6.5.1: a trailer must not frame the message.
        if (name == "content-length" || name == "transfer-encoding") return State::invalid;
        const std::size_t value = at_;
        while (!is_end() && is_field_text(next()))
            ++at_;
        if (passes(name)) {
            passed_trailers_.append(text_.substr(begin, name.size())).append(": ");
            passed_trailers_.append(fuzz::without_blanks(text_.substr(value, at_ - value)));
            passed_trailers_.append("\r\n");
        }
        return line_end();
    }

    State line_end() {
        for (const char c : {'\r', '\n'}) {
            if (is_end()) return State::more;
            if (text_[at_] != c) return refused();
            ++at_;
        }
        return State::done;
    }

    State refused() {
        ++at_;
        return State::invalid;
    }

    void skip_blanks() {
        while (!is_end() && (next() == ' ' || next() == '\t'))
            ++at_;
    }

    [[nodiscard]] bool is_end() const { return at_ == text_.size(); }

    [[nodiscard]] int next() const { return static_cast<unsigned char>(text_[at_]); }

    static bool is_token(int c) {
        return std::isalnum(c) != 0 ||
               (c != 0 && std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c)) !=
                              std::string_view::npos);
    }

    static bool is_field_text(int c) { return c == '\t' || (c >= 0x20 && c != 0x7f); }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t longest_extension_ = 0;
    std::size_t extensions_ = 0;
    std::size_t trailer_ = 0;
    std::string passed_trailers_;
};

/// The gateway's reader over pieces; each lies in memory of its own.
Reading read_in(std::string_view text, fuzz::Pieces pieces, bool one_by_one) {
    http::ChunkReader reader;
    reader.keep_trailers(trailer_names());
    Reading reading;
    while (reading.consumed < text.size() && reading.state == State::more) {
        const std::size_t left = text.size() - reading.consumed;
        std::vector<char> piece =
            fuzz::exact(text.substr(reading.consumed, one_by_one ? 1 : pieces.next(left)));
        const auto step = reader.read(piece);
        hold(step.consumed <= piece.size() && step.data <= step.consumed, "steps stay in bounds");
        hold(step.state != State::more || step.consumed == piece.size(), "all of it is consumed");
        reading.data.append(piece.data(), step.data);
        reading.consumed += step.consumed;
        reading.state = step.state;
    }
    if (reading.state == State::done) reading.trailers = reader.trailers();
    return reading;
}

Reading read_whole(std::string_view text, const http::TrailerNames* names) {
    std::vector<char> bytes = fuzz::exact(text);
    http::ChunkReader reader;
    if (names != nullptr) reader.keep_trailers(*names);
    const auto step = reader.read(bytes);
    Reading reading{step.state, std::string{bytes.data(), step.data}, step.consumed, {}};
    if (step.state == State::done) reading.trailers = reader.trailers();
    return reading;
}

/// Is it the bounds on extensions and trailers that make a body invalid? They count a few bytes
/// differently than the grammar does, so near the bound either answer is right.
bool reaches_bounds(const Grammar& grammar, const Reading& reading, std::size_t slack) {
    using Reader = http::ChunkReader;
    return grammar.longest_extension() + slack > Reader::max_extension ||
           grammar.extensions() + slack > Reader::max_extensions + reading.data.size() / 4 ||
           grammar.trailer() + slack > Reader::max_trailer;
}

void check_against_grammar(const Reading& ours, std::string_view text) {
    Grammar grammar{text};
    const Reading theirs = grammar.read();
    // Lines are counted with or without their ends, so their number matters.
    const std::size_t slack =
        8 + 2 * static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    if (ours.state == State::invalid && reaches_bounds(grammar, theirs, slack)) return;
    hold(ours.state == theirs.state, "both readers take the same bodies", text);
    hold(ours.data == theirs.data, "both readers see the same data", text);
    hold(ours.consumed == theirs.consumed, "both readers see the same end", text);
    hold(ours.trailers == theirs.trailers, "the trailers that pass, and no other", text);
    using Reader = http::ChunkReader;
    hold(grammar.longest_extension() <= Reader::max_extension + slack &&
             grammar.extensions() <= Reader::max_extensions + theirs.data.size() / 4 + slack &&
             grammar.trailer() <= Reader::max_trailer + slack,
         "what is read and dropped is bounded");
}

/// The same body through what reads all kinds of bodies.
void check_body_reader(const Reading& ours, std::string_view text) {
    http::Head head;
    head.framing = http::Framing::chunked;
    http::BodyReader reader{head};
    reader.keep_trailers(trailer_names());
    std::vector<char> bytes = fuzz::exact(text);
    const auto piece = reader.read(bytes);
    hold(piece.is_valid == (ours.state != State::invalid), "one idea of what is a body");
    hold(piece.data == ours.data && piece.consumed == ours.consumed, "one idea of its data");
    hold(reader.is_done() == (ours.state == State::done), "one idea of its end");
    if (reader.is_done()) hold(reader.trailers() == ours.trailers, "one idea of its trailers");
    hold(reader.ends_with_close() == reader.is_done(), "a cut body is no whole one");
}

/// Data goes on in chunks of our own, and is read back from them with the trailers that pass.
void check_written_again(const Reading& reading, fuzz::Pieces pieces) {
    const std::string& data = reading.data;
    std::string written;
    for (std::size_t at = 0; at < data.size();) {
        const std::size_t size = pieces.next(data.size() - at);
        const http::ChunkLine line{size};
        written.append(line.text()).append(data, at, size).append("\r\n");
        at += size;
    }
    written.append("0\r\n").append(reading.trailers).append("\r\n");
    const Reading again = read_whole(written, &trailer_names());
    hold(again.state == State::done && again.data == data && again.consumed == written.size() &&
             again.trailers == reading.trailers,
         "what is chunked by us is read back the same", written);
}

/// Each `z` up to 25,400 times: a letter that may stand where the bounds are, so that small inputs
/// reach them.
std::string stretch(std::string_view text, std::size_t choice) {
    constexpr std::size_t most = 50'000;
    const std::size_t times = choice < 128 ? 1 : (choice - 128) * 200;
    std::string out;
    for (const char c : text)
        out.append(c == 'z' && out.size() + times <= most ? times : 1, c);
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input{data, size};
    const std::size_t choice = input.choice();
    const fuzz::Pieces pieces{input};
    const std::string stretched = stretch(input.text(), choice);
    const std::string_view text = stretched;

    const Reading whole = read_whole(text, &trailer_names());
    const Reading dropping = read_whole(text, nullptr);
    hold(dropping.state == whole.state && dropping.consumed == whole.consumed &&
             dropping.data == whole.data && dropping.trailers.empty(),
         "trailers are kept where they may pass, and change nothing else", text);
    for (const bool one_by_one : {false, true}) {
        if (one_by_one && text.size() > 512) continue; // the bounds are reached in larger pieces
        const Reading cut = read_in(text, pieces, one_by_one);
        hold(cut.state == whole.state, "a body in pieces is the same body", text);
        hold(cut.consumed == whole.consumed, "a body in pieces has the same end", text);
        hold(cut.data == whole.data, "a body in pieces has the same data", text);
        hold(cut.trailers == whole.trailers, "a body in pieces has the same trailers", text);
    }
    check_against_grammar(whole, text);
    check_body_reader(whole, text);
    if (whole.state == State::done) check_written_again(whole, pieces);
    return 0;
}
