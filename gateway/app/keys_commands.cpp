#include "app/keys_commands.hpp"

#include "admin/import_api.hpp"
#include "admin/message.hpp"
#include "app/command.hpp"
#include "app/config_option.hpp"
#include "app/import_file.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <iostream>
#include <memory>
#include <span>

#include <unistd.h>

namespace json = boost::json;

namespace keygate::app {

namespace {

// One call of an import: the gateway's bound in rows, and well below its bound in bytes.
constexpr std::size_t max_call_bytes = 512 * 1024;
constexpr std::size_t rows_with_progress = 10'000;

std::string text(const json::value& key, std::string_view name) {
    const auto* value = key.as_object().if_contains({name.data(), name.size()});
    if (value == nullptr || !value->is_string()) return {};
    return std::string{value->get_string().c_str()};
}

std::string scopes_of(const json::value& key) {
    const auto* scopes = key.as_object().if_contains("scopes");
    if (scopes == nullptr || !scopes->is_array()) return {};
    std::string list;
    for (const auto& scope : scopes->get_array()) {
        if (!list.empty()) list += ' ';
        list += scope.as_string().c_str();
    }
    return list;
}

/// `kg_live_abcd…` or `sk_live_…9f3a`
std::string shown_key(const json::value& key) {
    const auto prefix = text(key, "prefix");
    const auto hint = text(key, "hint");
    return prefix.empty() && hint.empty() ? "" : prefix + "…" + hint;
}

std::string create_body(const CreateKey& options, const std::string& api) {
    json::object body;
    body["api"] = api;
    body["owner"] = options.owner;
    if (!options.name.empty()) body["name"] = options.name;
    if (!options.plan.empty()) body["plan"] = options.plan;
    if (!options.mode.empty()) body["mode"] = options.mode;
    if (!options.expires_at.empty()) body["expires_at"] = options.expires_at;
    if (!options.scopes.empty()) body["scopes"] = json::value_from(options.scopes);
    if (options.no_scopes) body["scopes"] = json::array{};
    if (options.force) body["force"] = true;
    return json::serialize(body);
}

using Batch = std::span<const ImportRow>;

std::vector<Batch> batches_of(const std::vector<ImportRow>& rows) {
    std::vector<Batch> batches;
    std::size_t begin = 0;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto size = rows[i].body.size() + 1;
        const bool is_full = i - begin == admin::max_import_rows || bytes + size > max_call_bytes;
        if (i > begin && is_full) {
            batches.emplace_back(rows.data() + begin, i - begin);
            begin = i;
            bytes = 0;
        }
        bytes += size;
    }
    if (begin < rows.size()) batches.emplace_back(rows.data() + begin, rows.size() - begin);
    return batches;
}

std::string import_body(Batch batch) {
    std::string body = R"({"keys":[)";
    for (const auto& row : batch) {
        body += row.body;
        body += ',';
    }
    body.back() = ']';
    return body + '}';
}

/// Tells people how far it is; nobody else.
class Progress {
  public:
    Progress(std::ostream& err, std::size_t all)
        : err_(err)
        , all_(all)
        , is_shown_(all > rows_with_progress && ::isatty(STDERR_FILENO) != 0) {}

    ~Progress() {
        if (is_shown_) err_ << "\r\033[K" << std::flush;
    }

    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(std::string_view what, std::size_t count) {
        if (is_shown_) err_ << '\r' << what << ' ' << count << " of " << all_ << std::flush;
    }

