#include "app/owners_commands.hpp"

#include "admin/message.hpp"
#include "app/command.hpp"
#include "app/config_option.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <iostream>
#include <memory>

namespace json = boost::json;

namespace keygate::app {

namespace {

std::string text(const json::value& owner, std::string_view name) {
    const auto* value = owner.as_object().if_contains({name.data(), name.size()});
    if (value == nullptr || !value->is_string()) return {};
    return std::string{value->get_string().c_str()};
}

int set_owner_through(AdminLink& link, const std::string& api, const SetOwner& options,
                      std::ostream& out) {
    const std::string path = "/admin/v1/owners/" + admin::percent_encoded(options.id);
    // PUT replaces the whole record: start from what there is, so that a change of plan does not
    // wake a suspended owner.
    json::object body;
    const auto before = link.call("GET", path + query_of({{"api", api}}), {});
    if (!before) throw CommandError(exit_unreachable, to_string(before.error()));
    if (before->status == 200) {
        body = json::parse(before->body).as_object();
        body.erase("object");
        body.erase("id");
    }
    body["api"] = api;
    if (options.name) body["name"] = *options.name;
    if (options.plan) body["plan"] = *options.plan;
    if (options.plan && options.plan->empty()) body["plan"] = nullptr;
    if (options.status) body["status"] = *options.status;

    const auto reply = call(link, "PUT", path, json::serialize(body));
    if (options.json) {
        out << reply << '\n';
        return exit_done;
    }
    const auto owner = json::parse(reply);
    print_pairs(out, {{"id", text(owner, "id")},
                      {"api", text(owner, "api")},
                      {"name", text(owner, "name")},
                      {"plan", text(owner, "plan")},
                      {"status", text(owner, "status")}});
    return exit_done;
}

} // namespace

int set_owner(const SetOwner& options, std::ostream& out, std::ostream& err) {
    return reported(err, [&] {
        const auto settings = load_settings(options.config);
        const auto api = api_of(settings, options.api);
        const auto link = open_link(settings);
        return set_owner_through(*link, api, options, out);
    });
}

int list_owners(const ListOwners& options, std::ostream& out, std::ostream& err) {
    return reported(err, [&] {
        const auto settings = load_settings(options.config);
        const auto link = open_link(settings);
        const auto list = whole_list(*link, "/admin/v1/owners", {{"api", options.api}});
        if (options.json) {
            out << list << '\n';
            return exit_done;
        }
        const auto parsed = json::parse(list);
        std::vector<Row> rows;
        for (const auto& owner : parsed.at("data").as_array())
            rows.push_back({text(owner, "id"), text(owner, "api"), text(owner, "name"),
                            text(owner, "plan"), text(owner, "status")});
        print_table(out, {"ID", "API", "NAME", "PLAN", "STATUS"}, rows);
        return exit_done;
    });
}

void add_owners_commands(CLI::App& app, std::function<int()>& chosen) {
    auto* const owners = app.add_subcommand("owners", "Customers, and what they have bought");
    owners->require_subcommand(1);

    auto* const set = owners->add_subcommand("set", "Create an owner, or change one");
    const auto changes = std::make_shared<SetOwner>();
    add_config_option(*set, changes->config);
    set->add_option("--api", changes->api, "API (may be left out if there is one)");
    set->add_option("--id", changes->id, "Who it is, as the upstream knows it")->required();
    set->add_option("--name", changes->name, "A name for people");
    set->add_option("--plan", changes->plan, "Plan of the configuration; '' for none");
    set->add_option("--status", changes->status, "active or suspended");
    set->add_flag("--json", changes->json, "Answer for programs");
    set->callback([&chosen, changes] {
        chosen = [changes] { return set_owner(*changes, std::cout, std::cerr); };
    });

    auto* const list = owners->add_subcommand("list", "List owners");
    const auto filters = std::make_shared<ListOwners>();
    add_config_option(*list, filters->config);
    list->add_option("--api", filters->api, "Only of this API");
    list->add_flag("--json", filters->json, "Answer for programs");
    list->callback([&chosen, filters] {
        chosen = [filters] { return list_owners(*filters, std::cout, std::cerr); };
    });
}

} // namespace keygate::app
