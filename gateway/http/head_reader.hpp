#pragma once

#include "http/head.hpp"

#include <string>
#include <string_view>

namespace keygate::http {

/// The answer of an upstream, head only.
struct ResponseHead : Head {
    unsigned status = 0; // 100..599
    std::string_view reason;
    /// False for answers to HEAD, 1xx, 204 and 304, whatever their fields say (RFC 9112 6.3).
    bool has_body = true;
};

/// Reads request heads, one after the other; one per thread. Uses Beast's parser as the lexer,
/// without its message containers, under the rules of http/limits.hpp.
class RequestReader {
  public:
    struct Limits {
        std::size_t max_fields = http::max_fields;
        std::size_t max_target = std::size_t{8} * 1024;
    };

    /// @param via  our own name in `Via`, for the detection of loops.
    RequestReader(Limits limits, std::string via)
        : limits_(limits)
        , via_(std::move(via)) {}

    /// `bytes` is a whole head as found by find_head_end. The views in the result live as long as
    /// they. Refuses with head_invalid, head_too_large, target_too_long, head_expectation,
    /// head_loop.
    [[nodiscard]] Decision<const RequestHead*> read(std::string_view bytes);

  private:
    Limits limits_;
    std::string via_;
    RequestHead head_;
};

/// The same for answers. Every mistake is upstream_invalid (502): nothing of it reaches a client.
class ResponseReader {
  public:
    /// @param is_head_answer  the request was HEAD: there is no body whatever the fields say.
    [[nodiscard]] Decision<const ResponseHead*> read(std::string_view bytes, bool is_head_answer);

  private:
    ResponseHead head_;
};

} // namespace keygate::http
