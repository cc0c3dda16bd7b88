#pragma once

#include "base/wiping.hpp"
#include "gate/exchange.hpp"
#include "gate/lane.hpp"
#include "net/channel.hpp"
#include "net/outgoing.hpp"

#include <memory>
#include <span>
#include <string>

namespace keygate::gate {

/// One client's connection: finds the heads in its bytes, gives them one after the other to the
/// exchange, hands it the bytes of bodies, and sees to it that nobody holds a place without using
/// it. Owns itself until it is closed.
class Connection final : public Client, net::ReadyHandler, net::DeadlineHandler, ExchangeOwner {
  public:
    /// Takes the descriptor of an accepted socket, which has entered the lane's admission.
    static void open(Lane& lane, int descriptor, std::string address);
    ~Connection() override;

    void drain() override;

  private:
    enum class State : std::uint8_t {
        head,      // between requests, or a head is arriving
        exchange,  // one is being answered
        last_sent, // the last answer waits to be sent
        lingering, // our direction has ended; the client's rest is thrown away
        closed
    };

    Connection(Lane& lane, int descriptor, std::string address);

    void on_ready(Events events) override;
    void on_deadline() override;
    void on_body_wanted() override;
    void on_wait_changed() override;
    void on_tunnel_ended() override;
    void on_answered(http::AfterAnswer after) override;
    void on_cut() override;

    void read();
    void read_inbox();
    [[nodiscard]] std::size_t take(std::span<char> bytes);
    [[nodiscard]] std::size_t take_head(std::span<char> bytes);
    void on_client_end();
    void on_out_empty();
    [[nodiscard]] bool can_read() const;

    [[nodiscard]] bool is_over() const { return state_ >= State::last_sent; }

    void wait();
    void end_after_answer();
    void half_close();
    void close();

    Lane& lane_;
    std::string address_;
    net::Channel channel_;
    net::Outgoing out_;
    Exchange exchange_;
    net::Deadline deadline_;
    WipingString inbox_; // bytes that could not be taken yet: a part of a head, the next request
    std::size_t scanned_ = 0; // of the head that is arriving
    std::size_t thrown_away_ = 0;
    State state_ = State::head;
    bool is_taking_ = false;        // `take` is on the stack
    bool has_skipped_line_ = false; // the one empty line before a request
    bool has_had_request_ = false;
    bool is_head_arriving_ = false;
    bool is_blocked_ = false; // the deadline is that of a client that does not read
    bool has_client_ended_ = false;
    bool is_half_closed_ = false; // our direction has ended, the client's goes on
};

} // namespace keygate::gate
