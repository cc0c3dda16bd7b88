#include "gate/turn_away.hpp"

#include "base/secret.hpp"

#include <string>

#include <sys/socket.h>

namespace keygate::gate {

namespace {

std::uint64_t say(Lane& lane, int descriptor, const std::string& answer) {
    // A new connection's buffer takes this whole; if not, the close says enough.
    const ssize_t sent =
        ::send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    // A close with an unread request would be a reset, and could overtake the answer.
    ::shutdown(descriptor, SHUT_WR);
    const std::span<char> space = lane.poller.buffer();
    const ssize_t read = ::recv(descriptor, space.data(), space.size(), MSG_DONTWAIT);
    if (read > 0) wipe(space.first(static_cast<std::size_t>(read)));
    return sent > 0 ? static_cast<std::uint64_t>(sent) : 0;
}

} // namespace

void turn_away(Lane& lane, int descriptor, http::Scheme scheme, std::string_view address,
               const Refusal& refusal) {
    http::RequestId id;
    lane.request_ids.next(lane.poller.now().wall, id);
    const http::RefusalPages& pages = lane.epoch->snapshot->pages_for({});
    const unsigned status = pages.status(refusal.reason);
    std::uint64_t sent = 0;
    if (scheme == http::Scheme::http) {
        std::string answer;
        pages.write(answer, refusal,
                    {.after = http::AfterAnswer::close,
                     .date = lane.date.at(lane.poller.now().wall),
                     .request_id = id.text()});
        sent = say(lane, descriptor, answer);
    }
    lane.metrics.count(lane.metrics.no_route, refusal.reason, status, {});
    lane.access_log.write({.time = lane.poller.now().wall,
                           .request_id = id.text(),
                           .client = address,
                           .outcome = refusal.reason,
                           .status = status,
                           .sent = sent});
}

} // namespace keygate::gate
