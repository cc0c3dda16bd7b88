#pragma once

#include "config/settings.hpp"
#include "net/outgoing.hpp"
#include "net/wheel.hpp"
#include "proxy/server.hpp"

#include <functional>
#include <memory>
#include <string>

namespace keygate::proxy {

/// One question to one server whether it is well: connect, ask, read the head of the answer.
class Probe final : public net::Retirable, net::ReadyHandler, net::DeadlineHandler {
  public:
    /// @param done  is told what came of it, in a few words; empty: the server is well. Called
    ///              once, perhaps before this returns, unless the probe dies earlier. In it the
    ///              probe may be retired.
    /// @returns null where it is over already.
    [[nodiscard]] static std::unique_ptr<Probe>
    begin(net::Poller& poller, const config::HealthCheck& check,
          std::shared_ptr<const Server> server, std::function<void(std::string problem)> done);
    ~Probe() override;

  private:
    enum class State : std::uint8_t { connecting, greeting, asked };

    Probe(net::Poller& poller, const config::HealthCheck& check,
          std::shared_ptr<const Server> server, int descriptor,
          std::function<void(std::string)> done);

    void on_ready(Events events) override;
    void on_deadline() override;
    void connect(Events events);
    void greet();
    void ask();
    void read();
    void judge(std::string_view head);
    void end(std::string problem);

    net::Poller& poller_;
    const config::HealthCheck check_;
    const std::shared_ptr<const Server> server_;
    std::function<void(std::string)> done_;
    State state_ = State::connecting;
    std::string answer_;
    std::size_t scanned_ = 0;
    net::Channel channel_;
    net::Outgoing out_;
    net::Deadline deadline_;
};

} // namespace keygate::proxy
