// Replies of a Redis that may be anybody: whatever comes in whatever pieces, it is the same replies
// and the same end, and no more memory than the bounds allow.

#include "redis/codec.hpp"
#include "redis/error.hpp"

#include <algorithm>
#include <string>

#include "fuzz/input.hpp"

using namespace keygate;
using fuzz::hold;
using redis::Reply;

namespace {

struct Reading {
    std::vector<Reply> replies;
    bool has_failed = false;
};

/// Elements at all depths.
std::size_t elements_of(const Reply& reply) {
    std::size_t count = reply.list.size();
    for (const Reply& element : reply.list)
        count += elements_of(element);
    return count;
}

std::size_t bytes_of(const Reply& reply) {
    std::size_t count = reply.text.size();
    for (const Reply& element : reply.list)
        count += bytes_of(element);
    return count;
}

std::size_t depth_of(const Reply& reply) {
    std::size_t depth = 0;
    for (const Reply& element : reply.list)
        depth = std::max(depth, depth_of(element));
    return depth + 1;
}

void check_shape(const Reply& reply) {
    using Kind = Reply::Kind;
    const bool has_text = reply.is(Kind::text) || reply.is(Kind::status) || reply.is(Kind::error);
    hold(reply.text.empty() || has_text, "only texts have a text");
    hold(reply.list.empty() || reply.is(Kind::list), "only lists have elements");
    hold(reply.number == 0 || reply.is(Kind::number), "only numbers have a value");
    for (const Reply& element : reply.list)
        check_shape(element);
}

void check(const Reply& reply, redis::Decoder::Bounds bounds) {
    hold(elements_of(reply) <= bounds.elements, "no more elements than the bound");
    hold(bytes_of(reply) <= bounds.bytes, "no more bytes than the bound");
    hold(depth_of(reply) <= 9, "no deeper than the reader can");
    check_shape(reply);
}

/// @param next_size  of the piece, from what is left.
template <class Size>
Reading read(std::string_view text, redis::Decoder::Bounds bounds, Size next_size) {
    redis::Decoder decoder(bounds);
    Reading reading;
    while (!text.empty()) {
        const std::vector<char> piece = fuzz::exact(text.substr(0, next_size(text.size())));
        text.remove_prefix(piece.size());
        decoder.feed(piece);
        for (;;) {
            auto reply = decoder.next();
            if (!reply) {
                const auto& error = reply.error().error;
                hold(error == redis::Error::protocol || error == redis::Error::too_large,
                     "a Fault has one of two names");
                hold(decoder.next().has_error(), "after a Fault there is nothing more");
                reading.has_failed = true;
                return reading;
            }
            if (!*reply) break;
            check(**reply, bounds);
            reading.replies.push_back(std::move(**reply));
        }
    }
    return reading;
}

void write(const Reply& reply, std::string& out) {
    switch (reply.kind) {
    case Reply::Kind::nil:
        out.append("$-1\r\n");
        break;
    case Reply::Kind::text:
        out.append("$" + std::to_string(reply.text.size()) + "\r\n" + reply.text + "\r\n");
        break;
    case Reply::Kind::status:
        out.append("+" + reply.text + "\r\n");
        break;
    case Reply::Kind::error:
        out.append("-" + reply.text + "\r\n");
        break;
    case Reply::Kind::number:
        out.append(":" + std::to_string(reply.number) + "\r\n");
        break;
    case Reply::Kind::list:
        out.append("*" + std::to_string(reply.list.size()) + "\r\n");
        for (const Reply& element : reply.list)
            write(element, out);
        break;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input{data, size};
    // Small ones, so that small inputs reach them, and those of the gateway.
    const std::size_t choice = input.choice();
    redis::Decoder::Bounds bounds;
    if (choice < 128) bounds = {.bytes = choice * 8, .elements = choice / 4};
    fuzz::Pieces pieces{input};
    const std::string_view text = input.text();

    const Reading whole = read(text, bounds, [](std::size_t left) { return left; });
    const Reading cut =
        read(text, bounds, [&pieces](std::size_t left) { return pieces.next(left); });
    const Reading bytewise = read(text, bounds, [](std::size_t) { return std::size_t{1}; });
    for (const Reading& other : {cut, bytewise}) {
        hold(other.replies == whole.replies, "the same replies in any pieces", text);
        hold(other.has_failed == whole.has_failed, "the same end in any pieces", text);
    }

    std::string written;
    for (const Reply& reply : whole.replies)
        write(reply, written);
    const Reading again =
        read(written, redis::Decoder::Bounds{}, [](std::size_t left) { return left; });
    hold(!again.has_failed && again.replies == whole.replies, "what is written is read back", text);
    return 0;
}
