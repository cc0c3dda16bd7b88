#include "observe/metrics.hpp"

#include <dirent.h>
#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <fstream>
#include <limits>

#include <sys/resource.h>
#include <unistd.h>

namespace keygate::observe {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(std::string name, std::string help, MetricType type) {
    return {.name = std::move(name), .help = std::move(help), .type = type, .metric = {}};
}

void add_value(MetricFamily& to, double value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (to.type == MetricType::Counter)
        metric.counter.value = value;
    else
        metric.gauge.value = value;
    to.metric.push_back(std::move(metric));
}

MetricFamily single(std::string name, std::string help, MetricType type, double value) {
    MetricFamily made = family(std::move(name), std::move(help), type);
    add_value(made, value);
    return made;
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    double size = 0;
    double resident = 0;
    statm >> size >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
    DIR* const folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    double count = -3; // `.`, `..` and the folder itself
    while (::readdir(folder) != nullptr)
        ++count; // NOLINT(concurrency-mt-unsafe): own stream
    ::closedir(folder);
    return count;
}

void add_process(std::vector<MetricFamily>& all) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    all.push_back(single("process_cpu_seconds_total", "User and system CPU time.",
                         MetricType::Counter, seconds(usage.ru_utime) + seconds(usage.ru_stime)));
    all.push_back(single("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
                         resident_bytes()));
    all.push_back(single("process_open_fds", "Open file descriptors.", MetricType::Gauge,
                         open_descriptors()));
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        all.push_back(single("process_max_fds", "Most file descriptors that may be open.",
                             MetricType::Gauge, static_cast<double>(limit.rlim_cur)));
}

} // namespace

std::string_view Outcome::name() const {
    if (index_ < reason_count) return keygate::name(static_cast<Reason>(index_));
    return index_ == reason_count ? "allowed" : "canceled";
}

void ThreadMetrics::count(RouteCounters& route, Outcome outcome, unsigned status,
                          std::chrono::nanoseconds duration) {
    route.by_outcome[outcome.index()].add();
    statuses_[status / 100 < statuses_.size() ? status / 100 : 0].add();
    const double elapsed = std::chrono::duration<double>(duration).count();
    std::size_t bucket = 0;
    while (bucket < buckets.size() && elapsed > buckets[bucket])
        ++bucket;
    durations_[bucket].add();
    duration_ns_.add(static_cast<std::uint64_t>(duration.count()));
}

Metrics::Metrics(std::size_t threads)
    : started_(std::chrono::system_clock::now()) {
    for (std::size_t i = 0; i < threads; ++i)
        threads_.push_back(std::make_unique<ThreadMetrics>());
}

Metrics::~Metrics() = default;

std::vector<RouteCounters*> Metrics::routes(std::size_t thread,
                                            const std::vector<RouteLabel>& labels) {
    const std::lock_guard lock{routes_mutex_};
    std::vector<RouteCounters*> counters;
    for (const RouteLabel& label : labels)
        counters.push_back(threads_[thread]->routes_[position_of(label)].get());
    return counters;
}

std::size_t Metrics::position_of(const RouteLabel& label) {
    const auto [known, is_new] = positions_.try_emplace({label.api, label.route}, routes_.size());
    if (is_new) {
        routes_.push_back(label);
        for (const auto& thread : threads_)
            thread->routes_.push_back(std::make_unique<RouteCounters>());
    }
    return known->second;
}

void Metrics::add(std::string name, std::string help, std::function<double()> read) {
    values_.push_back({std::move(name), std::move(help), std::move(read)});
}

void Metrics::add_family(std::string name, std::string help,
                         std::function<std::vector<Labelled>()> read) {
    families_.push_back({std::move(name), std::move(help), std::move(read)});
}

