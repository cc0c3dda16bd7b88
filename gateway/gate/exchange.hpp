#pragma once

#include "auth/credential.hpp"
#include "auth/notice.hpp"
#include "base/result.hpp"
#include "base/wiping.hpp"
#include "gate/client_side.hpp"
#include "gate/key_watch.hpp"
#include "gate/lane.hpp"
#include "http/body_reader.hpp"
#include "http/target.hpp"
#include "keys/identity.hpp"
#include "net/outgoing.hpp"
#include "policy/permit.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "answer/desk.hpp"

namespace keygate::gate {

/// What an exchange needs of the connection that it serves.
class ExchangeOwner {
  public:
    /// More of the request's body can be taken now.
    virtual void on_body_wanted() = 0;
    /// Who is waited for is another one now: the client takes its answer more slowly than it comes,
    /// or was just told to send its body.
    virtual void on_wait_changed() = 0;
    /// Nothing more comes out of the tunnel; what the client sends still goes in.
    virtual void on_tunnel_ended() = 0;
    /// The answer is complete; the end of it may still wait to be sent.
    virtual void on_answered(http::AfterAnswer after) = 0;
    /// The answer cannot be completed: the client must see that it was cut.
    virtual void on_cut() = 0;

  protected:
    ~ExchangeOwner() = default;
};

/// One request from its head to the end of its answer. Told from top to bottom in exchange.cpp (the
/// request), exchange_charge.cpp (what it costs), exchange_forward.cpp (its way to the upstream)
/// and exchange_answer.cpp (the answer), in as many functions as there are places where it may have
/// to wait: the head, the key, the charge, the upstream. Nothing has to be waited for when the key
/// is in the table and the limit is local: then the request runs straight through to the upstream.
/// Used again for the next request of its connection.
class Exchange final : proxy::LinkUser,
                       net::DeadlineHandler,
                       KeyWatcher,
                       keys::Desk::Asker,
                       limit::RedisCounters::Asker,
                       answer::Desk::Asker {
  public:
    /// @param client   where answers go; @param side  who the client is. All outlive the exchange.
    Exchange(Lane& lane, net::Outgoing& client, const ClientSide& side, ExchangeOwner& owner);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// Begins with a whole head, `bytes`, and whatever has arrived behind it. May be over when it
    /// returns. Wipes `bytes`: whatever was in them, a credential does not stay in our buffers.
    /// @returns how much of `rest` belonged to this request.
    std::size_t begin(std::span<char> bytes, std::span<char> rest);
    /// Refuses what is no request at all, or not yet: `bytes`.
    void begin_refused(const Refusal& refusal, std::string_view bytes);

    /// The body can go on now: there is a link and nothing waits on it.
    [[nodiscard]] bool wants_body() const;

    /// Nothing else is waited for than the client's next piece, and that piece is overdue one day.
    [[nodiscard]] bool waits_for_body() const {
        return wants_body() && !waits_for_continue_ && !is_tunnel_;
    }

    /// @returns how much of the bytes belonged to the body.
    std::size_t on_body(std::span<char> bytes);
    /// The client was too slow before the body was whole.
    void on_body_cut(const Refusal& refusal);
    /// The client ended its direction; all that it sent before was taken.
    void on_client_end();
    /// All that waited for the client is sent: the answer goes on.
    void on_client_drained();
    /// The client is gone.
    void cancel();

    /// The answer under way has no end of its own but the connection's.
    [[nodiscard]] bool answer_ends_by_close() const {
        return client_framing_ == http::Framing::until_close;
    }

    [[nodiscard]] bool is_running() const { return is_running_; }

    /// The client said that nothing would come behind its last request, and that is here in full
    /// (RFC 9112 9.6).
    [[nodiscard]] bool is_last() const { return is_last_ && body_.is_done() && !is_tunnel_; }

    /// What the client may take: of the request that is running, else of the next one.
    [[nodiscard]] const config::ClientLimits& client_limits() const;

  private:
    /// While the store is asked: what the request was, without its key.
    struct Asking {
        std::shared_ptr<keys::Cache> cache; // the epoch may have given its own away meanwhile
        auth::Credential credential;
        std::size_t place = 0; // of the digest that is asked for
        std::uint64_t ticket = 0;
        WipingString head;
    };

    /// While limits are counted elsewhere: what is ready to be sent on, and what it costs.
    struct Charging {
        limit::Bill bill;
        std::uint64_t ticket = 0;
        std::unique_ptr<Asking>
            asked; // `revocation_bound: 0`: the key may have to be asked for again
    };

    /// While the gateway answers by itself.
    struct Replying {
        answer::Call call; // until it is asked
        bool is_asked = false;
        std::uint64_t ticket = 0;
    };

    void start(WallTime now);
    void on_head(const http::RequestHead& head);
    [[nodiscard]] bool take_preflight(const http::RequestHead& head);
    void answer_preflight(const http::CorsRules& rules);
    void note_origin(const http::CorsRules* rules);
    void admit_anonymous();
    void find_key(const auth::Credential& credential);
    void look_up(const std::shared_ptr<keys::Cache>& cache, const auth::Credential& credential,
                 std::size_t place);
    void ask(const std::shared_ptr<keys::Cache>& cache, const auth::Credential& credential,
             std::size_t place, keys::EntryRef last_known);
    void on_answer(const keys::Answer& answer) override;
    void on_told(const keys::Answer& answer, const Asking& asked);
    void stop_asking();
    void on_key(const auth::Credential& credential, keys::EntryRef found);
    [[nodiscard]] WipingString head_without_keys() const;
    [[nodiscard]] bool restore_head(const Asking& asked);
    void note_age(const keys::ApiNames& names);

    // exchange_charge.cpp
    void charge();
    void charge_in_redis(const limit::Bill& bill);
    void on_charge(const limit::RedisCounters::Answer& answer) override;
    [[nodiscard]] limit::RedisCounters::Kept keep() const override;
    void on_charged(const limit::Bill& bill, const limit::RedisCounters::Answer& answer);
    void on_changed(std::unique_ptr<Asking> asked);
    void charge_while_away(const limit::Bill& bill);
    void on_outcome(const limit::Bill& bill, const limit::Outcome& outcome, config::Truth truth);
    void tell_standing(const limit::Bill& bill, const limit::Outcome& outcome);
    void stop_charging();
    void settle_limits(observe::Outcome outcome);
    [[nodiscard]] limit::Account account() const;
    [[nodiscard]] std::optional<limit::Recheck> recheck() const;
    [[nodiscard]] std::optional<Refusal> check_lockout() const;
    void count_failure() const;

    // exchange_reply.cpp
    void prepare_reply();
    void reply();
    [[nodiscard]] std::size_t take_reply_body(std::span<char> bytes);
    void ask_for_reply();
    void on_told(answer::Told told) override;
    void write_reply(std::string& out, const answer::Reply& reply, const http::Asked& asked);
    void stop_replying();

    void prepare();
    void prepare_request(const Snapshot::Api& compiled, const policy::Permit& permit);
    [[nodiscard]] std::string_view query_without_keys(const Snapshot::Api& compiled);
    [[nodiscard]] std::string_view path_for_upstream() const;
    [[nodiscard]] std::optional<std::string_view> protocols_without_keys();
    void write_host();
    void forward();
    void dial(proxy::Pool::Kind kind);

    void on_turn() override;
    void on_link_open() override;
    void on_link_failed() override;
    void on_link_ready(net::ReadyHandler::Events events) override;
    void on_deadline() override;

    void send_request();
    [[nodiscard]] bool invite_body();
    [[nodiscard]] bool send_body(std::string_view before, const http::BodyReader::Piece& piece);
    /// A piece of a body whose length nobody knew before, and behind the last one its end with the
    /// trailers that are passed on (RFC 9112 7.1). False when the connection is broken.
    [[nodiscard]] static bool send_chunk(net::Outgoing& out, std::string_view before,
                                         std::string_view data, const http::BodyReader& body);
    [[nodiscard]] bool is_body_bounded(const http::BodyReader::Piece& piece);
    void on_send_failed();
    void on_dial_failed(proxy::Failure failure);
    [[nodiscard]] bool may_retry(bool is_asked_for);
    void try_again(proxy::Pool::Kind kind);
    void tell_breaker(bool has_failed);
    void on_overdue();
    void wait_for_upstream();
    [[nodiscard]] config::milliseconds first_byte_timeout() const;
    [[nodiscard]] config::milliseconds idle_timeout() const;
    [[nodiscard]] std::optional<config::milliseconds> total_timeout() const;
    [[nodiscard]] std::optional<std::uint64_t> max_body() const;
    void watch_key();
    void on_key_ended(Reason reason) override;
    void read_upstream();
    void on_upstream_bytes(std::span<char> bytes);
    [[nodiscard]] std::size_t on_answer_head(std::span<char> bytes);
    void on_interim_answer(const http::ResponseHead& head);
    void on_final_answer(const http::ResponseHead& head, std::span<char> rest);
    void open_tunnel(const http::ResponseHead& head, std::span<char> rest);
    void on_answer_body(std::string_view head, std::span<char> bytes);
    void on_upstream_end();
    void on_failure(proxy::Failure failure);

    void refuse(const Refusal& refusal);
    void finish(observe::Outcome outcome, http::AfterAnswer after);
    void cut(observe::Outcome outcome);
    void give_link_back();
    void drop_link();
    void record(observe::Outcome outcome);
    void count_notice() const;
    [[nodiscard]] std::string_view plan_of(const keys::Entry& caller) const;
    [[nodiscard]] const config::Api* api() const;

    Lane& lane_;
    net::Outgoing& client_;
    const ClientSide& side_;
    ExchangeOwner& owner_;
    net::Deadline deadline_; // of the upstream side

    /// Of everything from the first try to the end of the answer (`total_timeout`).
    struct Whole final : net::DeadlineHandler {
        explicit Whole(Exchange& owner)
            : exchange(owner) {}

        void on_deadline() override { exchange.on_overdue(); }

        Exchange& exchange;
    };

    Whole whole_{*this};
    net::Deadline whole_deadline_;
    std::unique_ptr<KeyWatch> watch_; // of a long answer; null: nobody looks

    // The request. Views of the head are good only while `begin` or `on_answer` runs.
    bool is_running_ = false;
    EpochRef epoch_; // while it is running
    const http::RequestHead* head_ = nullptr;
    std::string_view head_text_;
    std::unique_ptr<Asking> asking_;
    std::unique_ptr<Charging> charging_;
    std::unique_ptr<Replying> replying_;
    unsigned rechecks_ = 0; // that found another record than was decided on
    BootTime read_at_{};    // after its bytes were read; only where keys have a bound
    http::Told told_;       // who the client is, and what came of it
    std::span<char> rest_;  // what arrived behind the head
    std::size_t rest_taken_ = 0;
    http::Target target_;
    const policy::Route* route_ = nullptr; // like all that belongs to a configuration: the epoch's
    keys::EntryRef caller_;                // once found, also when it is refused later
    std::optional<policy::Permit> permit_;
    std::vector<limit::Owed> owed_;                      // what of its charge comes back
    std::vector<limit::RedisCounters::Owed> owed_redis_; // the same, counted there
    std::string limit_fields_;                           // for the answer, whole lines
    std::string notice_;                                 // the same of the key's age
    std::string cors_fields_;                            // the same for browsers
    bool owns_cors_ = false;                             // we say it for the upstream as well
    std::string_view websocket_name_; // in place of the key that was sent behind it
    auth::Notice notice_kind_ = auth::Notice::none;
    const config::Limit* limited_by_ = nullptr; // that has refused it
    const config::Limit* dry_limit_ = nullptr;  // that would have
    http::BodyReader body_;
    http::RequestId id_;
    std::size_t head_size_ = 0;         // bytes, as it came
    std::string request_head_;          // for the upstream; kept for a second try
    bool passes_authorization_ = false; // it holds what the client sent as such
    bool is_chunked_ = false;           // the request's body
    bool is_prepared_ = false;          // the upstream's head is written
    bool is_stale_ = false;             // the caller is known from before the store went away
    bool is_head_request_ = false;
    bool is_repeatable_ = false; // no body, and doing it twice is doing it once (RFC 9110 9.2.2)
    bool keeps_alive_ = false;
    bool is_last_ = false;            // as the client says
    bool expects_continue_ = false;   // and has not sent its body unasked
    bool waits_for_continue_ = false; // the upstream's, before the client need send its body
    bool is_upgrade_ = false;         // to a WebSocket, if the upstream agrees
    std::uint8_t minor_version_ = 1;

    // The upstream.
    proxy::Pool* pool_ = nullptr;
    std::unique_ptr<proxy::Link> link_;
    std::shared_ptr<const proxy::Server> server_; // of the last link
    proxy::Journey journey_;
    std::optional<proxy::Breaker::Pass> pass_; // until its result is known
    std::string written_host_;                 // in the head, where each server gets its own
    std::size_t dials_ = 0;                    // that came to nothing
    std::uint32_t retries_ = 0;
    bool is_upload_broken_ = false;  // the server takes no more; its answer may still be there
    bool is_request_sent_ = false;   // its head, at least
    bool is_retried_ = false;        // for a connection that its server had closed
    bool is_answer_started_ = false; // its head went to the client
    bool has_answer_bytes_ = false;  // at least one byte came
    bool can_reuse_link_ = false;
    bool is_tunnel_ =
        false; // it agreed: whatever comes goes, both ways, until both ends have ended
    std::string answer_inbox_; // of an answer's head that is not whole yet
    std::size_t answer_scanned_ = 0;
    unsigned interim_answers_ = 0;
    http::BodyReader answer_;
    http::Framing client_framing_ = http::Framing::none;
    http::AfterAnswer after_ = http::AfterAnswer::keep_alive;

    // What is told about it.
    std::string method_;
    std::string host_;
    std::string path_;
    Now started_{};
    unsigned status_ = 0;
    SteadyTime tunnel_opened_{};
    std::uint64_t received_ = 0;
    std::uint64_t sent_before_ = 0;
};

} // namespace keygate::gate
