#include "net/outgoing.hpp"

#include <algorithm>
#include <array>

namespace keygate::net {

namespace {

iovec to_iovec(std::string_view piece) {
    return {const_cast<char*>(piece.data()), piece.size()}; // only read
}

} // namespace

bool Outgoing::send(std::initializer_list<std::string_view> pieces) {
    std::size_t skip = 0;
    if (waiting_.empty()) {
        std::array<iovec, max_pieces> vectors;
        std::size_t count = 0;
        for (const std::string_view piece : pieces)
            if (!piece.empty()) vectors[count++] = to_iovec(piece);
        if (count == 0) return true;
        const Transfer transfer = channel_.write({vectors.data(), count});
        if (transfer.state == Transfer::State::failed) return false;
        sent_ += transfer.bytes;
        skip = transfer.bytes;
    }
    for (const std::string_view piece : pieces) {
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
        release(waiting_);
        done_ = 0;
    }
    return true;
}

} // namespace keygate::net
