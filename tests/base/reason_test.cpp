// The closed list of reasons, against everything that must know all of it: its own names, the
// shipped profiles and the table in README.md.
#include "base/reason.hpp"
#include "config/load.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace keygate;

namespace {

const std::filesystem::path source{KEYGATE_SOURCE_DIR};

/// The words that reasons begin with: each names the file that decides it.
const std::set<std::string> families{"auth",  "key",         "tenant", "plan",        "owner",
                                     "scope", "restriction", "rate",   "concurrency", "quota",
                                     "route", "head",        "target", "body",        "client",
                                     "store", "upstream"};

config::Profile profile_of(const std::string& name_or_path) {
    const std::string text =
        "version: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\napis:\n  a:\n    profile: \"" +
        name_or_path +
        "\"\n    upstreams:\n      live: {servers: [\"http://127.0.0.1:1\"]}\n"
        "    routes: {GET /: public}\n";
    const config::Loaded loaded =
        config::load(text, "reasons.yaml", config::process_surroundings());
    for (const config::Mistake& mistake : loaded.mistakes)
        BOOST_TEST_ERROR(config::to_string(mistake));
    BOOST_TEST_REQUIRE(loaded.settings.has_value());
    return loaded.settings->apis.front().profile;
}

/// The cells of a line of a table, without their spaces and back quotes.
std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream text{line};
    for (std::string cell; std::getline(text, cell, '|');) {
        std::string plain;
        for (const char c : cell)
            if (c != '`') plain += c;
        const auto first = plain.find_first_not_of(' ');
        const auto last = plain.find_last_not_of(' ');
        cells.push_back(first == std::string::npos ? "" : plain.substr(first, last - first + 1));
    }
    if (!cells.empty()) cells.erase(cells.begin()); // before the first bar
    return cells;
}

struct Row {
    std::string status;
    std::string code;
};

/// The rows of README.md that begin with the name of one reason, in back quotes, and a status.
std::map<std::string, Row> rows_of_readme(std::istream& readme) {
    std::map<std::string, Row> rows;
    for (std::string line; std::getline(readme, line);) {
        if (!line.starts_with("| `")) continue;
        const auto cells = cells_of(line);
        if (cells.size() < 3) continue;
        const bool is_status =
            cells[1].size() == 3 && cells[1].find_first_not_of("0123456789") == std::string::npos;
        if (!is_status) continue;
        BOOST_TEST(rows.emplace(cells[0], Row{cells[1], cells[2]}).second,
                   cells[0] << " stands there twice");
    }
    return rows;
}

} // namespace

BOOST_AUTO_TEST_SUITE(base_reason)

BOOST_AUTO_TEST_CASE(every_reason_has_a_name_of_its_own) {
    std::set<std::string_view> names;
    for (const Reason reason : all_reasons()) {
        BOOST_TEST(!name(reason).empty());
        BOOST_TEST(names.insert(name(reason)).second, name(reason));
        BOOST_TEST((reason_named(name(reason)) == reason), name(reason));
        BOOST_TEST((all_reasons()[index(reason)] == reason));
    }
    BOOST_TEST(names.size() == reason_count);
}

BOOST_AUTO_TEST_CASE(what_is_no_reason_has_none) {
    for (const char* const text :
         {"", "auth", "AUTH_MISSING", "auth_missing ", "auth-missing", "allowed", "canceled"})
        BOOST_TEST(!reason_named(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(the_first_word_of_a_reason_is_a_family) {
    for (const Reason reason : all_reasons()) {
        const std::string text{name(reason)};
        if (reason == Reason::lockout || reason == Reason::overloaded) continue; // families of one
        BOOST_TEST(families.contains(text.substr(0, text.find('_'))), text);
    }
}

BOOST_AUTO_TEST_CASE(every_shipped_profile_answers_every_reason) {
    std::size_t profiles = 0;
    for (const auto& file : std::filesystem::directory_iterator{source / "config" / "profiles"}) {
        ++profiles;
        BOOST_TEST_CONTEXT(file.path().filename()) {
            const config::Profile profile = profile_of(file.path().string());
            for (const Reason reason : all_reasons()) {
                BOOST_TEST_CONTEXT(name(reason)) {
                    const config::Answer& answer = profile.answers[index(reason)];
                    BOOST_TEST(answer.status >= 400);
                    BOOST_TEST(answer.status < 600);
                    BOOST_TEST(!answer.code.empty());
                    BOOST_TEST(!answer.message.empty());
                    // Our own trouble is never told as the key's.
                    const std::string text{name(reason)};
                    if (text.starts_with("store_") || text.starts_with("upstream_") ||
                        text == "overloaded")
                        BOOST_TEST(answer.status >= 500);
                }
            }
        }
    }
    BOOST_TEST(profiles >= 2U);
}

BOOST_AUTO_TEST_CASE(the_profiles_in_the_binary_are_the_files) {
    for (const auto& file : std::filesystem::directory_iterator{source / "config" / "profiles"}) {
        const std::string stem = file.path().stem().string();
        BOOST_TEST_CONTEXT(stem) {
            const config::Profile shipped = profile_of(stem);
            const config::Profile written = profile_of(file.path().string());
            for (const Reason reason : all_reasons()) {
                BOOST_TEST(shipped.answers[index(reason)].status ==
                           written.answers[index(reason)].status);
                BOOST_TEST(shipped.answers[index(reason)].code ==
                           written.answers[index(reason)].code);
                BOOST_TEST(shipped.answers[index(reason)].message ==
                           written.answers[index(reason)].message);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_table_in_the_readme_is_the_default_profile) {
    std::ifstream readme{source / "README.md"};
    BOOST_TEST_REQUIRE(readme.is_open());
    const auto rows = rows_of_readme(readme);
    const config::Profile profile = config::default_profile();
    for (const Reason reason : all_reasons()) {
        BOOST_TEST_CONTEXT(name(reason)) {
            const auto row = rows.find(std::string{name(reason)});
            BOOST_TEST((row != rows.end()), "has no row in README.md");
            if (row == rows.end()) continue;
            const config::Answer& answer = profile.answers[index(reason)];
            BOOST_TEST(row->second.status == std::to_string(answer.status));
            BOOST_TEST(row->second.code == answer.code);
        }
    }
    for (const auto& [text, row] : rows)
        BOOST_TEST(reason_named(text).has_value(), text << " in README.md is no reason");
}

BOOST_AUTO_TEST_SUITE_END()
