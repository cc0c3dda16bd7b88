#include "proxy/checker.hpp"

#include "net/poller.hpp"
#include "proxy/probe.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace keygate::proxy {

namespace asio = boost::asio;

namespace {

/// How often it is looked whose turn it is.
constexpr std::chrono::milliseconds look{100};

/// What the answers of one server come to: so many in a row turn its standing.
struct Row {
    std::uint32_t passes = 0;
    std::uint32_t failures = 0;

    /// @returns whether the standing has turned.
    bool count(bool is_well, const config::HealthCheck& check, Standing& standing) {
        passes = is_well ? passes + 1 : 0;
        failures = is_well ? 0 : failures + 1;
        const bool turns = standing.is_well() ? failures >= check.failures : passes >= check.passes;
        if (turns) standing.set_well(is_well);
        return turns;
    }
};

} // namespace

struct Checker::State final : net::DeadlineHandler {
    State(const Clock& clock, std::function<void(const std::string&)> listener)
        : poller(io, clock)
        , tell(std::move(listener))
        , tick(poller.wheel(), *this)
        , work(asio::make_work_guard(io)) {
        thread = std::thread{[this] {
            poller.start();
            io.run();
        }};
    }

    ~State() {
        asio::post(io, [this] {
            is_over = true;
            patients.clear();
            tick.clear();
            poller.stop();
        });
        work.reset();
        thread.join();
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    /// One server that is checked.
    struct Patient {
        std::shared_ptr<Upstream> upstream;
        std::shared_ptr<const Server> server;
        Row row;
        SteadyTime due{};
        std::unique_ptr<Probe> probe; // while it is asked
    };

    void serve(std::vector<std::shared_ptr<Upstream>> wanted) {
        upstreams = std::move(wanted);
        patients.clear();
        has_checks = std::any_of(upstreams.begin(), upstreams.end(), [](const auto& upstream) {
            return upstream->settings().check.has_value();
        });
        if (has_checks) on_deadline();
    }

    void on_deadline() override {
        if (is_over || !has_checks) return;
        find_patients();
        const SteadyTime now = poller.now().steady;
        // Asking may tell at once, and change nothing but the one that is asked.
        for (const auto& patient : patients)
            if (!patient->probe && patient->due <= now) ask(*patient);
        tick.set(look);
    }

    /// Servers come and go with their names.
    void find_patients() {
        std::vector<std::unique_ptr<Patient>> before = std::exchange(patients, {});
        for (const auto& upstream : upstreams) {
            if (!upstream->settings().check) continue;
            const auto servers = upstream->servers();
            for (const auto& server : *servers) {
                const auto known =
                    std::find_if(before.begin(), before.end(), [&](const auto& patient) {
                        return patient && patient->server == server;
                    });
                if (known != before.end()) {
                    patients.push_back(std::move(*known));
                    continue;
                }
                patients.push_back(std::make_unique<Patient>());
                patients.back()->upstream = upstream;
                patients.back()->server = server;
            }
        }
    }

    void ask(Patient& patient) {
        const config::HealthCheck& check = *patient.upstream->settings().check;
        patient.due = poller.now().steady + check.interval;
        patient.probe =
            Probe::begin(poller, check, patient.server,
                         [this, &patient](const std::string& problem) { note(patient, problem); });
    }

    void note(Patient& patient, const std::string& problem) {
        if (patient.probe) poller.retire(std::move(patient.probe)); // it is on the stack
        const config::HealthCheck& check = *patient.upstream->settings().check;
        if (!patient.row.count(problem.empty(), check, *patient.server->standing)) return;
        if (problem.empty()) patient.upstream->look_again();
        const std::string who =
            patient.upstream->api() + "/" + patient.upstream->name() + ": " + patient.server->name;
        tell(who + (problem.empty() ? " is well again" : " is unwell: " + problem));
    }

    asio::io_context io{1};
    net::Poller poller;
    const std::function<void(const std::string&)> tell;
    net::Deadline tick;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::vector<std::shared_ptr<Upstream>> upstreams;
    std::vector<std::unique_ptr<Patient>> patients;
    bool has_checks = false;
    bool is_over = false;
    std::thread thread;
};

Checker::Checker(const Clock& clock, std::function<void(const std::string&)> tell)
    : clock_(clock)
    , tell_(std::move(tell)) {}

Checker::~Checker() = default;

void Checker::serve(std::vector<std::shared_ptr<Upstream>> upstreams) {
    const auto is_checked = [](const auto& upstream) {
        return upstream->settings().check.has_value();
    };
    // Without anything to check there is no thread.
    if (!state_ && std::none_of(upstreams.begin(), upstreams.end(), is_checked)) return;
    if (!state_) state_ = std::make_unique<State>(clock_, tell_);
    State& state = *state_;
    state.poller.post([&state, wanted = std::move(upstreams)] { state.serve(wanted); });
}

} // namespace keygate::proxy
