// The one file that includes yaml-cpp. What its parser says becomes a tree of our own (tree.hpp),
// and what it would let pass in silence (see there) becomes a mistake. It is driven by events and
// not by YAML::Node: aliases are copied under our own bound instead of being followed without one,
// and names keep their places.

#include "config/load.hpp"

#include "config/check_limits.hpp"
#include "config/expand.hpp"
#include "config/explain.hpp"
#include "config/paths.hpp"
#include "config/profiles.hpp"
#include "config/read_settings.hpp"
#include "config/ties.hpp"
#include "config/tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

namespace keygate::config {

namespace {

constexpr std::size_t largest_file = 16U * 1024 * 1024;
constexpr std::size_t deepest = 32;        // a configuration needs 8 levels
constexpr std::size_t heaviest = 200'000;  // nodes, aliases counted as what they stand for
constexpr std::size_t bytes_per_node = 64; // so that a long text counts for more than one

/// Ends the parsing of what is not one document of a sane size; never leaves this file.
struct Stop {
    Place place;
    std::string message;
};

Place place_of(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

class TreeBuilder final : public YAML::EventHandler {
  public:
    TreeBuilder(std::string_view text, Report& report, TextOf source)
        : text_(text)
        , source_(source)
        , report_(report)
        , names_(report.file()) {}

    void OnDocumentStart(const YAML::Mark& mark) override { start_ = place_of(mark); }

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(node(Node::Kind::null, mark), anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        check_tag(mark, tag);
        check_quote(mark);
        Node scalar = node(Node::Kind::scalar, mark);
        scalar.text = value;
        scalar.is_quoted = tag == "!"; // of plain ones it is `?`
        add(std::move(scalar), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override {
        open(Node::Kind::list, mark, tag, anchor, style);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override {
        open(Node::Kind::map, mark, tag, anchor, style);
    }

    void OnMapEnd() override { close(); }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (source_ == TextOf::record) throw Stop{place_of(mark), "aliases are not available here"};
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) throw Stop{place_of(mark), "this alias contains itself"};
        weigh(known->second, place_of(mark));
        Node copy = known->second;
        copy.place = place_of(mark);
        add(std::move(copy), YAML::NullAnchor);
    }

    [[nodiscard]] std::optional<Node>& root() { return root_; }

    [[nodiscard]] Place start() const { return start_; }

    /// What is wrong with names, once the document is known to be YAML.
    [[nodiscard]] const Report& names() const { return names_; }

    /// Where the innermost flow collection that is still open began.
    [[nodiscard]] std::optional<Place> open_flow() const {
        for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame)
            if (frame->is_flow) return frame->node.place;
        return std::nullopt;
    }

  private:
    struct Frame {
        Node node;
        YAML::anchor_t anchor;
        bool is_flow;
        std::optional<Key> key; // of a mapping whose value is awaited
        bool drop = false;      // its name was no name
    };

    static Node node(Node::Kind kind, const YAML::Mark& mark) {
        Node made;
        made.kind = kind;
        made.place = place_of(mark);
        return made;
    }

    void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
              YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
        check_tag(mark, tag);
        if (frames_.size() >= deepest)
            throw Stop{place_of(mark),
                       "nested more than " + std::to_string(deepest) + " levels deep"};
        frames_.push_back({node(kind, mark), anchor, style == YAML::EmitterStyle::Flow, {}, false});
    }

    void close() {
        Frame frame = std::move(frames_.back());
        frames_.pop_back();
        add(std::move(frame.node), frame.anchor);
    }

    /// A finished node takes its place in what contains it.
    void add(Node made, YAML::anchor_t anchor) {
        // An absent value has no place of its own; the parser gives it that of the next token.
        if (made.kind == Node::Kind::null && !frames_.empty() && frames_.back().key)
            made.place = frames_.back().key->place;
        weigh_one(made, made.place);
        if (anchor != YAML::NullAnchor) {
            weigh(made, made.place);
            anchors_[anchor] = made;
        }
        if (frames_.empty()) {
            root_ = std::move(made);
            return;
        }
        Frame& frame = frames_.back();
        if (frame.node.kind == Node::Kind::list)
            frame.node.items.push_back(std::move(made));
        else if (!frame.key)
            add_key(frame, made);
        else {
            if (!frame.drop) frame.node.entries.push_back({std::move(*frame.key), std::move(made)});
            frame.key.reset();
        }
    }

    void add_key(Frame& frame, const Node& made) {
        frame.key = Key{made.text, made.place};
        frame.drop = true;
        if (made.kind != Node::Kind::scalar || made.text.empty())
            names_.add(
                made.place, path(),
                "a name must be a text; quote one that begins with `[` or `{`, and `null` or `~`");
        else if (made.text == "<<")
            names_.add(made.place, path(),
                       "merge keys (`<<`) are not available; write the names out");
        else
            frame.drop = false;
    }

    void weigh_one(const Node& made, Place place) {
        weight_ += 1 + made.text.size() / bytes_per_node;
        if (weight_ > heaviest)
            throw Stop{place, "too large: more than " + std::to_string(heaviest) +
                                  " values, aliases counted as what they repeat"};
    }

    void weigh(const Node& made, Place place) {
        weigh_one(made, place);
        for (const Node& item : made.items)
            weigh(item, place);
        for (const Entry& entry : made.entries) {
            weight_ += entry.key.text.size() / bytes_per_node;
            weigh(entry.value, place);
        }
    }

    void check_tag(const YAML::Mark& mark, const std::string& tag) {
        if (tag.empty() || tag == "?" || tag == "!") return;
        report_.add(place_of(mark), path(),
                    "tags (`!…`) have no meaning here; quote a text that begins "
                    "with `!`");
    }

    /// A forgotten closing quote swallows the lines up to the next quote, or to the end of the
    /// file.
    void check_quote(const YAML::Mark& mark) {
        const auto at = static_cast<std::size_t>(mark.pos);
        if (mark.pos < 0 || at >= text_.size()) return;
        const char quote = text_[at];
        if (quote != '"' && quote != '\'') return;
        for (std::size_t i = at + 1; i < text_.size() && text_[i] != '\n'; ++i) {
            if (text_[i] == quote) return;
            if (quote == '"' && text_[i] == '\\') ++i;
        }
        report_.add(place_of(mark), path(),
                    "the closing quote is missing: a quoted text ends on its line");
    }

    /// Of the place that is being built.
    [[nodiscard]] std::string path() const {
        std::string out;
        for (const Frame& frame : frames_) {
            if (frame.key)
                out = child_path(out, frame.key->text);
            else if (frame.node.kind == Node::Kind::list)
                out = item_path(out, frame.node.items.size());
        }
        return out;
    }

    std::string_view text_;
    TextOf source_;
    Report& report_;
    Report names_; // mistakes that may only be what broken YAML looks like
    Place start_;
    std::vector<Frame> frames_;
    std::optional<Node> root_;
    std::map<YAML::anchor_t, Node> anchors_;
    std::size_t weight_ = 0;
};

/// Throws what parse_tree catches.
void parse(std::string_view text, TreeBuilder& builder, Report& report, TextOf source) {
    std::istringstream in{std::string{text}};
    YAML::Parser parser{in};
    if (!parser.HandleNextDocument(builder)) return;
    for (const Mistake& mistake : builder.names().sorted())
        report.add(mistake.place, mistake.path, mistake.message);
    Report ignored{report.file()};
    TreeBuilder second{text, ignored, source};
    if (parser.HandleNextDocument(second))
        throw Stop{second.start(), "a second document begins here; a file holds one configuration"};
}

/// The message of the last system call that failed, for files.
std::string why_not() {
    return std::error_code{errno, std::generic_category()}.message();
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    if (!in) return std::nullopt;
    std::string text;
    std::array<char, 65536> piece{};
    while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > largest_file) break; // parse_tree says so
    }
    if (in.bad()) return std::nullopt; // a folder
    return text;
}

} // namespace

