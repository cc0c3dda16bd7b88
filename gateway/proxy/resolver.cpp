#include "proxy/resolver.hpp"

#include "config/addresses.hpp"

#include <ares.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keygate::proxy {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int tries = 2; // of one question, with each server
constexpr milliseconds longest_nap{60'000};
constexpr milliseconds longest_after_failure{10'000};

/// The library is there as long as somebody holds one of these.
struct Library {
    Library() { ::ares_library_init(ARES_LIB_INIT_ALL); }

    ~Library() { ::ares_library_cleanup(); }

    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
};

/// Could this machine send anything there? Of a name with addresses of both families a machine with
/// one of them uses that.
bool is_routed(const sockaddr* address, socklen_t size) {
    const int probe = ::socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return false;
    std::array<char, sizeof(sockaddr_storage)> with_port{};
    std::memcpy(with_port.data(), address, size);
    auto* const to = reinterpret_cast<sockaddr*>(with_port.data());
    if (to->sa_family == AF_INET) reinterpret_cast<sockaddr_in*>(to)->sin_port = htons(9);
    if (to->sa_family == AF_INET6) reinterpret_cast<sockaddr_in6*>(to)->sin6_port = htons(9);
    const bool is_there = ::connect(probe, to, size) == 0;
    ::close(probe);
    return is_there;
}

/// What a question came to.
struct Found {
    std::string host;
    std::string error;    // empty: there are addresses
    bool is_lost = false; // it was taken back, and says nothing
    std::vector<Address> addresses;
    std::chrono::seconds life{};
};

void take_addresses(Found& found, const ares_addrinfo& info) {
    std::optional<int> life;
    for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
        if (!is_routed(node->ai_addr, node->ai_addrlen)) continue;
        Address& address = found.addresses.emplace_back();
        std::memcpy(&address.storage, node->ai_addr, node->ai_addrlen);
        address.size = node->ai_addrlen;
        life = std::min(life.value_or(node->ai_ttl), node->ai_ttl);
    }
    found.life = std::chrono::seconds{std::max(0, life.value_or(0))};
    // In one order, so that the same answer is the same.
    std::sort(found.addresses.begin(), found.addresses.end(),
              [](const Address& one, const Address& other) {
                  return std::memcmp(&one.storage, &other.storage, sizeof one.storage) < 0;
              });
    if (found.addresses.empty()) found.error = "no address that this machine can reach";
}

} // namespace