std::string Metrics::text() const {
    std::vector<MetricFamily> all;
    const auto sum = [this](auto&& pick) {
        std::uint64_t total = 0;
        for (const auto& thread : threads_)
            total += pick(*thread).value();
        return static_cast<double>(total);
    };

    MetricFamily requests =
        family("keygate_requests_total",
               "Requests by route and outcome: allowed, canceled, or the reason "
               "of a refusal.",
               MetricType::Counter);
    const auto add_route = [&](const RouteLabel& label, auto&& counters_of) {
        for (std::size_t outcome = 0; outcome < Outcome::count; ++outcome) {
            const double total = sum([&](const ThreadMetrics& thread) -> const Counter& {
                return counters_of(thread).by_outcome[outcome];
            });
            if (total == 0) continue;
            add_value(requests, total,
                      {{.name = "api", .value = label.api},
                       {.name = "route", .value = label.route},
                       {.name = "outcome", .value = std::string{Outcome{outcome}.name()}}});
        }
    };
    add_route(
        {}, [](const ThreadMetrics& thread) -> auto& { return thread.no_route; });
    {
        const std::lock_guard lock{routes_mutex_};
        for (std::size_t route = 0; route < routes_.size(); ++route)
            add_route(
                routes_[route], [&](const ThreadMetrics& thread) -> auto& {
                    return *thread.routes_[route];
                });
    }
    all.push_back(std::move(requests));

    MetricFamily statuses =
        family("keygate_responses_total", "Answers by class of status.", MetricType::Counter);
    for (std::size_t digit = 1; digit < 6; ++digit)
        add_value(statuses, sum([&](const ThreadMetrics& thread) -> const Counter& {
                      return thread.statuses_[digit];
                  }),
                  {{.name = "code", .value = std::to_string(digit) + "xx"}});
    all.push_back(std::move(statuses));

    MetricFamily durations =
        family("keygate_request_duration_seconds",
               "From a request's head to the end of its answer.", MetricType::Histogram);
    ClientMetric histogram;
    std::uint64_t running = 0;
    for (std::size_t i = 0; i <= ThreadMetrics::buckets.size(); ++i) {
        running += static_cast<std::uint64_t>(sum(
            [&](const ThreadMetrics& thread) -> const Counter& { return thread.durations_[i]; }));
        ClientMetric::Bucket bucket;
        bucket.cumulative_count = running;
        bucket.upper_bound = i < ThreadMetrics::buckets.size()
                                 ? ThreadMetrics::buckets[i]
                                 : std::numeric_limits<double>::infinity();
        histogram.histogram.bucket.push_back(bucket);
    }
    histogram.histogram.sample_count = running;
    histogram.histogram.sample_sum =
        sum([](const ThreadMetrics& thread) -> const Counter& { return thread.duration_ns_; }) /
        1e9;
    durations.metric.push_back(std::move(histogram));
    all.push_back(std::move(durations));

    const auto add_counter = [&](const char* name, const char* help,
                                 Counter ThreadMetrics::*member) {
        all.push_back(single(
            name, help, MetricType::Counter,
            sum([&](const ThreadMetrics& thread) -> const Counter& { return thread.*member; })));
    };
    add_counter("keygate_client_connections_total", "Connections of clients so far.",
                &ThreadMetrics::connections_opened);
    add_counter("keygate_proxy_protocol_failures_total",
                "Connections of proxies without a valid PROXY header.",
                &ThreadMetrics::proxy_header_failures);
    add_counter("keygate_tunnels_total", "WebSockets so far.", &ThreadMetrics::tunnels_opened);
    add_counter("keygate_upstream_connections_total", "Connections made to upstreams.",
                &ThreadMetrics::upstream_dials);
    add_counter("keygate_upstream_failures_total", "Upstream connections that failed while in use.",
                &ThreadMetrics::upstream_failures);
    add_counter("keygate_upstream_retries_total", "Requests sent again, on another connection.",
                &ThreadMetrics::upstream_retries);
    add_counter("keygate_upstream_retries_refused_total",
                "Requests that were not sent again for want of budget.",
                &ThreadMetrics::upstream_retries_refused);
    add_counter("keygate_upstream_queue_timeouts_total",
                "Requests that waited for an upstream connection in vain.",
                &ThreadMetrics::queue_timeouts);
    add_counter("keygate_streams_terminated_total",
                "Answers and tunnels that ended because their key did.",
                &ThreadMetrics::streams_terminated);
    add_counter("keygate_request_body_bytes_total", "Bytes of request bodies.",
                &ThreadMetrics::received_bytes);
    add_counter("keygate_response_bytes_total", "Bytes sent to clients.",
                &ThreadMetrics::sent_bytes);
    add_counter("keygate_limit_dry_run_refusals_total",
                "Requests that a limit with dry_run would have refused.",
                &ThreadMetrics::limits_exceeded_dry);
    const auto add_labelled = [&](MetricFamily& to, const char* label, const char* value,
                                  Counter ThreadMetrics::*member) {
        add_value(
            to, sum([&](const ThreadMetrics& thread) -> const Counter& { return thread.*member; }),
            {{.name = label, .value = value}});
    };
    MetricFamily handshakes =
        family("keygate_tls_handshakes_total", "TLS handshakes with clients, by how they ended.",
               MetricType::Counter);
    add_labelled(handshakes, "result", "full", &ThreadMetrics::tls_handshakes);
    add_labelled(handshakes, "result", "resumed", &ThreadMetrics::tls_resumed);
    add_labelled(handshakes, "result", "failed", &ThreadMetrics::tls_failures);
    all.push_back(std::move(handshakes));
    MetricFamily away = family("keygate_limit_decisions_away_total",
                               "Requests whose limits could not be counted in Redis, by what "
                               "when_away says.",
                               MetricType::Counter);
    add_labelled(away, "when_away", "local", &ThreadMetrics::limits_away_local);
    add_labelled(away, "when_away", "allow", &ThreadMetrics::limits_away_allowed);
    add_labelled(away, "when_away", "refuse", &ThreadMetrics::limits_away_refused);
    all.push_back(std::move(away));
    MetricFamily notices =
        family("keygate_key_notices_total", "Answers that said that their key should be replaced.",
               MetricType::Counter);
    add_labelled(notices, "kind", "rotated", &ThreadMetrics::notices_rotated);
    add_labelled(notices, "kind", "old", &ThreadMetrics::notices_old);
    all.push_back(std::move(notices));
    const auto add_open = [&](const char* name, const char* help, Counter ThreadMetrics::*opened,
                              Counter ThreadMetrics::*closed) {
        const auto total = [&](Counter ThreadMetrics::*member) {
            return sum(
                [&](const ThreadMetrics& thread) -> const Counter& { return thread.*member; });
        };
        all.push_back(single(name, help, MetricType::Gauge, total(opened) - total(closed)));
    };
    add_open("keygate_client_connections", "Connections of clients that are open.",
             &ThreadMetrics::connections_opened, &ThreadMetrics::connections_closed);
    add_open("keygate_tunnels", "WebSockets that are open.", &ThreadMetrics::tunnels_opened,
             &ThreadMetrics::tunnels_closed);

    for (const Value& value : values_)
        all.push_back(
            single(value.name, value.help,
                   value.name.ends_with("_total") ? MetricType::Counter : MetricType::Gauge,
                   value.read()));
    for (const Family& many : families_) {
        MetricFamily made =
            family(many.name, many.help,
                   many.name.ends_with("_total") ? MetricType::Counter : MetricType::Gauge);
        for (const Labelled& one : many.read()) {
            std::vector<ClientMetric::Label> labels;
            for (const auto& [name, text] : one.labels)
                labels.push_back({.name = name, .value = text});
            add_value(made, one.value, std::move(labels));
        }
        all.push_back(std::move(made));
    }
    MetricFamily build =
        family("keygate_build_info", "Version of this program.", MetricType::Gauge);
    add_value(build, 1, {{.name = "version", .value = KEYGATE_VERSION}});
    all.push_back(std::move(build));
    all.push_back(single("process_start_time_seconds", "Start of the process, Unix time.",
                         MetricType::Gauge,
                         std::chrono::duration<double>(started_.time_since_epoch()).count()));
    add_process(all);
    return prometheus::TextSerializer{}.Serialize(all);
}

} // namespace keygate::observe