  private:
    std::ostream& err_;
    std::size_t all_;
    bool is_shown_;
};

/// Asks the gateway what it would refuse, and adds that to the mistakes.
void check_rows(AdminLink& link, ImportFile& file, Progress& progress) {
    std::size_t checked = 0;
    for (const auto batch : batches_of(file.rows)) {
        const auto reply = json::parse(
            call(link, "POST", "/admin/v1/keys:import?dry_run=true", import_body(batch)));
        for (const auto& mistake : reply.at("mistakes").as_array()) {
            const auto row = mistake.at("row").to_number<std::size_t>();
            auto message = text(mistake, "message");
            // The gateway counts within one call; people count lines.
            const std::string place = "keys[" + std::to_string(row) + "].";
            const auto found = message.find(place);
            if (found != std::string::npos) message.erase(found, place.size());
            file.mistakes.push_back({batch[row].line, std::move(message)});
        }
        checked += batch.size();
        progress.show("checked", checked);
    }
    std::stable_sort(file.mistakes.begin(), file.mistakes.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
}

int import_through(AdminLink& link, ImportFile& file, const std::string& input, std::ostream& out,
                   std::ostream& err) {
    Progress progress(err, file.rows.size());
    check_rows(link, file, progress);
    if (!file.mistakes.empty()) {
        for (const auto& mistake : file.mistakes)
            err << input << ':' << mistake.line << ": " << mistake.message << '\n';
        throw CommandError(exit_refused, "nothing was imported; mistakes: " +
                                             std::to_string(file.mistakes.size()));
    }
    std::size_t imported = 0;
    const auto so_far = [&] {
        return std::to_string(imported) + " of " + std::to_string(file.rows.size()) + " keys";
    };
    try {
        for (const auto batch : batches_of(file.rows)) {
            (void)call(link, "POST", "/admin/v1/keys:import", import_body(batch));
            imported += batch.size();
            progress.show("imported", imported);
        }
    } catch (const CommandError& e) {
        throw CommandError(e.status(), "imported " + so_far() + ", then: " + e.what());
    }
    out << "imported " << so_far() << '\n';
    return exit_done;
}

} // namespace

int create_key(const CreateKey& options, std::ostream& out, std::ostream& err) {
    return reported(err, [&] {
        const auto settings = load_settings(options.config);
        const auto api = api_of(settings, options.api);
        const auto link = open_link(settings);
        const auto reply = call(*link, "POST", "/admin/v1/keys", create_body(options, api));
        if (options.json) {
            out << reply << '\n';
            return exit_done;
        }
        const auto key = json::parse(reply);
        print_pairs(out, {{"id", text(key, "id")},
                          {"key", text(key, "key")},
                          {"api", text(key, "api")},
                          {"owner", text(key, "owner")},
                          {"name", text(key, "name")},
                          {"mode", text(key, "mode")},
                          {"scopes", scopes_of(key)},
                          {"plan", text(key, "plan")},
                          {"expires", text(key, "expires_at")}});
        err << "The key is shown this once; only its digest is kept.\n";
        return exit_done;
    });
}

int list_keys(const ListKeys& options, std::ostream& out, std::ostream& err) {
    return reported(err, [&] {
        const auto settings = load_settings(options.config);
        const auto link = open_link(settings);
        const auto list = whole_list(
            *link, "/admin/v1/keys",
            {{"api", options.api}, {"owner", options.owner}, {"status", options.status}});
        if (options.json) {
            out << list << '\n';
            return exit_done;
        }
        const auto parsed = json::parse(list);
        std::vector<Row> rows;
        for (const auto& key : parsed.at("data").as_array())
            rows.push_back({text(key, "id"), text(key, "api"), text(key, "owner"),
                            text(key, "name"), shown_key(key), text(key, "mode"),
                            text(key, "status"), text(key, "plan"), text(key, "created_at"),
                            text(key, "expires_at")});
        print_table(
            out,
            {"ID", "API", "OWNER", "NAME", "KEY", "MODE", "STATUS", "PLAN", "CREATED", "EXPIRES"},
            rows);
        return exit_done;
    });
}

int revoke_key(const RevokeKey& options, std::ostream& out, std::ostream& err) {
    return reported(err, [&] {
        const auto settings = load_settings(options.config);
        const auto link = open_link(settings);
        const auto target = "/admin/v1/keys/" + admin::percent_encoded(options.id) + ":revoke";
        const auto key = json::parse(call(*link, "POST", target));
        out << text(key, "id") << " is revoked\n";
        return exit_done;
    });
}

int import_keys(const ImportKeys& options, std::ostream& out, std::ostream& err) {
    return reported(err, [&] {
        const auto settings = load_settings(options.config);
        const auto api = api_of(settings, options.api);
        auto file = read_import(read_input(options.input), api);
        if (file.rows.empty() && file.mistakes.empty())
            throw CommandError(exit_refused, options.input + ": there is no key in it");
        const auto link = open_link(settings);
        return import_through(*link, file, options.input, out, err);
    });
}

void add_keys_commands(CLI::App& app, std::function<int()>& chosen) {
    auto* const keys = app.add_subcommand("keys", "API keys");
    keys->require_subcommand(1);

    auto* const create = keys->add_subcommand("create", "Make a key; it is shown once");
    const auto made = std::make_shared<CreateKey>();
    add_config_option(*create, made->config);
    create->add_option("--api", made->api, "API (may be left out if there is one)");
    create->add_option("--owner", made->owner, "Whose key it is")->required();
    create->add_option("--name", made->name, "A label for people");
    create->add_option("--plan", made->plan, "Plan of this key, instead of the owner's");
    auto* const scope = create
                            ->add_option("--scope", made->scopes,
                                         "A scope of the key; again for more; without it the "
                                         "profile's default")
                            ->expected(1)
                            ->take_all();
    create->add_flag("--no-scopes", made->no_scopes, "No scopes at all")->excludes(scope);
    create->add_option("--mode", made->mode, "live (default) or test");
    create->add_option("--expires-at", made->expires_at, "RFC 3339: 2027-01-31T00:00:00Z");
    create->add_flag("--force", made->force, "Even if the plan has no API access");
    create->add_flag("--json", made->json, "Answer for programs");
    create->callback(
        [&chosen, made] { chosen = [made] { return create_key(*made, std::cout, std::cerr); }; });

    auto* const list = keys->add_subcommand("list", "List keys in the order of creation");
    const auto filters = std::make_shared<ListKeys>();
    add_config_option(*list, filters->config);
    list->add_option("--api", filters->api, "Only of this API");
    list->add_option("--owner", filters->owner, "Only of this owner");
    list->add_option("--status", filters->status, "active, disabled, revoked or expired");
    list->add_flag("--json", filters->json, "Answer for programs");
    list->callback([&chosen, filters] {
        chosen = [filters] { return list_keys(*filters, std::cout, std::cerr); };
    });

    auto* const revoke =
        keys->add_subcommand("revoke", "End a key for good, from the next request");
    const auto ended = std::make_shared<RevokeKey>();
    add_config_option(*revoke, ended->config);
    revoke->add_option("ID", ended->id, "The key's id: key_…")->required();
    revoke->callback([&chosen, ended] {
        chosen = [ended] { return revoke_key(*ended, std::cout, std::cerr); };
    });

    auto* const import = keys->add_subcommand("import", "Bring in keys that exist already");
    const auto brought = std::make_shared<ImportKeys>();
    add_config_option(*import, brought->config);
    import->add_option("--api", brought->api, "API (may be left out if there is one)");
    import
        ->add_option("INPUT", brought->input,
                     "CSV with a header line, or JSON lines; - for standard input. Columns: digest "
                     "(sha256:<hex>), id, owner, name, plan, scopes (separated by spaces; - for "
                     "none), mode, status, prefix, hint, created_at, expires_at")
        ->required();
    import->callback([&chosen, brought] {
        chosen = [brought] { return import_keys(*brought, std::cout, std::cerr);
};
} // namespace keygate::app
);
}

} // namespace keygate::app
