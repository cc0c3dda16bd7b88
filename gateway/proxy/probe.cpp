#include "proxy/probe.hpp"

#include "http/head_reader.hpp"
#include "http/limits.hpp"
#include "net/tls_context.hpp"
#include "proxy/link.hpp"

#include <algorithm>
#include <utility>

namespace keygate::proxy {

namespace {

constexpr std::size_t longest_head = 16 * 1024;

bool is_good(unsigned status, const config::HealthCheck& check) {
    if (check.statuses.empty()) return status >= 200 && status < 400;
    return std::find(check.statuses.begin(), check.statuses.end(), status) != check.statuses.end();
}

} // namespace

std::unique_ptr<Probe> Probe::begin(net::Poller& poller, const config::HealthCheck& check,
                                    std::shared_ptr<const Server> server,
                                    std::function<void(std::string)> done) {
    const Dialled dialled = begin_connect(*server);
    if (dialled.descriptor < 0) {
        // For want of a descriptor nothing is learnt of the server.
        done(dialled.is_servers_doing ? "it does not listen" : "");
        return nullptr;
    }
    std::unique_ptr<Probe> probe{
        new Probe{poller, check, std::move(server), dialled.descriptor, std::move(done)}};
    if (!probe->channel_.is_open()) {
        probe->done_({});
        return nullptr;
    }
    probe->deadline_.set(check.timeout);
    return probe;
}

Probe::Probe(net::Poller& poller, const config::HealthCheck& check,
             std::shared_ptr<const Server> server, int descriptor,
             std::function<void(std::string)> done)
    : poller_(poller)
    , check_(check)
    , server_(std::move(server))
    , done_(std::move(done))
    , channel_(poller, descriptor, *this)
    , out_(channel_)
    , deadline_(poller.wheel(), *this) {}

Probe::~Probe() = default;

void Probe::on_ready(Events events) {
    switch (state_) {
    case State::connecting:
        return connect(events);
    case State::greeting:
        return greet();
    case State::asked:
        if (!out_.is_empty() && !out_.flush()) return end("it takes no request");
        if (channel_.is_readable()) read();
    }
}

void Probe::on_deadline() {
    end(state_ == State::asked ? "no answer in time" : "no connection in time");
}

void Probe::connect(Events events) {
    switch (look_at_connect(channel_, events)) {
    case Connecting::under_way:
        return;
    case Connecting::failed:
        return end("it does not listen");
    case Connecting::done:
        break;
    }
    if (!server_->tls) return ask();
    channel_.start_tls(server_->tls->session(server_->tls_name));
    state_ = State::greeting;
    greet();
}

void Probe::greet() {
    switch (channel_.handshake().state) {
    case net::Transfer::State::moved:
        return ask();
    case net::Transfer::State::would_block:
        return;
    case net::Transfer::State::ended:
    case net::Transfer::State::failed:
        return end("TLS: " + channel_.tls()->problem());
    }
}

void Probe::ask() {
    state_ = State::asked;
    const std::string& host = check_.host.empty() ? server_->host : check_.host;
    if (!out_.send({"GET ", check_.path, " HTTP/1.1\r\nHost: ", host,
                    "\r\nUser-Agent: keygate\r\nConnection: close\r\n\r\n"}))
        end("it takes no request");
}

void Probe::read() {
    const std::span<char> buffer = poller_.buffer();
    const net::Transfer transfer = channel_.read(buffer);
    switch (transfer.state) {
    case net::Transfer::State::would_block:
        return;
    case net::Transfer::State::ended:
    case net::Transfer::State::failed:
        return end("it closes before it has answered");
    case net::Transfer::State::moved:
        break;
    }
    answer_.append(buffer.data(), transfer.bytes);
    const auto found = http::find_head_end(answer_, scanned_, longest_head);
    scanned_ = found.scanned;
    switch (found.state) {
    case http::HeadEnd::State::incomplete:
        return channel_.call_again();
    case http::HeadEnd::State::complete:
        return judge(std::string_view{answer_}.substr(0, found.size));
    case http::HeadEnd::State::invalid:
    case http::HeadEnd::State::too_large:
        return end("its answer is no HTTP");
    }
}

void Probe::judge(std::string_view head) {
    http::ResponseReader reader;
    const auto read = reader.read(head, false);
    if (!read) return end("its answer is no HTTP");
    const unsigned status = (*read)->status;
    end(is_good(status, check_) ? std::string{} : "it answers " + std::to_string(status));
}

void Probe::end(std::string problem) {
    deadline_.clear();
    channel_.close();
    const auto done = std::exchange(done_, {});
    done(std::move(problem));
}

} // namespace keygate::proxy
