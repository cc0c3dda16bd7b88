#include "config/read_cors.hpp"

#include "base/ascii.hpp"
#include "config/addresses.hpp"
#include "config/scalars.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace keygate::config {

namespace {

constexpr std::size_t most_origins = 100;
constexpr std::size_t most_fields = 64; // per list
constexpr seconds longest_age{24 * 3'600};

void read_origins(const View& view, Cors& out) {
    static constexpr std::string_view expected =
        R"("*", or a list of origins such as ["https://app.example.com"])";
    out.any_origin = false;
    out.origins.clear();
    if (view.is_scalar() && view.node().text == "*") {
        out.any_origin = true;
        return;
    }
    for (const View& item : view.items(expected)) {
        const std::string* text = item.text("an origin such as https://app.example.com");
        if (!text) continue;
        Judged<std::string> origin = parse_origin(*text);
        if (!origin.value)
            item.complain("found " + item.seen() + "; " + origin.wrong);
        else if (std::find(out.origins.begin(), out.origins.end(), *origin.value) !=
                 out.origins.end())
            item.complain(item.seen() + " is listed twice");
        else
            out.origins.push_back(std::move(*origin.value));
    }
    if (view.is_list() && view.node().items.empty())
        view.complain("lists no origin; expected " + std::string{expected});
    if (out.origins.size() > most_origins)
        view.complain("at most " + std::to_string(most_origins) + " origins are possible");
}

/// Nothing if there is no list.
std::optional<std::vector<std::string>> read_fields(const std::optional<View>& view) {
    if (!view) return std::nullopt;
    std::vector<std::string> names;
    for (const View& item : view->items("a list of field names such as [X-Total-Count]")) {
        std::string name;
        read_token(item, name);
        if (name.empty()) continue;
        const auto is_same = [&](const std::string& other) {
            return ascii::equal_ignoring_case(other, name);
        };
        // Browsers read it as every field, but only where no cookies are sent, and never as
        // `Authorization`.
        if (name == "*")
            item.refuse("the name of a field");
        else if (std::any_of(names.begin(), names.end(), is_same))
            item.complain(item.seen() + " is listed twice");
        else
            names.push_back(std::move(name));
    }
    if (names.size() > most_fields)
        view->complain("at most " + std::to_string(most_fields) + " fields are possible");
    if (!view->is_list()) return std::nullopt;
    return names;
}

void read_max_age(const std::optional<View>& view, seconds& out) {
    milliseconds age = out;
    read_duration(view, age, milliseconds{0}, longest_age);
    if (age % seconds{1} != milliseconds{0}) return view->refuse("whole seconds, such as 10m");
    out = std::chrono::duration_cast<seconds>(age);
}

/// @param base  what holds for members that are not there: that of the API, if it says anything.
void read_members(const View& view, const std::optional<Cors>& base, Cors& out) {
    static constexpr std::array<Word<bool>, 2> preflight_words{{{"answer", true}, {"pass", false}}};
    if (base) out = *base;
    Fields fields{view};
    const auto origins = base ? fields.take("origins") : fields.need("origins");
    if (origins) read_origins(*origins, out);
    if (auto headers = read_fields(fields.take("headers"))) out.headers = std::move(*headers);
    if (auto expose = read_fields(fields.take("expose"))) out.expose = std::move(*expose);
    read_max_age(fields.take("max_age"), out.max_age);
    const auto credentials = fields.take("credentials");
    read_flag(credentials, out.credentials);
    read_word(fields.take("preflight"), out.answers_preflight, preflight_words);
    fields.done();
    if (!out.credentials || !out.any_origin) return;
    const View& blamed = credentials ? *credentials : origins.value_or(view);
    blamed.complain_of_name("with `origins: \"*\"` and `credentials` any page could act with the "
                            "cookies of its visitors; expected origins by name");
}

} // namespace

void read_cors(const std::optional<View>& view, std::optional<Cors>& out) {
    if (view) read_members(*view, std::nullopt, out.emplace());
}

void read_route_cors(const std::optional<View>& view, std::optional<Cors>& out) {
    if (!view) return;
    if (view->is_map()) {
        Cors cors;
        read_members(*view, out, cors);
        out = std::move(cors);
        return;
    }
    constexpr std::string_view expected =
        "off, or a mapping such as {origins: [\"https://app.example.com\"]}";
    const std::string* text = view->text(expected);
    if (!text) return;
    if (*text == "off")
        out.reset();
    else
        view->refuse(expected);
}

} // namespace keygate::config