std::optional<Node> parse_tree(std::string_view text, Report& report, TextOf source) {
    if (text.size() > largest_file) {
        report.add({}, {}, "larger than 16 MiB");
        return std::nullopt;
    }
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    if (auto bad = first_bad_byte(text)) {
        report.add(bad->place, {}, std::move(bad->message));
        return std::nullopt;
    }
    TreeBuilder builder{text, report, source};
    try {
        parse(text, builder, report, source);
    } catch (const Stop& stop) {
        report.add(stop.place, {}, stop.message);
        return std::nullopt;
    } catch (const YAML::Exception& error) {
        const Place place = place_of(error.mark);
        report.add(place, {}, explain(text, place, error.msg, builder.open_flow()));
        return std::nullopt;
    }
    std::optional<Node>& root = builder.root();
    const bool is_nothing = !root || root->kind == Node::Kind::null;
    if (is_nothing && source == TextOf::record) return Node{};
    if (is_nothing) {
        report.add({1, 1}, {}, "the file is empty");
        return std::nullopt;
    }
    drop_duplicates(*root, report);
    return std::move(root);
}

Surroundings process_surroundings() {
    // Read at start and at reload, on one thread; nothing in the process changes its environment.
    const auto variable = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str()); // NOLINT(concurrency-mt-unsafe)
        return value ? std::optional<std::string>{value} : std::nullopt;
    };
    return {variable, read_file};
}

Loaded load(std::string_view text, const std::string& file, const Surroundings& surroundings) {
    Report report{file};
    Profiles profiles{folder_of(file), surroundings};
    Settings settings;
    settings.file = file;
    if (auto tree = parse_tree(text, report)) {
        settings.from_variables = expand(*tree, surroundings.variable, report);
        read_settings(*tree, profiles, settings, report);
        report_ties(settings, report);
        check_limits(*tree, settings, report);
    }
    Loaded loaded;
    loaded.mistakes = report.sorted();
    loaded.mistakes.insert(loaded.mistakes.end(), profiles.mistakes().begin(),
                           profiles.mistakes().end());
    if (loaded.mistakes.empty()) loaded.settings = std::move(settings);
    return loaded;
}

Loaded load_file(const std::string& file) {
    errno = 0;
    const auto text = read_file(file);
    if (!text) {
        Loaded loaded;
        loaded.mistakes.push_back({file, {}, {}, "cannot be read: " + why_not()});
        return loaded;
    }
    return load(*text, file, process_surroundings());
}

} // namespace keygate::config
