#include "app/import_file.hpp"

#include "admin/json.hpp"
#include "app/limit_words.hpp"
#include "base/ascii.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

namespace json = boost::json;

namespace keygate::app {

namespace {

constexpr std::size_t max_row = 64 * 1024; // bytes; a call takes many rows

const std::vector<std::string>& columns() {
    static const std::vector<std::string> names{
        "digest", "id",     "owner",     "name",      "plan",       "scopes",
        "mode",   "status", "prefix",    "hint",      "created_at", "expires_at",
        "rate",   "quota",  "addresses", "referrers", "endpoints",  "bind"};
    return names;
}

/// Collects rows; refuses what stands there twice.
class Collector {
  public:
    explicit Collector(const std::string& api)
        : api_(api) {}

    void wrong(std::size_t line, std::string message) {
        file_.mistakes.push_back({line, std::move(message)});
    }

    void add(std::size_t line, json::object row) {
        if (is_repeated(line, row, "digest", digests_) || is_repeated(line, row, "id", ids_))
            return;
        row["api"] = api_;
        auto body = json::serialize(row);
        if (body.size() > max_row) return wrong(line, "the row is larger than 64 KiB");
        file_.rows.push_back({line, std::move(body)});
    }

    ImportFile finish() {
        std::stable_sort(file_.mistakes.begin(), file_.mistakes.end(),
                         [](const auto& a, const auto& b) { return a.line < b.line; });
        return std::move(file_);
    }

  private:
    using Seen = std::unordered_map<std::string, std::size_t>;

    bool is_repeated(std::size_t line, const json::object& row, std::string_view name, Seen& seen) {
        const auto* value = row.if_contains({name.data(), name.size()});
        if (value == nullptr || !value->is_string()) return false;
        const auto& text = value->get_string();
        const auto [first, is_new] = seen.emplace(std::string{text.data(), text.size()}, line);
        if (is_new) return false;
        wrong(line,
              "`" + std::string{name} + "`: the same as in line " + std::to_string(first->second));
        return true;
    }

    std::string api_;
    ImportFile file_;
    Seen digests_;
    Seen ids_;
};

/// Reads the records of a CSV text one by one.
class CsvReader {
  public:
    explicit CsvReader(std::string_view text)
        : text_(text) {}

    struct Record {
        std::size_t line = 0;
        std::vector<std::string> cells;
        std::string mistake;

        [[nodiscard]] bool is_blank() const { return cells.size() == 1 && cells[0].empty(); }
    };

    /// The next record, or nothing at the end.
    std::optional<Record> next() {
        if (at_ >= text_.size()) return std::nullopt;
        Record record;
        record.line = line_;
        do
            record.cells.push_back(cell(record.mistake));
        while (take(','));
        if (!record.mistake.empty()) skip_line();
        take('\r');
        if (take('\n')) ++line_;
        return record;
    }

  private:
    [[nodiscard]] bool is_at_end() const {
        return at_ >= text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
    }

    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    void skip_line() {
        while (!is_at_end())
            ++at_;
    }

    std::string cell(std::string& mistake) {
        if (take('"')) return quoted(mistake);
        std::string out;
        while (!is_at_end() && text_[at_] != ',') {
            if (text_[at_] == '"') mistake = "a quote inside a cell that is not quoted";
            out += text_[at_++];
        }
        return std::string{ascii::trimmed(out)};
    }

