#include "net/outgoing.hpp"

#include <array>

namespace keygate::net {

namespace {

iovec to_iovec(std::string_view piece) {
    return {const_cast<char*>(piece.data()), piece.size()}; // only read
}

} // namespace

bool Outgoing::send(std::string_view first, std::string_view second, std::string_view third) {
    if (!waiting_.empty()) {
        waiting_.append(first).append(second).append(third);
        return true;
    }
    const std::array pieces{to_iovec(first), to_iovec(second), to_iovec(third)};
    const Transfer transfer = channel_.write(pieces);
    if (transfer.state == Transfer::State::failed) return false;
    sent_ += transfer.bytes;
    std::size_t skip = transfer.bytes;
    for (const std::string_view piece : {first, second, third}) {
        const std::size_t taken = std::min(skip, piece.size());
        skip -= taken;
        if (taken < piece.size()) waiting_.append(piece.substr(taken));
    }
    return true;
}

bool Outgoing::flush() {
    while (!waiting_.empty()) {
        const std::array piece{to_iovec(std::string_view{waiting_}.substr(done_))};
        const Transfer transfer = channel_.write(piece);
        if (transfer.state == Transfer::State::failed) return false;
        if (transfer.state == Transfer::State::would_block) return true;
        sent_ += transfer.bytes;
        done_ += transfer.bytes;
        if (done_ < waiting_.size()) continue;
        // Idle connections keep no buffer.
        waiting_ = {};
        done_ = 0;
    }
    return true;
}

} // namespace keygate::net
