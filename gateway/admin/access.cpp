#include "admin/access.hpp"

#include "admin/errors.hpp"
#include "base/ascii.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace asio = boost::asio;

namespace keygate::admin {

namespace {

constexpr std::size_t made_length = 48; // letters: 285 bits
constexpr std::size_t min_length = 16;
constexpr std::size_t max_length = 256;

Fault fault(int error, std::string step) {
    return {boost::system::error_code(error, boost::system::system_category()), std::move(step)};
}

/// A descriptor that is closed.
class File {
  public:
    explicit File(int descriptor)
        : descriptor_(descriptor) {}

    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] int get() const { return descriptor_; }

  private:
    int descriptor_;
};

Secret random_token() {
    constexpr std::string_view letters =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // Bytes from here on would make some letters likelier than others.
    constexpr unsigned fair = 256 / letters.size() * letters.size();
    std::string text;
    text.reserve(made_length);
    while (text.size() < made_length) {
        unsigned char byte = 0;
        if (RAND_priv_bytes(&byte, 1) != 1)
            throw std::runtime_error("the system has no randomness");
        if (byte < fair) text += letters[byte % letters.size()];
    }
    return Secret{std::move(text)};
}

Result<void> make_token(const std::string& file) {
    const std::string step = "make token file " + file;
    const File made(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (made.get() < 0 && errno == EEXIST) return {}; // somebody else was first; theirs counts
    if (made.get() < 0) return fault(errno, step);
    const Secret token = random_token();
    std::string line{token.reveal()};
    line += '\n';
    const auto written = ::write(made.get(), line.data(), line.size());
    const int error = written < 0 ? errno : ENOSPC;
    const bool is_whole = written == static_cast<ssize_t>(line.size());
    wipe(line.data(), line.size());
    if (is_whole && ::fsync(made.get()) == 0) return {};
    ::unlink(file.c_str());
    return fault(error, step);
}

bool is_visible(char c) {
    return c > 0x20 && c < 0x7f;
}

/// The host of a Host field, without its port.
std::string_view without_port(std::string_view host) {
    const auto bracket = host.rfind(']');
    const auto colon = host.rfind(':');
    if (colon == std::string_view::npos) return host;
    if (bracket != std::string_view::npos && colon < bracket) return host;
    return host.substr(0, colon);
}

Problem unauthorized(std::string reason, std::string message) {
    return {401, "UNAUTHORIZED", std::move(reason), std::move(message)};
}

struct Guard {
    Guard(Handler n, Secret t, const config::Endpoint& address)
        : next(std::move(n))
        , token(std::move(t)) {
        const bool is_v6 = address.host.find(':') != std::string::npos;
        hosts = {is_v6 ? "[" + address.host + "]" : address.host, "localhost", "127.0.0.1",
                 "[::1]"};
    }

    [[nodiscard]] std::optional<Problem> refusal(const Request& request) const {
        if (request.transport == Transport::local) return std::nullopt;
        const auto host =
            request.hosts.size() == 1 ? without_port(request.hosts.front()) : std::string_view{};
        const auto is_host = [&](const std::string& known) {
            return ascii::equal_ignoring_case(known, host);
        };
        if (std::none_of(hosts.begin(), hosts.end(), is_host))
            return Problem{421, "MISDIRECTED", "host_invalid",
                           "`Host`: must be the admin address or localhost"};
        if (request.authorizations.empty())
            return unauthorized("token_missing", "`Authorization: Bearer <token>` is missing");
        if (request.authorizations.size() > 1)
            return unauthorized("token_invalid", "`Authorization`: written twice");
        constexpr std::string_view scheme = "Bearer ";
        const std::string_view value = request.authorizations.front();
        // An empty token is no token: it never matches.
        if (token.empty() || !ascii::equal_ignoring_case(value.substr(0, scheme.size()), scheme) ||
            !token.matches(value.substr(scheme.size())))
            return unauthorized("token_invalid", "the admin token is not valid");
        return std::nullopt;
    }

    Handler next;
    Secret token;
    std::array<std::string, 4> hosts;
};

asio::awaitable<Response> pass(std::shared_ptr<const Guard> guard, Request request) {
    if (const auto problem = guard->refusal(request))
        co_return to_response(*problem, new_request_id());
    request.role = Role::admin;
    request.actor = request.transport == Transport::local ? "local" : "token_file";
    auto waiting = guard->next(std::move(request));
    co_return co_await std::move(waiting);
}

} // namespace

Result<Secret> read_token(const std::string& file) {
    const std::string step = "read token file " + file;
    const File opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (opened.get() < 0) return fault(errno, step);

    struct stat found {};

    if (::fstat(opened.get(), &found) != 0) return fault(errno, step);
    if (!S_ISREG(found.st_mode)) return fault(EINVAL, step + " (not a file)");
    if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return fault(EACCES, step + " (others can read or change it; chmod 600 it)");

    std::string text(max_length + 2, '\0');
    const auto size = ::read(opened.get(), text.data(), text.size());
    if (size < 0) return fault(errno, step);
    text.resize(static_cast<std::size_t>(size));
    if (!text.empty() && text.back() == '\n') text.pop_back();
    if (!text.empty() && text.back() == '\r') text.pop_back();
    const bool fits = text.size() >= min_length && text.size() <= max_length &&
                      std::all_of(text.begin(), text.end(), is_visible);
    Secret token{std::move(text)};
    if (!fits) return fault(EINVAL, step + " (must hold one line of 16 to 256 visible characters)");
    return token;
}

Result<Secret> read_or_make_token(const std::string& file) {
    auto token = read_token(file);
    if (token || token.error().error != boost::system::errc::no_such_file_or_directory)
        return token;
    const auto made = make_token(file);
    if (!made) return made.error();
    return read_token(file);
}

Handler guarded(Handler next, Secret token, const config::Endpoint& address) {
    const auto guard = std::make_shared<const Guard>(std::move(next), std::move(token), address);
    return [guard](Request request) { return pass(guard, std::move(request)); };
}

Handler guarded_local(Handler next) {
    return guarded(std::move(next), Secret{}, {});
}

} // namespace keygate::admin
