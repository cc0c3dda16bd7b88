#pragma once

#include "support/socket.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace keygate::support {

/// An upstream that keeps every byte that it receives and answers as the test says. It reads
/// requests in the plainest way there is, so that what it sees is what a naive server behind the
/// gateway would see.
class OriginServer {
  public:
    /// What is sent for one request (head and body as received). "" closes the connection instead;
    /// an answer with `Connection: close` closes after it.
    using Answer = std::function<std::string(const std::string& request)>;

    /// Answers every request with 200 and the request's head as the body.
    OriginServer();
    explicit OriginServer(Answer answer);
    ~OriginServer();
    OriginServer(const OriginServer&) = delete;
    OriginServer& operator=(const OriginServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    void set_answer(Answer answer);
    /// Takes a connection over, raw, instead of reading requests from it.
    void set_raw(std::function<void(Socket&)> raw);

    /// Whole requests, in the order of their ends, as received.
    [[nodiscard]] std::vector<std::string> requests() const;
    /// Every byte of every connection, in the order of the connections.
    [[nodiscard]] std::vector<std::string> received() const;
    [[nodiscard]] std::size_t connections() const;
    /// The bytes of each connection that belong to no whole request.
    [[nodiscard]] std::vector<std::string> unfinished() const;
    /// Waits until the gateway has ended that connection; false when patience ends first.
    [[nodiscard]] bool wait_for_end(std::size_t connection);
    /// Forgets what was received so far.
    void clear();
    /// Closes the connections that are open.
    void hang_up();

    [[nodiscard]] static std::string plain_answer(const std::string& body);

  private:
    void accept();
    void serve(int descriptor, std::size_t number);

    int listener_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    Answer answer_;
    std::function<void(Socket&)> raw_;
    std::vector<std::string> requests_;
    std::vector<std::string> received_;
    std::vector<int> open_;
    std::vector<bool> has_ended_;
    std::condition_variable one_ended_;
    std::vector<std::thread> threads_;
    std::atomic<bool> is_ending_{false};
    std::thread acceptor_;
};

} // namespace keygate::support
