#include "app/command.hpp"

#include "admin/client.hpp"
#include "base/ascii.hpp"
#include "config/load.hpp"
#include "keys/store.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include <unistd.h>

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

Console standard_console() {
    return {std::cin, std::cout, std::cerr, ::isatty(STDIN_FILENO) != 0};
}

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

admin::Response send(AdminLink& link, const Call& call) {
    auto response = link.call(call.method, call.target, call.body, call.headers);
    if (!response) throw CommandError(exit_unreachable, to_string(response.error()));
    (void)succeeded(*response);
    return std::move(*response);
}

std::string call(AdminLink& link, const std::string& method, const std::string& target,
                 const std::string& body) {
    return send(link, {method, target, body}).body;
}

std::vector<admin::NameValue> headers_of(const WriteOptions& options) {
    std::vector<admin::NameValue> headers;
    const auto add = [&](const char* flag, const char* name, std::string value) {
        const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
        if (value.empty()) return;
        if (!std::all_of(value.begin(), value.end(), is_visible))
            throw CommandError(exit_usage, std::string{flag} + ": visible ASCII characters only");
        headers.emplace_back(name, std::move(value));
    };
    const auto& etag = options.if_match;
    const bool is_bare = !etag.empty() && etag != "*" && etag.find('"') == std::string::npos;
    add("--if-match", "If-Match", is_bare ? '"' + etag + '"' : etag);
    add("--idempotency-key", "Idempotency-Key", options.idempotency_key);
    return headers;
}

std::string header(const admin::Response& response, std::string_view name) {
    for (const auto& [field, value] : response.headers)
        if (ascii::equal_ignoring_case(field, name)) return value;
    return {};
}

std::string shown_etag(const admin::Response& response) {
    auto etag = header(response, "ETag");
    etag.erase(std::remove(etag.begin(), etag.end(), '"'), etag.end());
    return etag;
}

int one_call(const CommonOptions& options, Console& console, const Ask& ask, const Print& print) {
    return reported(console.err, [&] {
        const auto settings = load_settings(options.config);
        const auto call = ask(settings);
        const auto link = open_link(settings);
        const auto response = send(*link, call);
        if (!options.json)
            print(response, console);
        else if (!response.body.empty())
            console.out << response.body << '\n';
        return exit_done;
    });
}

std::string api_of(const config::Settings& settings, const std::string& named) {
    if (!named.empty()) return named;
    if (settings.apis.size() == 1) return settings.apis.front().name;
    std::string names;
    for (const auto& api : settings.apis)
        names += (names.empty() ? "" : ", ") + api.name;
    throw CommandError(exit_usage, "--api is needed, one of: " + names);
}

std::string query_of(const Filters& values) {
    std::string query;
    for (const auto& [name, value] : values) {
        if (value.empty()) continue;
        query += query.empty() ? '?' : '&';
        query += name + "=" + admin::percent_encoded(value);
    }
    return query;
}

std::string text(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains({name.data(), name.size()});
    if (value == nullptr || !value->is_string()) return {};
    return {value->get_string().data(), value->get_string().size()};
}

Table::Table(std::ostream& out, Row titles)
    : out_(out)
    , titles_(std::move(titles)) {
    for (const auto& title : titles_)
        widths_.push_back(width(title));
}

void Table::add(const std::vector<Row>& rows) {
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths_[i] = std::max(widths_[i], width(row[i]));
    if (!has_titles_) print(titles_);
    has_titles_ = true;
    for (const auto& row : rows)
        print(row);
}

void Table::print(const Row& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
        const bool is_last = i + 1 == row.size();
        print_cell(out_, row[i].empty() ? "-" : row[i], is_last ? 0 : widths_[i]);
        out_ << (is_last ? "\n" : "  ");
    }
}

namespace {

/// Whom a list is printed for.
class ListPrinter {
  public:
    ListPrinter(const ListOptions& options, Console& console, const Listing& listing)
        : out_(console.out)
        , row_of_(listing.row_of)
        , table_(console.out, listing.titles)
        , is_json_(options.json) {}

    void add(const json::array& page) {
        if (!is_json_) return add_rows(page);
        if (!is_begun_) out_ << R"({"object":"list","data":[)";
        for (const auto& one : page) {
            out_ << (count_ == 0 ? "" : ",") << json::serialize(one);
            ++count_;
        }
        is_begun_ = true;
    }

    void end(const json::value& next) {
        if (!is_json_) return;
        out_ << R"(],"has_more":)" << (next.is_null() ? "false" : "true") << R"(,"next_cursor":)"
             << json::serialize(next) << "}\n";
    }

  private:
    void add_rows(const json::array& page) {
        std::vector<Row> rows;
        for (const auto& one : page)
            rows.push_back(row_of_(one.as_object()));
        table_.add(rows);
    }

    std::ostream& out_;
    Row (*row_of_)(const json::object&);
    Table table_;
    bool is_json_;
    bool is_begun_ = false;
    std::size_t count_ = 0;
};

} // namespace

int print_list(const ListOptions& options, Console& console, const Listing& listing) {
    constexpr std::size_t page_rows = 100;
    return reported(console.err, [&] {
        const auto settings = load_settings(options.config);
        const auto link = open_link(settings);
        ListPrinter printer(options, console, listing);
        json::value next(options.cursor);
        for (std::size_t left = options.limit;;) {
            const bool has_end = options.limit > 0;
            auto filters = listing.filters;
            filters.emplace_back("limit",
                                 std::to_string(has_end ? std::min(left, page_rows) : page_rows));
            filters.emplace_back("cursor", next.as_string().c_str());
            const auto page =
                json::parse(call(*link, "GET", listing.path + query_of(filters))).as_object();
            // A page may be short, and even empty, and not be the last.
            const auto& rows = page.at("data").as_array();
            next = page.at("next_cursor");
            printer.add(rows);
            left -= std::min(left, rows.size());
            if (next.is_null() || (has_end && left == 0)) break;
        }
        printer.end(next);
        return exit_done;
    });
}

void print_pairs(std::ostream& out, const Filters& pairs) {
    std::size_t widest = 0;
    for (const auto& [name, value] : pairs)
        widest = std::max(widest, width(name));
    for (const auto& [name, value] : pairs) {
        print_cell(out, name, widest);
        out << "  " << (value.empty() ? "-" : value) << '\n';
    }
}

void confirm(Console& console, const std::string& question, bool is_agreed) {
    if (is_agreed) return;
    if (!console.is_person)
        throw CommandError(exit_usage, "nobody can be asked here; --yes says that it is meant");
    console.err << question << " [y/N] " << std::flush;
    std::string answer;
    std::getline(console.in, answer);
    if (answer != "y" && answer != "Y" && answer != "yes")
        throw CommandError(exit_refused, "nothing was changed");
}

std::string read_input(const std::string& file, Console& console) {
    if (file == "-") return {std::istreambuf_iterator<char>(console.in), {}};
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad()) throw CommandError(exit_usage, file + ": cannot be read");
    return text;
}

} // namespace keygate::app
