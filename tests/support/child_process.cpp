#include "support/child_process.hpp"

#include <spawn.h>

#include <array>
#include <csignal>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ; // NOLINT(readability-redundant-declaration): POSIX leaves it to us

namespace keygate::support {

namespace {

constexpr int patience_ms = 30'000;

/// Our end of a pipe and the child's.
std::array<int, 2> open_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    return ends;
}

/// False when the stream has ended.
bool read_some(int& descriptor, std::string& into) {
    std::array<char, 4096> bytes;
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    if (count > 0) {
        into.append(bytes.data(), static_cast<std::size_t>(count));
        return true;
    }
    ::close(descriptor);
    descriptor = -1;
    return false;
}

} // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
    const auto out = open_pipe();
    const auto err = open_pipe();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const int error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(err[1]);
    out_descriptor_ = out[0];
    err_descriptor_ = err[0];
    if (error != 0) {
        pid_ = -1;
        throw std::runtime_error("cannot start " + arguments.front());
    }
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    for (const int descriptor : {out_descriptor_, err_descriptor_})
        if (descriptor >= 0) ::close(descriptor);
}

void ChildProcess::signal(int number) const {
    ::kill(pid_, number);
}

bool ChildProcess::read_more() {
    std::array<pollfd, 2> streams{{{.fd = out_descriptor_, .events = POLLIN, .revents = 0},
                                   {.fd = err_descriptor_, .events = POLLIN, .revents = 0}}};
    if (out_descriptor_ < 0 && err_descriptor_ < 0) return false;
    if (::poll(streams.data(), streams.size(), patience_ms) == 0)
        throw std::runtime_error("the other program neither says more nor ends; it said: " + out_ +
                                 err_);
    if (streams[0].revents != 0) read_some(out_descriptor_, out_);
    if (streams[1].revents != 0) read_some(err_descriptor_, err_);
    return true;
}

bool ChildProcess::wait_for(std::string_view text) {
    while (out_.find(text) == std::string::npos && err_.find(text) == std::string::npos)
        if (!read_more()) return false;
    return true;
}

int ChildProcess::wait() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

} // namespace keygate::support