struct Resolver::State {
    explicit State(std::function<void(const std::string&)> listener)
        : tell(std::move(listener))
        , wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        thread = std::thread{[this] { run(); }};
    }

    ~State() {
        {
            const std::lock_guard lock{mutex};
            is_over = true;
        }
        nudge();
        thread.join();
        if (wake >= 0) ::close(wake);
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    struct Name {
        std::vector<Address> addresses; // the last good answer
        bool has_been_asked = false;
        bool is_under_way = false;
        bool is_failing = false;
        unsigned failures = 0; // in a row
        Clock::time_point due{};
    };

    /// The question that an answer belongs to.
    struct Question {
        State* state;
        std::string host;
    };

    void nudge() const {
        const std::uint64_t one = 1;
        (void)!::write(wake, &one, sizeof one);
    }

    // The resolver's thread.

    void run() {
        while (true) {
            {
                const std::lock_guard lock{mutex};
                if (is_over) break;
            }
            ask_all_due();
            wait();
            take_answers();
        }
        if (channel != nullptr) ::ares_destroy(channel);
    }

    /// The channel knows the settings, and the system's as they were when it was made.
    void open_channel() {
        config::Dns wanted;
        {
            const std::lock_guard lock{mutex};
            if (channel != nullptr && !is_channel_old) return;
            is_channel_old = false;
            wanted = settings;
        }
        if (channel != nullptr) {
            ::ares_destroy(channel); // tells all questions that they came to nothing
            channel = nullptr;
        }
        ares_options options{};
        options.timeout = static_cast<int>(wanted.timeout.count());
        options.tries = tries;
        if (::ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
            ARES_SUCCESS) {
            channel = nullptr;
            return;
        }
        std::string servers;
        for (const config::Endpoint& server : wanted.servers)
            servers += (servers.empty() ? "" : ",") + config::endpoint_text(server);
        if (!servers.empty()) ::ares_set_servers_ports_csv(channel, servers.c_str());
    }

    void ask_all_due() {
        open_channel();
        std::vector<std::string> due;
        const auto now = Clock::now();
        {
            const std::lock_guard lock{mutex};
            for (auto& [host, name] : names) {
                if (name.is_under_way || name.due > now) continue;
                name.is_under_way = true;
                due.push_back(host);
            }
        }
        for (std::string& host : due)
            ask(std::move(host));
    }

    void ask(std::string host) {
        if (channel == nullptr) {
            answers.push_back({.host = std::move(host),
                               .error = "no resolver",
                               .is_lost = false,
                               .addresses = {},
                               .life = {}});
            return;
        }
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = ARES_AI_NOSORT;
        auto* const question = new Question{this, std::move(host)};
        ::ares_getaddrinfo(channel, question->host.c_str(), nullptr, &hints, &State::on_answer,
                           question);
    }

    static void on_answer(void* argument, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Question> question{static_cast<Question*>(argument)};
        Found found;
        found.host = question->host;
        found.is_lost = status == ARES_EDESTRUCTION;
        if (status != ARES_SUCCESS)
            found.error = ::ares_strerror(status);
        else if (info != nullptr)
            take_addresses(found, *info);
        if (info != nullptr) ::ares_freeaddrinfo(info);
        question->state->answers.push_back(std::move(found));
    }

    /// Until something has come, or a name is due.
    void wait() {
        std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
        std::vector<pollfd> watched{{.fd = wake, .events = POLLIN, .revents = 0}};
        const int bits =
            channel == nullptr ? 0 : ::ares_getsock(channel, sockets.data(), sockets.size());
        for (unsigned i = 0; i < sockets.size(); ++i) {
            short events = 0;
            if (ARES_GETSOCK_READABLE(bits, i)) events = POLLIN;
            if (ARES_GETSOCK_WRITABLE(bits, i)) events = static_cast<short>(events | POLLOUT);
            if (events != 0) watched.push_back({.fd = sockets[i], .events = events, .revents = 0});
        }
        const milliseconds nap = answers.empty() ? nap_time() : milliseconds{0};
        ::poll(watched.data(), watched.size(), static_cast<int>(nap.count()));
        std::uint64_t nudges = 0;
        (void)!::read(wake, &nudges, sizeof nudges);
        if (channel == nullptr) return;
        if (watched.size() == 1) ::ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        for (std::size_t i = 1; i < watched.size(); ++i) {
            const bool reads = (watched[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
            const bool writes = (watched[i].revents & (POLLOUT | POLLERR)) != 0;
            ::ares_process_fd(channel, reads ? watched[i].fd : ARES_SOCKET_BAD,
                              writes ? watched[i].fd : ARES_SOCKET_BAD);
        }
    }

    milliseconds nap_time() {
        auto nap = longest_nap;
        const auto now = Clock::now();
        {
            const std::lock_guard lock{mutex};
            if (is_channel_old) return milliseconds{0};
            for (const auto& [host, name] : names)
                if (!name.is_under_way)
                    nap = std::clamp(std::chrono::ceil<milliseconds>(name.due - now),
                                     milliseconds{0}, nap);
        }
        timeval most{.tv_sec = nap.count() / 1000, .tv_usec = nap.count() % 1000 * 1000};
        timeval room{};
        if (channel == nullptr) return nap;
        const timeval* const until = ::ares_timeout(channel, &most, &room);
        // Rounded up: what is due is due when we wake.
        return milliseconds{until->tv_sec * 1000 + (until->tv_usec + 999) / 1000};
    }

    void take_answers() {
        for (const Found& found : std::exchange(answers, {}))
            take(found);
    }

    void take(const Found& found) {
        Upstreams users;
        std::string news;
        {
            const std::lock_guard lock{mutex};
            const auto at = names.find(found.host);
            if (at == names.end()) return; // nobody needs it any more
            Name& name = at->second;
            name.is_under_way = false;
            if (found.is_lost) return;
            name.has_been_asked = true;
            if (found.error.empty()) {
                note_success(found, name, users, news);
            } else {
                note_failure(found, name, news);
            }
        }
        for (const auto& upstream : users)
            upstream->set_addresses(found.host, found.addresses);
        answered.notify_all();
        if (!news.empty()) tell(news);
    }

    void note_success(const Found& found, Name& name, Upstreams& users, std::string& news) {
        name.due = Clock::now() +
                   std::clamp<milliseconds>(found.life, settings.min_refresh, settings.max_refresh);
        name.failures = 0;
        if (std::exchange(name.is_failing, false))
            news = "the name " + found.host + " can be looked up again";
        if (name.addresses == found.addresses) return;
        name.addresses = found.addresses;
        users = users_of(found.host);
    }

    void note_failure(const Found& found, Name& name, std::string& news) {
        ++failed;
        // Sooner than an answer would be asked for again, so that it is back soon after it is back.
        const auto pause =
            settings.min_refresh * (std::int64_t{1} << std::min(name.failures++, 10U));
        name.due = Clock::now() +
                   std::min<milliseconds>({pause, settings.max_refresh,
                                           std::max(longest_after_failure, settings.min_refresh)});
        // Where nobody can be asked, the system's servers may be others now.
        is_channel_old = is_channel_old || std::none_of(names.begin(), names.end(), [](auto& one) {
                             return one.second.is_under_way;
                         });
        if (std::exchange(name.is_failing, true)) return;
        news = "cannot look up " + found.host + ": " + found.error +
               (name.addresses.empty() ? "; its upstreams are without it" : "; what it was stands");
    }

    [[nodiscard]] Upstreams users_of(const std::string& host) const {
        Upstreams users;
        for (const auto& upstream : upstreams) {
            const auto hosts = upstream->hosts();
            if (std::find(hosts.begin(), hosts.end(), host) != hosts.end())
                users.push_back(upstream);
        }
        return users;
    }

    const Library library;
    const std::function<void(const std::string&)> tell;
    const int wake; // becomes readable when there is something to look at

    // The resolver's thread alone.
    ares_channel channel = nullptr;
    std::vector<Found> answers; // that are still to be taken

    std::mutex mutex; // guards what is below
    std::condition_variable answered;
    bool is_over = false;
    bool is_channel_old = true;
    config::Dns settings;
    Upstreams upstreams;
    std::map<std::string, Name> names;
    std::atomic<std::uint64_t> failed{0};

    std::thread thread;
};

Resolver::Resolver(std::function<void(const std::string&)> tell)
    : state_(std::make_unique<State>(std::move(tell))) {}

Resolver::~Resolver() = default;

void Resolver::serve(const config::Dns& settings, Upstreams upstreams) {
    State& state = *state_;
    std::vector<std::pair<std::shared_ptr<Upstream>, std::string>> known;
    std::unique_lock lock{state.mutex};
    state.settings = settings;
    state.is_channel_old = true;
    state.upstreams = std::move(upstreams);
    std::set<std::string> wanted;
    for (const auto& upstream : state.upstreams)
        for (std::string& host : upstream->hosts()) {
            known.emplace_back(upstream, host);
            wanted.insert(std::move(host));
        }
    std::erase_if(state.names, [&](const auto& one) { return !wanted.contains(one.first); });
    for (const std::string& host : wanted)
        state.names.try_emplace(host);
    for (const auto& [upstream, host] : known)
        if (const auto& addresses = state.names[host].addresses; !addresses.empty())
            upstream->set_addresses(host, addresses);
    state.nudge();
    const auto all_answered = [&] {
        return std::all_of(state.names.begin(), state.names.end(),
                           [](const auto& one) { return one.second.has_been_asked; });
    };
    state.answered.wait_for(lock, settings.timeout * tries, all_answered);
}

std::uint64_t Resolver::failures() const {
    return state_->failed;
}

} // namespace keygate::proxy
