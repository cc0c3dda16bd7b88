#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace keygate::support {

/// A blocking TCP connection on the loopback that gives up after `patience`: a hang becomes a
/// failure with a name.
class Socket {
  public:
    static constexpr std::chrono::seconds patience{10};

    Socket() = default;
    explicit Socket(int descriptor);

    ~Socket() { close(); }

    Socket(Socket&& other) noexcept
        : descriptor_(other.descriptor_) {
        other.descriptor_ = -1;
    }

    Socket& operator=(Socket&& other) noexcept;

    /// `from`: an address of the loopback to come from.
    [[nodiscard]] static Socket connect(std::uint16_t port, const char* from = "127.0.0.1");

    enum class Pieces : std::uint8_t { whole, bytewise };
    /// False when the peer does not take it any more.
    bool send(std::string_view bytes, Pieces pieces = Pieces::whole);
    /// What is there next; empty at the end, nothing on a reset. Throws when patience ends.
    [[nodiscard]] std::optional<std::string> receive();
    /// Everything up to the end or a reset.
    [[nodiscard]] std::string receive_all();
    /// One answer: head and body by Content-Length or chunked coding (left as it is). What follows
    /// stays for the next call. `is_head`: the request was HEAD.
    [[nodiscard]] std::string receive_answer(bool is_head = false);
    /// Nothing is left and the peer has ended.
    [[nodiscard]] bool is_at_end();
    void end_writing();
    void reset();
    void close();

    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

  private:
    int descriptor_ = -1;
    std::string pending_;
};

/// The status of an answer, 0 if it is none.
[[nodiscard]] int status_of(std::string_view answer);
/// The value of the first field of that name (any case); nothing without one.
[[nodiscard]] std::optional<std::string> field_of(std::string_view message, std::string_view name);
/// What follows the head.
[[nodiscard]] std::string body_of(std::string_view message);
/// The member `reason` of a refusal's body, or "".
[[nodiscard]] std::string reason_of(std::string_view answer);

} // namespace keygate::support
