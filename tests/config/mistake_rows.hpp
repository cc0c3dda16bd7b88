#pragma once

#include <boost/test/unit_test.hpp>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "config_text.hpp"

// Each row edits one place of a configuration that loads, and says which mistakes must be reported,
// to the letter: these sentences are what an operator works with.
namespace keygate::test {

struct MistakeRow {
    std::string_view from;
    std::string_view to;
    std::string_view mistakes; // `line:column: path: message`, one a line
};

/// Each line with the file's name in front, as to_string writes it.
inline std::string in_file(std::string_view mistakes) {
    std::istringstream lines{std::string{mistakes}};
    std::string out;
    for (std::string line; std::getline(lines, line);)
        out += "keygate.yaml:" + line + "\n";
    return out;
}

inline void check_mistakes(const std::vector<MistakeRow>& rows, const Table& variables = {},
                           std::string_view text = good_text) {
    for (const MistakeRow& row : rows) {
        BOOST_TEST_CONTEXT("`" << row.from << "` -> `" << row.to << "`") {
            const auto loaded = load(edited(row.from, row.to, text), variables);
            BOOST_TEST(mistakes_in(loaded) == in_file(row.mistakes));
            BOOST_TEST(!loaded.settings);
        }
    }
}

} // namespace keygate::test
