#include "config/report.hpp"

#include "config/text.hpp"

#include <algorithm>
#include <tuple>

namespace keygate::config {

std::vector<Mistake> Report::sorted() const {
    std::vector<Mistake> all = mistakes_;
    std::stable_sort(all.begin(), all.end(), [](const Mistake& a, const Mistake& b) {
        return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
    });
    return all;
}

std::string to_string(const Mistake& mistake) {
    std::string out = mistake.file + ":";
    if (mistake.place.line > 0)
        out +=
            std::to_string(mistake.place.line) + ":" + std::to_string(mistake.place.column) + ":";
    // Escapes of YAML can write anything into a name, and terminals obey what is printed on them.
    if (!mistake.path.empty()) out += " " + escaped(mistake.path) + ":";
    return out + " " + escaped(mistake.message);
}

} // namespace keygate::config
