// What comes before a connection's first request: on some listeners a proxy says whom it speaks
// for, on some a TLS handshake follows.
#include "gate/connection.hpp"
#include "gate/turn_away.hpp"
#include "net/proxy_header.hpp"
#include "net/tls_context.hpp"

#include <openssl/evp.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

namespace keygate::gate {

namespace {

using Moved = net::Transfer::State;

/// RFC 8941 3.3.5, RFC 9440 2.2.
std::string byte_sequence(std::string_view bytes) {
    if (bytes.empty()) return {};
    std::string text(1 + 4 * ((bytes.size() + 2) / 3) + 1, ':'); // and the NUL that comes behind it
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()) + 1,
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()));
    text.back() = ':';
    return text;
}

} // namespace

void Connection::open(Lane& lane, std::size_t listener, int descriptor, std::string address) {
    const Snapshot::Listener& door = lane.epoch->snapshot->listeners[listener];
    // Who stands behind a proxy is known when it has said so.
    const bool is_proxy = door.is_proxy(address);
    const auto refusal = is_proxy ? lane.admission.enter() : lane.admission.enter(address);
    if (refusal) {
        turn_away(lane, descriptor, door.scheme(), address, *refusal);
        ::close(descriptor);
        return;
    }
    auto connection = std::unique_ptr<Connection>{
        new Connection{lane, listener, descriptor, std::move(address), is_proxy}};
    if (!connection->channel_.is_open()) return;
    lane.clients.push_back(*connection);
    if (!is_proxy) connection->begin();
    connection.release()->wait(); // from now on it owns itself
}

/// False when it has not come to the first request yet, or was the end.
bool Connection::arrive() {
    if (state_ == State::proxy_header) take_proxy_header();
    if (state_ == State::handshake) shake_hands();
    return state_ == State::head;
}

void Connection::take_proxy_header() {
    if (!channel_.is_readable()) return;
    const std::span<char> space = lane_.poller.buffer().first(net::most_of_a_proxy_header);
    const net::Transfer seen = channel_.peek(space);
    if (seen.state == Moved::would_block) return;
    if (seen.state != Moved::moved) return close(); // it has only looked whether somebody is here
    const net::ProxyHeader header = net::read_proxy_header({space.data(), seen.bytes});
    wipe(space.first(seen.bytes)); // what follows may hold a key
    const bool may_grow = header.state == net::ProxyHeader::State::incomplete;
    if (may_grow && !channel_.is_hung_up()) return;
    if (header.state != net::ProxyHeader::State::complete) return fail_proxy_header();
    // It is there, so this takes all of it and nothing else.
    if (channel_.read(space.first(header.size)).bytes != header.size) return fail_proxy_header();
    if (!header.is_local) side_.address = header.address;
    enter();
}

void Connection::fail_proxy_header() {
    lane_.metrics.proxy_header_failures.add();
    close();
}

/// It is known who the client is: is there a place for it?
void Connection::enter() {
    if (const auto refusal = lane_.admission.enter_address(side_.address)) {
        turn_away(lane_, channel_.descriptor(), door().scheme(), side_.address, *refusal);
        return close();
    }
    has_entered_address_ = true;
    begin();
}

const Snapshot::Listener& Connection::door() const {
    return lane_.epoch->snapshot->listeners[listener_];
}

/// The client itself speaks from here on.
void Connection::begin() {
    state_ = State::head;
    side_.scheme = door().scheme();
    if (!door().tls) return;
    state_ = State::handshake;
    forwards_certificate_ = door().forwards_certificate;
    channel_.start_tls(door().tls->session());
}

void Connection::shake_hands() {
    const net::Transfer transfer = channel_.handshake();
    if (transfer.state == Moved::would_block) return;
    if (transfer.state != Moved::moved) return fail_handshake();
    const net::TlsSession& tls = *channel_.tls();
    (tls.is_resumed() ? lane_.metrics.tls_resumed : lane_.metrics.tls_handshakes).add();
    if (forwards_certificate_) side_.certificate = byte_sequence(tls.peer_certificate());
    // The first head has time of its own.
    state_ = State::head;
    is_head_arriving_ = false;
    wait();
}

void Connection::fail_handshake() {
    // Somebody has only looked whether a port is open.
    if (!channel_.tls()->has_heard()) return close();
    lane_.metrics.tls_failures.add();
    spdlog::debug("TLS with {}: {}", side_.address, channel_.tls()->problem());
    // It was told why, and a close with unread bytes could take that back.
    channel_.drop_tls();
    end_after_answer();
}

/// The time for it is over.
void Connection::end_arrival() {
    if (state_ == State::proxy_header) return fail_proxy_header();
    if (channel_.tls()->has_heard()) lane_.metrics.tls_failures.add();
    close();
}

} // namespace keygate::gate
