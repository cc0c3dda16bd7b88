#include "app/owners_commands.hpp"

#include "admin/json.hpp"
#include "admin/message.hpp"
#include "app/command_line.hpp"

#include <boost/json.hpp>

#include <iostream>

namespace json = boost::json;

namespace keygate::app {

namespace {

/// Path and query of one owner.
std::string target_of(const OneOwner& options, const std::string& api) {
    return "/admin/v1/owners/" + admin::percent_encoded(options.id) + query_of({{"api", api}});
}

void print_owner(const admin::Response& response, Console& console) {
    const auto owner = json::parse(response.body).as_object();
    Filters pairs{{"id", text(owner, "id")},
                  {"api", text(owner, "api")},
                  {"name", text(owner, "name")},
                  {"plan", text(owner, "plan")},
                  {"status", text(owner, "status")}};
    const auto* attributes = owner.if_contains("attributes");
    if (attributes != nullptr && attributes->is_object() && !attributes->get_object().empty())
        pairs.emplace_back("attributes", json::serialize(*attributes));
    pairs.emplace_back("etag", shown_etag(response));
    print_pairs(console.out, pairs);
}

/// The owner as it is, to start from: PUT replaces the whole record, and a change of plan must not
/// wake a suspended owner.
struct Before {
    json::object body;
    std::vector<admin::NameValue> condition; // that it still is so
};

Before read_before(AdminLink& link, const std::string& target) {
    const auto response = link.call("GET", target, {});
    if (!response) throw CommandError(exit_unreachable, to_string(response.error()));
    if (response->status != 200) return {{}, {{"If-None-Match", "*"}}};
    Before before{json::parse(response->body).as_object(),
                  {{"If-Match", header(*response, "ETag")}}};
    before.body.erase("object");
    before.body.erase("id");
    return before;
}

std::string changed(json::object body, const std::string& api, const SetOwner& options) {
    body["api"] = api;
    if (options.name) body["name"] = *options.name;
    if (options.plan) body["plan"] = *options.plan;
    if (options.plan && options.plan->empty()) body["plan"] = nullptr;
    if (options.status) body["status"] = *options.status;
    if (options.attributes) {
        auto attributes = admin::parse_object(*options.attributes);
        if (!attributes)
            throw CommandError(exit_usage, "--attributes: " + attributes.error().message);
        body["attributes"] = std::move(*attributes);
    }
    return json::serialize(body);
}

Row row_of(const json::object& owner) {
    return {text(owner, "id"), text(owner, "api"), text(owner, "name"), text(owner, "plan"),
            text(owner, "status")};
}

} // namespace

int set_owner(const SetOwner& options, Console& console) {
    return reported(console.err, [&] {
        const auto settings = load_settings(options.config);
        const auto api = api_of(settings, options.api);
        const auto link = open_link(settings);
        const auto target = target_of(options, api);
        auto before = read_before(*link, target);
        auto headers = headers_of(options);
        if (options.if_match.empty())
            headers.insert(headers.end(), before.condition.begin(), before.condition.end());
        const auto path = target.substr(0, target.find('?'));
        const auto body = changed(std::move(before.body), api, options);
        const auto response = send(*link, {"PUT", path, body, std::move(headers)});
        if (options.json)
            console.out << response.body << '\n';
        else
            print_owner(response, console);
        return exit_done;
    });
}

int show_owner(const OneOwner& options, Console& console) {
    const auto ask = [&](const config::Settings& settings) {
        return Call{"GET", target_of(options, api_of(settings, options.api))};
    };
    return one_call(options, console, ask, print_owner);
}

int list_owners(const ListOwners& options, Console& console) {
    return print_list(options, console,
                      {"/admin/v1/owners",
                       {{"api", options.api}},
                       {"ID", "API", "NAME", "PLAN", "STATUS"},
                       row_of});
}

int delete_owner(const DeleteOwner& options, Console& console) {
    const auto ask = [&](const config::Settings& settings) {
        auto target = target_of(options, api_of(settings, options.api));
        confirm(console, "Delete the owner " + options.id + " and all counts of its use?",
                options.yes);
        return Call{"DELETE", std::move(target), {}, headers_of(options)};
    };
    return one_call(options, console, ask, [&](const admin::Response&, Console& to) {
        to.out << options.id << " is deleted\n";
    });
}

namespace {

/// Adds a command on one owner.
template <class Options>
Command<Options> add_owner_command(CLI::App& owners, Chosen& chosen, const std::string& name,
                                   const std::string& about, int (*run)(const Options&, Console&)) {
    auto added = add_command(owners, chosen, name, about, run);
    added.flags.add_option("--api", added.options.api, "API (may be left out if there is one)");
    added.flags.add_option("--id", added.options.id, "Who it is, as the upstream knows it")
        ->required();
    return added;
}

} // namespace

void add_owners_commands(CLI::App& app, std::function<int()>& chosen) {
    auto* const owners = app.add_subcommand("owners", "Customers, and what they have bought");
    owners->require_subcommand(1);

    auto [set, changes] =
        add_owner_command(*owners, chosen, "set", "Create an owner, or change one", set_owner);
    set.add_option("--name", changes.name, "A name for people");
    set.add_option("--plan", changes.plan, "Plan of the configuration; '' for none");
    set.add_option("--status", changes.status, "active or suspended");
    set.add_option("--attributes", changes.attributes, "A JSON object; replaces the old one");
    add_if_match(set, changes);

    add_owner_command(*owners, chosen, "show", "All about one owner", show_owner);

    auto [list, filters] = add_command(*owners, chosen, "list", "List owners", list_owners);
    list.add_option("--api", filters.api, "Only of this API");
    add_list_flags(list, filters);

    auto [removal, gone] = add_owner_command(*owners, chosen, "delete",
                                             "Remove an owner that has no keys", delete_owner);
    removal.add_flag("-y,--yes", gone.yes, "Do not ask");
    add_if_match(removal, gone);
}

} // namespace keygate::app
