#pragma once

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// A head as somebody careless behind the gateway reads it. Where this reader and ours see different
// messages, a request can be smuggled or an identity forged.
namespace keygate::fuzz {

using Names = std::set<std::string, std::less<>>;

struct LenientHead {
    struct Field {
        std::string name; // lower case
        std::string value;

        bool operator==(const Field&) const = default;
    };

    std::string first_line;
    std::vector<Field> fields;
    bool has_strange_line = false; // without a colon

    bool operator==(const LenientHead&) const = default;
};

/// `\n` alone, or `\r` alone as well.
enum class LineEnds { line_feed, any };

inline std::string without_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\v\f\r");
    if (first == text.npos) return {};
    return std::string{text.substr(first, text.find_last_not_of(" \t\v\f\r") - first + 1)};
}

inline std::string in_lower_case(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// A name as it becomes one of a CGI variable, more or less: `X_Key.Id` is `x-key-id`.
inline std::string folded(std::string_view name) {
    std::string out = in_lower_case(name);
    for (char& c : out)
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) c = '-';
    return out;
}

/// Takes any line end, joins folded lines, drops blanks before the colon; ends at an empty line.
inline LenientHead read_leniently(std::string_view text, LineEnds ends) {
    const std::string_view line_ends = ends == LineEnds::any ? "\r\n" : "\n";
    LenientHead head;
    bool is_first = true;
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(line_ends);
        std::string_view line = text.substr(0, end);
        const bool is_pair = end != text.npos && text.substr(end).starts_with("\r\n");
        text = end == text.npos ? std::string_view{} : text.substr(end + (is_pair ? 2 : 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) break;
        if (is_first) {
            head.first_line = line;
            is_first = false;
        } else if ((line.front() == ' ' || line.front() == '\t') && !head.fields.empty()) {
            head.fields.back().value += ' ' + without_blanks(line);
        } else if (const std::size_t colon = line.find(':'); colon != line.npos) {
            head.fields.push_back({in_lower_case(without_blanks(line.substr(0, colon))),
                                   without_blanks(line.substr(colon + 1))});
        } else {
            head.has_strange_line = true;
        }
    }
    return head;
}

/// Values of all fields of that name.
inline std::vector<std::string> values_of(const LenientHead& head, std::string_view name) {
    std::vector<std::string> values;
    for (const LenientHead::Field& field : head.fields)
        if (field.name == name) values.push_back(field.value);
    return values;
}

/// The members of all fields of that name, each of which is a list.
inline std::vector<std::string> members_of(const LenientHead& head, std::string_view name) {
    std::vector<std::string> members;
    for (const std::string& list : values_of(head, name)) {
        std::string_view rest = list;
        while (true) {
            const std::size_t comma = rest.find(',');
            members.push_back(without_blanks(rest.substr(0, comma)));
            if (comma == rest.npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return members;
}

/// The options of all `Connection` fields, in lower case.
inline Names connection_options(const LenientHead& head) {
    Names options;
    for (const std::string& option : members_of(head, "connection"))
        if (!option.empty()) options.insert(in_lower_case(option));
    return options;
}

/// Is there an option that names a field which must not pass? These three are settled elsewhere.
inline bool names_fields(const Names& options) {
    return std::any_of(options.begin(), options.end(), [](const std::string& option) {
        return option != "close" && option != "keep-alive" && option != "upgrade";
    });
}

/// RFC 6455 4.1, 4.2.2: `websocket`, alone, and named by `Connection`.
inline bool asks_for_websocket(const LenientHead& head) {
    const auto upgrades = values_of(head, "upgrade");
    return upgrades.size() == 1 && in_lower_case(upgrades.front()) == "websocket" &&
           connection_options(head).contains("upgrade");
}

/// What a `Trailer` field for the next hop says: of each that was sent, the names that pass.
inline void add_trailer_fields(std::vector<LenientHead::Field>& fields, const LenientHead& sent,
                               const Names& passed) {
    for (const LenientHead::Field& field : sent.fields) {
        if (field.name != "trailer") continue;
        LenientHead one;
        one.fields.push_back(field);
        std::string list;
        for (const std::string& member : members_of(one, "trailer"))
            if (passed.contains(in_lower_case(member))) list += (list.empty() ? "" : ", ") + member;
        if (!list.empty()) fields.push_back({"trailer", list});
    }
}

/// Are these the bytes of one head: printable text in lines that end in CR LF, and one empty line,
/// at the end?
inline bool is_clean_head(std::string_view head) {
    if (!head.ends_with("\r\n\r\n") || head.find("\r\n\r\n") + 4 != head.size()) return false;
    for (std::size_t i = 0; i < head.size(); ++i) {
        const auto byte = static_cast<unsigned char>(head[i]);
        if (byte == '\r' && head.substr(i).starts_with("\r\n"))
            ++i;
        else if (byte != '\t' && (byte < 0x20 || byte == 0x7f))
            return false;
    }
    return true;
}

} // namespace keygate::fuzz
