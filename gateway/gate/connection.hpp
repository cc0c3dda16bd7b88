#pragma once

#include "base/wiping.hpp"
#include "gate/client_side.hpp"
#include "gate/exchange.hpp"
#include "gate/lane.hpp"
#include "net/channel.hpp"
#include "net/outgoing.hpp"

#include <memory>
#include <span>
#include <string>

namespace keygate::gate {

/// One client's connection: greets it (connection_arrival.cpp), finds the heads in its bytes, gives
/// them one after the other to the exchange, hands it the bytes of bodies, and sees to it that
/// nobody holds a place without using it. Owns itself until it is closed.
class Connection final : public Client, net::ReadyHandler, net::DeadlineHandler, ExchangeOwner {
  public:
    /// Takes the descriptor of an accepted socket. Where there is no place for it, it is turned
    /// away. @param listener  its position in the settings. @param address  of the other end.
    static void open(Lane& lane, std::size_t listener, int descriptor, std::string address);
    ~Connection() override;

    void drain() override;

  private:
    enum class State : std::uint8_t {
        proxy_header, // a proxy is to say whom it speaks for
        handshake,    // of TLS
        head,         // between requests, or a head is arriving
        exchange,     // one is being answered
        last_sent,    // the last answer waits to be sent
        lingering,    // our direction has ended; the client's rest is thrown away
        closed
    };

    Connection(Lane& lane, std::size_t listener, int descriptor, std::string address,
               bool is_proxy);

    void on_ready(Events events) override;
    void on_deadline() override;
    void on_body_wanted() override;
    void on_wait_changed() override;
    void on_tunnel_ended() override;
    void on_answered(http::AfterAnswer after) override;
    void on_cut() override;

    // connection_arrival.cpp
    [[nodiscard]] const Snapshot::Listener& door() const;
    [[nodiscard]] bool arrive();
    void take_proxy_header();
    void fail_proxy_header();
    void enter();
    void begin();
    void shake_hands();
    void fail_handshake();
    void end_arrival();

    void read();
    void read_inbox();
    [[nodiscard]] std::size_t take(std::span<char> bytes);
    [[nodiscard]] std::size_t take_head(std::span<char> bytes);
    void on_client_end();
    void on_out_empty();
    [[nodiscard]] bool can_read() const;

    [[nodiscard]] bool is_arriving() const { return state_ < State::head; }

    [[nodiscard]] bool is_over() const { return state_ >= State::last_sent; }

    void wait();
    [[nodiscard]] bool has_rest();
    void end_after_answer();
    void linger();
    void half_close();
    void leave();
    void close();

    Lane& lane_;
    std::size_t listener_;
    ClientSide side_;
    net::Channel channel_;
    net::Outgoing out_;
    Exchange exchange_;
    net::Deadline deadline_;
    WipingString inbox_; // bytes that could not be taken yet: a part of a head, the next request
    std::size_t scanned_ = 0; // of the head that is arriving
    std::size_t thrown_away_ = 0;
    State state_ = State::proxy_header;
    bool has_entered_address_;          // it counts among those of its address
    bool forwards_certificate_ = false; // to the upstream
    bool is_taking_ = false;            // `take` is on the stack
    bool has_skipped_line_ = false;     // the one empty line before a request
    bool has_had_request_ = false;
    bool is_head_arriving_ = false;
    bool is_blocked_ = false; // the deadline is that of a client that does not read
    bool is_ending_ = false;  // the deadline is that of a client that does not even read our end
    bool has_client_ended_ = false;
    bool has_left_ = false;
    bool is_half_closed_ = false; // our direction has ended, the client's goes on
};

} // namespace keygate::gate
