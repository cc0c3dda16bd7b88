#pragma once

#include "base/result.hpp"
#include "http/head.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

// head_*, body_*: what a message may look like at all. Beast 1.81 splits a head into its parts;
// these rules, applied to all bytes and to every field, decide whether it is one that every reader
// on the way reads alike (RFC 9112 11.2). Nothing is repaired: what is not canonical is refused.
namespace keygate::http {

/// How far a head has arrived.
struct HeadEnd {
    enum class State : std::uint8_t { incomplete, complete, invalid, too_large };
    State state = State::incomplete;
    std::size_t size = 0;    // of the head with its empty line, when complete
    std::size_t scanned = 0; // where the next search may begin
};

/// Looks for the empty line that ends a head. `from` is `scanned` of the search before, so that a
/// head that comes in many pieces is searched once. Refuses at once, without waiting for more, what
/// no head can begin with: line ends without CR, folded lines (RFC 9112 2.2, 5.2), a first byte
/// that is no token.
[[nodiscard]] HeadEnd find_head_end(std::string_view bytes, std::size_t from, std::size_t max_size);

/// RFC 9112 3.2, RFC 9110 7.2: a name or address, optionally with a port; no list, user or path.
[[nodiscard]] bool is_valid_host(std::string_view host);

/// RFC 9110 8.6: one plain decimal number below 10^18, without leading zeros.
[[nodiscard]] bool read_content_length(std::string_view value, std::uint64_t& length);

/// body_too_large: of a body whose length is announced. `max` absent = no bound.
[[nodiscard]] std::optional<Refusal> check_body_length(const Head& head,
                                                       std::optional<std::uint64_t> max);

/// body_invalid, body_too_large: after each piece of a body, of which `received` bytes of data have
/// come.
[[nodiscard]] std::optional<Refusal> check_body_piece(bool is_valid, std::uint64_t received,
                                                      std::optional<std::uint64_t> max);

/// body_invalid: the client ended before its body was whole.
[[nodiscard]] Refusal refuse_cut_body();

/// The refusal for a head that find_head_end gave up: head_invalid or head_too_large.
[[nodiscard]] Refusal refuse_head(HeadEnd::State state);

/// Gathers what framing depends on while the fields go by, and judges it at the end of the head.
class FramingGuard {
  public:
    /// False when the field alone makes the head invalid.
    [[nodiscard]] bool take(FieldName id, std::string_view value);
    /// RFC 9112 6.1 and 6.3: at most one of Transfer-Encoding (exactly `chunked`, HTTP/1.1 only)
    /// and Content-Length. False when the head must be refused.
    [[nodiscard]] bool judge(Head& head) const;

  private:
    std::uint64_t length_ = 0;
    bool has_length_ = false;
    bool is_chunked_ = false;
};

} // namespace keygate::http
