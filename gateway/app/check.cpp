#include "app/check.hpp"

#include "config/load.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

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

} // namespace

int check(const CheckOptions& options, std::ostream& out, std::ostream& err) {
    const config::Loaded loaded = config::load_file(options.file);
    if (options.json)
        write_json(options, loaded, out);
    else
        write_text(options, loaded, out, err);
    return loaded.settings ? 0 : 1;
}

} // namespace keygate::app
