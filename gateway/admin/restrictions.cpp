#include "admin/restrictions.hpp"

#include "keys/restrictions.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace json = boost::json;

namespace keygate::admin {

namespace {

constexpr std::size_t most_bytes = 16 * 1024; // of one of them, as JSON

template <class Texts> void check_size(Members& in, std::string_view name, const Texts& texts) {
    if (!texts.empty() && keys::json_of(texts).size() > most_bytes)
        in.wrong(name, "at most " + std::to_string(most_bytes) + " bytes");
}

} // namespace

std::vector<std::string> read_restriction(Members& in, std::string_view name) {
    const auto texts = in.texts(name);
    if (!texts) return {};
    const auto is_empty = [](const std::string& text) { return text.empty(); };
    if (texts->empty())
        in.wrong(name, "must hold one or more texts; leave it out for no restriction");
    else if (std::any_of(texts->begin(), texts->end(), is_empty))
        in.wrong(name, "a text must not be empty");
    check_size(in, name, *texts);
    return *texts;
}

keys::TextMap read_bind(Members& in, const keys::ApiNames& api) {
    const auto* const object = in.object("bind");
    if (object == nullptr) return {};
    if (object->empty()) in.wrong("bind", "must hold one or more members; leave it out for none");
    keys::TextMap texts;
    for (const auto& member : *object) {
        const std::string name{member.key().data(), member.key().size()};
        const auto& known = api.bind_members;
        // Nothing would ever be compared with it.
        if (std::find(known.begin(), known.end(), name) == known.end())
            in.wrong("bind", "no path of the API is bound to `" + shown_name(name) + "`; " +
                                 known_names(name, known));
        const auto* const text = member.value().if_string();
        if (text == nullptr || text->empty())
            in.wrong("bind." + shown_name(name), "must be text that is not empty");
        else
            texts.emplace(name, std::string{text->data(), text->size()});
    }
    check_size(in, "bind", texts);
    return texts;
}

Checked<void> judge_restrictions(const keys::KeyRecord& record, const std::string& prefix) {
    const auto read = keys::read_restrictions(record);
    if (!read.value) return problem_of(read.wrong, prefix);
    return {};
}

} // namespace keygate::admin
