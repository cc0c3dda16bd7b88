#include "observe/access_log.hpp"

#include <array>
#include <charconv>
#include <climits>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <deque>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace keygate::observe {

namespace {

constexpr std::size_t flush_size = 32 * 1024;
constexpr std::chrono::milliseconds flush_after{100};
constexpr std::chrono::milliseconds look_after{100};
constexpr std::chrono::milliseconds patience_at_end{1000};
constexpr std::size_t max_queued = 32 * 1024 * 1024; // bytes; about a second of a very busy gateway

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte >= 0x20 && byte < 0x7F) {
            out += c;
        } else {
            // Bytes that are no ASCII may be no UTF-8 either: each is shown as the Latin-1 letter.
            static constexpr std::string_view hex = "0123456789abcdef";
            out.append("\\u00");
            out += hex[byte >> 4];
            out += hex[byte & 15];
        }
    }
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    out.append(",\"").append(name).append("\":\"");
    append_escaped(out, text);
    out += '"';
}

void append_number(std::string& out, std::string_view name, std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(",\"").append(name).append("\":");
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// RFC 3339 with milliseconds, UTC. The second's text is kept: most lines share it with the one
/// before.
void append_time(std::string& out, WallTime time) {
    thread_local std::time_t known_second = -1;
    thread_local std::array<char, 24> text{};
    const auto since = time.time_since_epoch();
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(since);
    if (second.count() != known_second) {
        known_second = second.count();
        std::tm parts{};
        gmtime_r(&known_second, &parts);
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
    }
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(since - second).count();
    out.append(text.data(), 20);
    out += static_cast<char>('0' + rest / 100);
    out += static_cast<char>('0' + rest / 10 % 10);
    out += static_cast<char>('0' + rest % 10);
    out += 'Z';
}

} // namespace

void write_line(std::string& out, const AccessRecord& record) {
    out.append("{\"time\":\"");
    append_time(out, record.time);
    out += '"';
    append_text(out, "request_id", record.request_id);
    append_text(out, "outcome", record.outcome.name());
    if (record.status != 0) append_number(out, "status", record.status);
    append_text(out, "client", record.client);
    append_text(out, "method", record.method);
    append_text(out, "host", record.host);
    append_text(out, "path", record.path);
    append_text(out, "api", record.api);
    append_text(out, "route", record.route);
    append_text(out, "key_id", record.key_id);
    append_text(out, "owner", record.owner);
    append_text(out, "plan", record.plan);
    append_text(out, "mode", record.mode);
    append_text(out, "limit", record.limit);
    append_text(out, "dry_run", record.dry_run);
    if (record.is_stale) out.append(",\"stale\":true");
    append_text(out, "upstream", record.upstream);
    append_number(out, "bytes_in", record.received);
    append_number(out, "bytes_out", record.sent);
    append_number(
        out, "duration_us",
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(record.duration).count()));
    out.append("}\n");
}

struct AccessLog::State {
    int descriptor = -1; // -1: off
    bool owns_descriptor = false;
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::pair<std::string, std::uint64_t>> queue; // lines and their number
    std::size_t queued = 0;                                  // bytes
    bool is_ending = false;
    bool is_torn = false;       // the writer's: the last byte that was written ended no line
    SteadyTime patience_ends{}; // the same
    std::atomic<std::uint64_t> dropped{0};
    std::thread writer;

    void run() {
        std::unique_lock lock{mutex};
        for (;;) {
            filled.wait(lock, [this] { return is_ending || !queue.empty(); });
            if (queue.empty()) return;
            const auto [lines, count] = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            if (!write_all(lines)) dropped += count;
            lock.lock();
            queued -= lines.size();
        }
    }

    /// False when lines were lost: a full disk, a closed pipe, a reader that stands still at the
    /// end.
    bool write_all(std::string_view text) {
        // After a torn line the next ones begin on a line of their own.
        if (is_torn && write_piece("\n")) is_torn = false;
        while (!text.empty()) {
            // What a pipe takes without blocking once it says that it is writable.
            const std::size_t taken = write_piece(text.substr(0, PIPE_BUF));
            if (taken == 0) return false;
            is_torn = text[taken - 1] != '\n';
            text.remove_prefix(taken);
        }
        return true;
    }

    /// Bytes written, 0 when it cannot be.
    std::size_t write_piece(std::string_view piece) {
        for (;;) {
            pollfd ready{.fd = descriptor, .events = POLLOUT, .revents = 0};
            const int found = ::poll(&ready, 1, static_cast<int>(look_after.count()));
            if (found == 0 && !is_late()) continue;
            if (found == 0) return 0;
            const ssize_t count = ::write(descriptor, piece.data(), piece.size());
            if (count > 0) return static_cast<std::size_t>(count);
            if (count == 0 || (errno != EINTR && errno != EAGAIN)) return 0;
        }
    }

    /// The process ends, and the reader has had its time.
    bool is_late() {
        const std::lock_guard lock{mutex};
        if (!is_ending) return false;
        const auto now = std::chrono::steady_clock::now();
        if (patience_ends == SteadyTime{}) patience_ends = now + patience_at_end;
        return now >= patience_ends;
    }
};

AccessLog::AccessLog(std::unique_ptr<State> state)
    : state_(std::move(state)) {
    if (is_on()) state_->writer = std::thread{[state = state_.get()] { state->run(); }};
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& target) {
    auto state = std::make_unique<State>();
    if (target == "stdout") {
        state->descriptor = STDOUT_FILENO;
    } else if (target != "off") {
        state->descriptor = ::open(target.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (state->descriptor < 0)
            return Fault{{errno, boost::system::system_category()},
                         "open the access log " + target};
        state->owns_descriptor = true;
    }
    return std::unique_ptr<AccessLog>{new AccessLog{std::move(state)}};
}

AccessLog::~AccessLog() {
    if (state_->writer.joinable()) {
        {
            const std::lock_guard lock{state_->mutex};
            state_->is_ending = true;
        }
        state_->filled.notify_one();
        state_->writer.join();
    }
    if (state_->owns_descriptor) ::close(state_->descriptor);
}

bool AccessLog::is_on() const {
    return state_->descriptor >= 0;
}

std::uint64_t AccessLog::dropped() const {
    return state_->dropped.load();
}

void AccessLog::Buffer::write(const AccessRecord& record) {
    if (!is_on()) return;
    if (lines_.empty()) {
        lines_.reserve(flush_size + 2048);
        since_ = std::chrono::steady_clock::now();
    }
    write_line(lines_, record);
    ++count_;
    if (lines_.size() >= flush_size) flush();
}

void AccessLog::Buffer::flush_if_due(SteadyTime now) {
    if (!lines_.empty() && now - since_ >= flush_after) flush();
}

void AccessLog::Buffer::flush() {
    if (lines_.empty()) return;
    State& state = *log_.state_;
    {
        const std::lock_guard lock{state.mutex};
        if (state.queued + lines_.size() > max_queued) {
            state.dropped += count_;
        } else {
            state.queued += lines_.size();
            state.queue.emplace_back(std::move(lines_), count_);
        }
    }
    state.filled.notify_one();
    lines_ = {};
    count_ = 0;
}

} // namespace keygate::observe