    std::string quoted(std::string& mistake) {
        std::string out;
        for (;;) {
            if (at_ >= text_.size()) {
                mistake = "a quoted cell does not end";
                return out;
            }
            const char c = text_[at_++];
            if (c == '\n') ++line_;
            if (c != '"')
                out += c;
            else if (take('"'))
                out += '"';
            else
                break;
        }
        if (!is_at_end() && text_[at_] != ',') mistake = "text after a quoted cell";
        return out;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
};

json::array scope_list(std::string_view cell) {
    json::array list;
    if (cell == "-") return list;
    while (!cell.empty()) {
        const auto end = std::min(cell.find(' '), cell.size());
        if (end > 0) list.emplace_back(json::string_view{cell.data(), end});
        cell.remove_prefix(std::min(end + 1, cell.size()));
    }
    return list;
}

/// `GET /v1/a; POST /v1/b`
json::array endpoint_list(std::string_view cell) {
    json::array list;
    while (!cell.empty()) {
        const auto end = std::min(cell.find(';'), cell.size());
        const std::string_view one = ascii::trimmed(cell.substr(0, end));
        if (!one.empty()) list.emplace_back(json::string_view{one.data(), one.size()});
        cell.remove_prefix(std::min(end + 1, cell.size()));
    }
    return list;
}

/// What the words of a cell mean.
json::value value_of_words(const std::string& column, const std::string& cell,
                           std::string& mistake) {
    if (column == "endpoints") return endpoint_list(cell);
    const auto words = words_of(cell);
    if (column == "rate") return rate_from(words, mistake);
    if (column == "quota") return quota_from(words, mistake);
    if (column == "bind") return bind_from(words, mistake);
    return json::value_from(words);
}

/// A JSON value, or words.
json::value json_or_words(const std::string& column, const std::string& cell, std::string& wrong) {
    std::string mistake;
    json::value value;
    if (cell.starts_with('{') || cell.starts_with('[')) {
        // As strict as the body that it becomes a part of.
        auto parsed = admin::parse_object("{\"cell\":" + cell + "}");
        if (!parsed)
            mistake = parsed.error().message;
        else if (parsed->size() != 1)
            mistake = "is more than one JSON value";
        else
            value = std::move(parsed->begin()->value());
    } else {
        value = value_of_words(column, cell, mistake);
    }
    if (!mistake.empty() && wrong.empty()) wrong = "`" + column + "`: " + mistake;
    return value;
}

json::value value_of(const std::string& column, const std::string& cell, std::string& wrong) {
    if (column == "scopes") return scope_list(cell);
    constexpr std::array<std::string_view, 6> of_words{"rate",      "quota",     "addresses",
                                                       "referrers", "endpoints", "bind"};
    if (std::find(of_words.begin(), of_words.end(), column) != of_words.end())
        return json_or_words(column, cell, wrong);
    return json::value(cell);
}

/// The names of the header line; false if rows cannot be read by it.
bool read_header(const CsvReader::Record& header, Collector& out) {
    bool is_good = header.mistake.empty();
    if (!is_good) out.wrong(header.line, header.mistake);
    for (auto name = header.cells.begin(); name != header.cells.end(); ++name) {
        if (std::find(columns().begin(), columns().end(), *name) == columns().end()) {
            out.wrong(header.line,
                      "unknown column `" + *name + "`; " + admin::known_names(*name, columns()));
            is_good = false;
        } else if (std::find(header.cells.begin(), name, *name) != name) {
            out.wrong(header.line, "column `" + *name + "` stands there twice");
            is_good = false;
        }
    }
    if (std::find(header.cells.begin(), header.cells.end(), "digest") == header.cells.end()) {
        out.wrong(header.line, "the first line must name the columns, `digest` among them");
        is_good = false;
    }
    return is_good;
}

void read_csv(std::string_view text, Collector& out) {
    CsvReader reader(text);
    const auto header = reader.next();
    if (!header) return out.wrong(1, "the file is empty");
    if (!read_header(*header, out)) return;
    while (auto record = reader.next()) {
        if (!record->mistake.empty()) {
            out.wrong(record->line, record->mistake);
            continue;
        }
        if (record->is_blank()) continue;
        if (record->cells.size() != header->cells.size()) {
            out.wrong(record->line, "has " + std::to_string(record->cells.size()) +
                                        " cells, the header has " +
                                        std::to_string(header->cells.size()));
            continue;
        }
        json::object row;
        std::string wrong;
        for (std::size_t i = 0; i < record->cells.size(); ++i) {
            const auto& cell = record->cells[i];
            if (cell.empty()) continue;
            row[header->cells[i]] = value_of(header->cells[i], cell, wrong);
        }
        if (!wrong.empty()) {
            out.wrong(record->line, wrong);
            continue;
        }
        out.add(record->line, std::move(row));
    }
}

void read_json_lines(std::string_view text, Collector& out) {
    for (std::size_t line = 1; !text.empty(); ++line) {
        const auto end = std::min(text.find('\n'), text.size());
        auto one = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
        if (ascii::trimmed(one).empty()) continue;
        auto row = admin::parse_object(one);
        if (!row) {
            out.wrong(line, row.error().message);
            continue;
        }
        const auto is_strange = [&](const json::key_value_pair& member) {
            const std::string name{member.key().data(), member.key().size()};
            if (std::find(columns().begin(), columns().end(), name) != columns().end())
                return false;
            out.wrong(line,
                      "unknown member `" + name + "`; " + admin::known_names(name, columns()));
            return true;
        };
        if (std::none_of(row->begin(), row->end(), is_strange)) out.add(line, std::move(*row));
    }
}

} // namespace

ImportFile read_import(std::string_view text, const std::string& api) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (text.substr(0, mark.size()) == mark) text.remove_prefix(mark.size());
    Collector out(api);
    if (!text.empty() && text.front() == '{')
        read_json_lines(text, out);
    else
        read_csv(text, out);
    return out.finish();
}

} // namespace keygate::app
