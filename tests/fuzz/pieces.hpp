#pragma once

#include "http/limits.hpp"

#include "fuzz/input.hpp"

namespace keygate::fuzz {

/// Where a head ends must not depend on how it came: whole, in the given pieces, or byte by byte.
inline http::HeadEnd find_end_in_any_pieces(std::string_view text, Pieces pieces, std::size_t max) {
    using State = http::HeadEnd::State;
    const std::vector<char> bytes = exact(text);
    const http::HeadEnd whole = http::find_head_end(view(bytes), 0, max);
    hold(whole.state != State::complete ||
             (whole.size <= text.size() && text.substr(0, whole.size).ends_with("\r\n")),
         "a head ends with a line");
    for (const bool one_by_one : {false, true}) {
        http::HeadEnd end;
        for (std::size_t have = 0; have < text.size() && end.state == State::incomplete;) {
            have += one_by_one ? 1 : pieces.next(text.size() - have);
            const std::vector<char> arrived = exact(text.substr(0, have));
            end = http::find_head_end(view(arrived), end.scanned, max);
            hold(end.scanned <= have, "nothing is searched that has not come");
        }
        hold(end.state == whole.state, "a head in pieces is the same head", text);
        hold(whole.state != State::complete || end.size == whole.size,
             "a head in pieces has the same end", text);
    }
    return whole;
}

} // namespace keygate::fuzz
