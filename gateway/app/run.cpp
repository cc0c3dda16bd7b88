#include "app/run.hpp"

#include "app/command.hpp"
#include "app/gateway.hpp"
#include "config/load.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstring>
#include <thread>

#include <sys/resource.h>

namespace keygate::app {

namespace {

void set_up_log(const std::string& level) {
    spdlog::set_default_logger(spdlog::stderr_color_mt("keygate"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    spdlog::set_level(spdlog::level::from_str(level));
    spdlog::flush_on(spdlog::level::info);
}

/// As many descriptors as we may have: two for each request in flight.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

sigset_t block_signals() {
    sigset_t signals{};
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP})
        sigaddset(&signals, signal);
    // Before any thread exists, so that all of them inherit it and `sigwait` alone hears them.
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is a write that fails, not the end
    return signals;
}

/// The next signal that ends the process; those before it that ask for a reload are obeyed.
int wait_for_signal(const sigset_t& signals, Gateway& gateway) {
    for (;;) {
        int signal = 0;
        if (::sigwait(&signals, &signal) != 0) continue;
        if (signal != SIGHUP) return signal;
        // Not waited for: whoever wants to stop does not wait for a name that is looked up.
        gateway.reload({});
    }
}

} // namespace

int run(const std::string& config_file) {
    set_up_log("info");
    const sigset_t signals = block_signals();
    config::Loaded loaded = config::load_file(config_file);
    if (!loaded.settings) {
        for (const config::Mistake& mistake : loaded.mistakes)
            spdlog::error("{}", config::to_string(mistake));
        spdlog::error("{}: {} mistakes; not started", config_file, loaded.mistakes.size());
        return exit_usage;
    }
    spdlog::set_level(spdlog::level::from_str(loaded.settings->log.level));
    raise_descriptor_limit();
    const SystemClock clock;
    const std::vector<config::Listener> listeners = loaded.settings->listeners;
    const bool is_shared = loaded.settings->store.redis.has_value();
    auto started = Gateway::start(std::move(*loaded.settings), clock);
    if (!started) {
        spdlog::error("{}; not started", to_string(started.error()));
        return exit_unreachable;
    }
    Gateway& gateway = **started;
    if (is_shared)
        spdlog::info("keygate {} runs {}; keys are looked up in Redis", KEYGATE_VERSION,
                     config_file);
    else
        spdlog::info("keygate {} runs {} with {} keys", KEYGATE_VERSION, config_file,
                     gateway.keys());
    for (std::size_t i = 0; i < listeners.size(); ++i)
        spdlog::info("listens on {} port {}", listeners[i].address.host, gateway.ports()[i]);
    if (gateway.status_port() != 0) spdlog::info("status on port {}", gateway.status_port());
    if (gateway.admin_port() != 0) spdlog::info("admin API on port {}", gateway.admin_port());

    spdlog::info("{}: draining", ::strsignal(wait_for_signal(signals, gateway)));
    std::thread second{[&] {
        wait_for_signal(signals, gateway);
        gateway.hurry();
    }};
    gateway.drain();
    // Nobody was in a hurry: the thread that waits for a second signal is woken by one.
    pthread_kill(second.native_handle(), SIGTERM);
    second.join();
    started->reset();
    spdlog::info("ended");
    spdlog::shutdown();
    return exit_done;
}

} // namespace keygate::app
