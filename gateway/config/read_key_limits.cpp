#include "config/read_limits.hpp"
#include "config/report.hpp"

#include <iterator>

namespace keygate::config {

namespace {

constexpr std::size_t longest_text = 4096;

/// A mistake of the parser knows nothing of the field that it is in.
std::string below(const std::string& field, const std::string& path) {
    if (path.empty() || path.front() == '[') return field + path;
    return field + '.' + path;
}

/// Parses one field and has it read.
/// @returns  what is wrong with it; empty if nothing is.
template <class Read>
std::string read_field(const std::string& field, const std::string& text, const Read& read) {
    const auto told = [](const std::string& path, const Report& report) {
        return escaped(path + ": " + report.sorted().front().message);
    };
    if (text.size() > longest_text) return field + ": expected at most 4096 bytes";
    Report parsed{field};
    const auto tree = parse_tree(text, parsed, TextOf::record);
    if (!parsed.empty()) return told(below(field, parsed.sorted().front().path), parsed);
    Report judged{field};
    if (tree) read(View{*tree, field, tree->place, judged});
    return judged.empty() ? std::string{} : told(judged.sorted().front().path, judged);
}

} // namespace

Judged<KeyLimits> read_key_limits(const std::string& rate, const std::string& quota,
                                  const std::string& zone) {
    const LimitHome home{LimitOf::key};
    std::vector<Limit> limits; // both, so that no two of them have one name
    KeyLimits out;
    std::string wrong;
    if (!rate.empty())
        wrong = read_field("rate", rate, [&](const View& v) { read_rates(v, home, limits); });
    if (!wrong.empty()) return Judged<KeyLimits>::bad(std::move(wrong));
    if (!rate.empty()) out.rates = limits;
    if (!quota.empty())
        wrong =
            read_field("quota", quota, [&](const View& v) { read_quotas(v, home, zone, limits); });
    if (!wrong.empty()) return Judged<KeyLimits>::bad(std::move(wrong));
    const auto first = static_cast<std::ptrdiff_t>(out.rates ? out.rates->size() : 0);
    out.quotas.assign(std::make_move_iterator(limits.begin() + first),
                      std::make_move_iterator(limits.end()));
    return Judged<KeyLimits>::good(std::move(out));
}

} // namespace keygate::config
