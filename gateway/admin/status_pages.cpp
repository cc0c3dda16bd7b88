#include "admin/status_pages.hpp"

#include <memory>

namespace asio = boost::asio;

namespace keygate::admin {

namespace {

Response text(unsigned status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    response.content_type = "text/plain; charset=utf-8";
    return response;
}

Response readiness(const std::vector<ReadyCheck>& checks, bool verbose) {
    bool is_ready = true;
    std::string lines;
    for (const auto& check : checks) {
        is_ready = is_ready && check.is_passing;
        if (check.is_passing && !verbose) continue;
        lines += check.name + ": " + (check.is_passing ? "ok" : "failing");
        if (!check.detail.empty()) lines += ": " + check.detail;
        lines += '\n';
    }
    if (is_ready) lines += "ready\n";
    return text(is_ready ? 200 : 503, std::move(lines));
}

Response page(const StatusHooks& hooks, const Request& request) {
    const bool is_health = request.path == "/readyz" || request.path == "/healthz";
    if (!is_health && request.path != "/livez" && request.path != "/metrics")
        return text(404, "not found\n");
    if (request.method != "GET" && request.method != "HEAD") {
        auto refusal = text(405, "method not allowed\n");
        refusal.headers.emplace_back("Allow", "GET, HEAD");
        return refusal;
    }
    if (is_health) return readiness(hooks.checks(), request.parameter("verbose").has_value());
    if (request.path == "/livez") return text(200, "ok\n");
    auto metrics = text(200, hooks.metrics());
    metrics.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return metrics;
}

asio::awaitable<Response> answer(std::shared_ptr<const StatusHooks> hooks, Request request) {
    co_return page(*hooks, request);
}

} // namespace

Handler status_pages(StatusHooks hooks) {
    return [kept = std::make_shared<const StatusHooks>(std::move(hooks))](Request request) {
        return answer(kept, std::move(request));
    };
}

} // namespace keygate::admin
