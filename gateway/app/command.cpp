#include "app/command.hpp"

#include "admin/client.hpp"
#include "config/load.hpp"
#include "keys/store.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

namespace json = boost::json;

namespace keygate::app {

namespace {

/// Columns on a screen, not bytes: continuation bytes of UTF-8 take none.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void print_cell(std::ostream& out, std::string_view text, std::size_t columns) {
    out << text << std::string(columns - std::min(columns, width(text)), ' ');
}

/// What an answer says went wrong.
std::string message_of(const admin::Response& response) {
    json::error_code error;
    const auto body = json::parse(response.body, error);
    if (!error && body.is_object()) {
        const auto* problem = body.get_object().if_contains("error");
        const auto* message = problem != nullptr && problem->is_object()
                                  ? problem->get_object().if_contains("message")
                                  : nullptr;
        if (message != nullptr && message->is_string())
            return std::string{message->get_string().c_str()};
    }
    return "answered with status " + std::to_string(response.status) +
           "; is this the admin address of a keygate?";
}

const char* or_address(const config::Settings& settings) {
    return settings.admin && settings.admin->address ? " or the admin address" : "";
}

} // namespace

int reported(std::ostream& err, const std::function<int()>& work) {
    try {
        return work();
    } catch (const CommandError& e) {
        err << "keygate: " << e.what() << '\n';
        return e.status();
    }
}

config::Settings load_settings(const std::string& file) {
    auto loaded = config::load_file(file);
    if (loaded.settings) return std::move(*loaded.settings);
    std::string message = "the configuration cannot be used";
    for (const auto& mistake : loaded.mistakes)
        message += "\n" + config::to_string(mistake);
    throw CommandError(exit_usage, message);
}

std::unique_ptr<AdminLink> open_link(const config::Settings& settings) {
    auto link = open_admin_link(settings);
    if (link) return std::move(*link);
    const auto& fault = link.error();
    if (fault.error == keys::StoreError::in_use)
        throw CommandError(exit_unreachable, settings.store.file +
                                                 " is in use, and no gateway answers on " +
                                                 admin::socket_of(settings) + or_address(settings));
    throw CommandError(exit_unreachable, to_string(fault));
}

std::unique_ptr<AdminLink> open_running_link(const config::Settings& settings) {
    auto link = open_running_admin_link(settings);
    if (!link) throw CommandError(exit_unreachable, to_string(link.error()));
    if (!*link)
        throw CommandError(exit_unreachable, "no gateway answers on " + admin::socket_of(settings) +
                                                 or_address(settings));
    return std::move(*link);
}

std::string succeeded(const admin::Response& response) {
    if (response.status >= 500) throw CommandError(exit_unreachable, message_of(response));
    if (response.status >= 300) throw CommandError(exit_refused, message_of(response));
    return response.body;
}

std::string call(AdminLink& link, const std::string& method, const std::string& target,
                 const std::string& body) {
    auto response = link.call(method, target, body);
    if (!response) throw CommandError(exit_unreachable, to_string(response.error()));
    return succeeded(*response);
}

std::string api_of(const config::Settings& settings, const std::string& named) {
    if (!named.empty()) return named;
    if (settings.apis.size() == 1) return settings.apis.front().name;
    std::string names;
    for (const auto& api : settings.apis)
        names += (names.empty() ? "" : ", ") + api.name;
    throw CommandError(exit_usage, "--api is needed, one of: " + names);
}

std::string query_of(const std::vector<std::pair<std::string, std::string>>& values) {
    std::string query;
    for (const auto& [name, value] : values) {
        if (value.empty()) continue;
        query += query.empty() ? '?' : '&';
        query += name + "=" + admin::percent_encoded(value);
    }
    return query;
}

std::string whole_list(AdminLink& link, const std::string& path,
                       const std::vector<std::pair<std::string, std::string>>& filters) {
    json::array data;
    std::string cursor;
    do {
        auto page_filters = filters;
        page_filters.emplace_back("limit", "100");
        page_filters.emplace_back("cursor", cursor);
        auto page = json::parse(call(link, "GET", path + query_of(page_filters))).as_object();
        for (auto& one : page.at("data").as_array())
            data.push_back(std::move(one));
        const auto& next = page.at("next_cursor");
        cursor = next.is_string() ? std::string{next.get_string().c_str()} : std::string{};
    } while (!cursor.empty());
    json::object list;
    list["object"] = "list";
    list["data"] = std::move(data);
    list["has_more"] = false;
    list["next_cursor"] = nullptr;
    return json::serialize(list);
}

void print_table(std::ostream& out, const Row& titles, const std::vector<Row>& rows) {
    const auto shown = [](const std::string& cell) {
        return cell.empty() ? std::string_view{"-"} : std::string_view{cell};
    };
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < titles.size(); ++i) {
        widths.push_back(width(titles[i]));
        for (const auto& row : rows)
            widths[i] = std::max(widths[i], width(shown(row[i])));
    }
    const auto print = [&](const Row& row) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const bool is_last = i + 1 == row.size();
            print_cell(out, shown(row[i]), is_last ? 0 : widths[i]);
            out << (is_last ? "\n" : "  ");
        }
    };
    print(titles);
    for (const auto& row : rows)
        print(row);
}

void print_pairs(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::size_t widest = 0;
    for (const auto& [name, value] : pairs)
        widest = std::max(widest, width(name));
    for (const auto& [name, value] : pairs) {
        print_cell(out, name, widest);
        out << "  " << (value.empty() ? "-" : value) << '\n';
    }
}

std::string read_input(const std::string& file) {
    if (file == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad()) throw CommandError(exit_usage, file + ": cannot be read");
    return text;
}

} // namespace keygate::app
