#include "app/check.hpp"

#include "config/load.hpp"
#include "net/tls_context.hpp"
#include "net/tls_tickets.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <memory>
#include <ostream>

namespace keygate::app {

namespace {

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string summary(const config::Settings& settings) {
    std::size_t plans = 0;
    std::size_t routes = 0;
    for (const config::Api& api : settings.apis) {
        plans += api.plans.size();
        routes += api.routes.size();
    }
    return settings.file + ": ok: " + counted(settings.listeners.size(), "listener", "listeners") +
           ", " + counted(settings.apis.size(), "API", "APIs") + ", " +
           counted(plans, "plan", "plans") + ", " + counted(routes, "route", "routes");
}

void write_json(const CheckOptions& options, const config::Loaded& loaded, std::ostream& out) {
    boost::json::array mistakes;
    for (const config::Mistake& mistake : loaded.mistakes)
        mistakes.push_back(boost::json::object{{"file", mistake.file},
                                               {"line", mistake.place.line},
                                               {"column", mistake.place.column},
                                               {"path", mistake.path},
                                               {"message", mistake.message}});
    boost::json::object reply{{"ok", loaded.mistakes.empty()}, {"mistakes", std::move(mistakes)}};
    if (options.print && loaded.settings) reply["configuration"] = config::print(*loaded.settings);
    out << boost::json::serialize(reply) << '\n';
}

void write_text(const CheckOptions& options, const config::Loaded& loaded, std::ostream& out,
                std::ostream& err) {
    for (const config::Mistake& mistake : loaded.mistakes)
        err << to_string(mistake) << '\n';
    if (!loaded.settings)
        err << counted(loaded.mistakes.size(), "mistake", "mistakes") << '\n';
    else if (options.print)
        out << config::print(*loaded.settings);
    else
        out << summary(*loaded.settings) << '\n';
}

/// Certificates and keys are read as the gateway would: those who make them are others than those
/// who write the configuration.
class TlsFiles {
  public:
    void read(config::Loaded& loaded) {
        if (!loaded.settings) return;
        file_ = loaded.settings->file;
        const auto tickets = std::make_shared<net::TlsTickets>();
        for (std::size_t i = 0; i < loaded.settings->listeners.size(); ++i) {
            const config::Listener& listener = loaded.settings->listeners[i];
            if (!listener.tls) continue;
            const auto made = net::TlsServer::make(*listener.tls, listener.address, tickets);
            if (made)
                warnings_.insert(warnings_.end(), (*made)->warnings().begin(),
                                 (*made)->warnings().end());
            else
                add(listener.place, "listeners[" + std::to_string(i) + "].tls", made.error());
        }
        for (const config::Api& api : loaded.settings->apis)
            read(api);
        if (mistakes_.empty()) return;
        loaded.settings.reset();
        loaded.mistakes = std::move(mistakes_);
    }

    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    void read(const config::Api& api) {
        read(api, "live", api.live);
        if (api.test) read(api, "test", *api.test);
        for (const config::NamedUpstream& other : api.others)
            read(api, other.name, other.upstream);
    }

    void read(const config::Api& api, const std::string& name, const config::Upstream& upstream) {
        const auto secure =
            std::find_if(upstream.servers.begin(), upstream.servers.end(), [](const auto& server) {
                return server.scheme == config::Server::Scheme::https;
            });
        if (secure == upstream.servers.end()) return;
        if (const auto made = net::TlsClient::make(upstream.tls); !made)
            add(secure->place, "apis." + api.name + ".upstreams." + name + ".tls", made.error());
    }

    void add(config::Place place, std::string path, const Fault& fault) {
        mistakes_.push_back({file_, place, std::move(path), to_string(fault)});
    }

    std::string file_;
    std::vector<config::Mistake> mistakes_;
    std::vector<std::string> warnings_;
};

} // namespace

int check(const CheckOptions& options, std::ostream& out, std::ostream& err) {
    config::Loaded loaded = config::load_file(options.file);
    TlsFiles files;
    files.read(loaded);
    for (const std::string& warning : files.warnings())
        err << warning << '\n';
    if (options.json)
        write_json(options, loaded, out);
    else
        write_text(options, loaded, out, err);
    return loaded.settings ? 0 : 1;
}

} // namespace keygate::app
