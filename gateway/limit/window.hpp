#pragma once

#include "limit/state.hpp"

#include <algorithm>
#include <cstdint>

// What windows of the clock and periods of the calendar have in common: something is taken in the
// window of now, and what was taken in an earlier one is forgotten.
//
// Clocks are set back. Nobody may gain by that, and nobody may wait for long because of it: a count
// that lies in the window after this one, or overlaps it, is still counted in, and its window ends
// when it ends; one that lies further ahead is taken for what was used in the window of now, and is
// moved there even where nothing is taken: else it would be met again in each window to come.
namespace keygate::limit {

struct Window {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::uint64_t used = 0;

    /// @param begin, end  of the window of now. @param state  of it or of another one.
    Window(std::int64_t now_begin, std::int64_t now_end, const State& state)
        : begin(now_begin)
        , end(now_end) {
        if (state.tag == 0 || state.at < begin) return;
        used = state.used;
        const std::int64_t length = end - begin;
        if (state.at > begin && state.at - begin <= length) {
            begin = state.at;
            end = begin + length;
        }
    }

    /// Moves a count that lies further ahead.
    void bring_back(State& state) const {
        if (state.tag != 0 && state.at > begin) state.at = begin;
    }

    [[nodiscard]] Verdict test(std::uint64_t limit, std::uint64_t cost) const {
        if (cost > limit) return {.admitted = false, .retry_at = Instant::max()};
        if (cost <= left(limit)) return {.admitted = true};
        return {.admitted = false, .retry_at = Instant{end}};
    }

    [[nodiscard]] std::uint64_t left(std::uint64_t limit) const {
        return limit - std::min(used, limit);
    }
};

} // namespace keygate::limit
