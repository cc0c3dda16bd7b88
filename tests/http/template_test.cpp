#include "http/template.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <vector>

using namespace keygate;
using http::Slot;
using http::Template;
using Shape = config::Template;
using Kind = Shape::Kind;

namespace {

Shape text(std::string value) {
    return {.kind = Kind::text, .text = std::move(value), .items = {}, .members = {}};
}

Shape literal(std::string value) {
    return {.kind = Kind::literal, .text = std::move(value), .items = {}, .members = {}};
}

Shape list(std::vector<Shape> items) {
    return {.kind = Kind::list, .text = {}, .items = std::move(items), .members = {}};
}

Shape object(std::vector<std::pair<std::string, Shape>> members) {
    return {.kind = Kind::object, .text = {}, .items = {}, .members = std::move(members)};
}

/// Some of everything; `absent` is nothing.
void fill(std::string_view name, Slot& slot) {
    static const std::vector<std::string> scopes{"a:read", "b \"x\""};
    if (name == "text") slot.text("say \"\xc3\xa9\"\\\n");
    if (name == "number") slot.number(18'446'744'073'709'551'615U);
    if (name == "flag") slot.flag(true);
    if (name == "null") slot.null();
    if (name == "list") slot.list(scopes);
    if (name == "none") slot.list({});
    if (name == "json") slot.json(R"({"a":[1,null]})");
}

std::string rendered(const Template& made) {
    std::string out;
    made.render(out, fill);
    return out;
}

std::string as_json(const Shape& shape) {
    return rendered(Template::json(shape));
}

// Texts that end a text, a member, a header or a line where they are not made safe.
const std::vector<std::string> hostile{"\"",
                                       "\\",
                                       "\\\"",
                                       "\",\"admin\":true,\"x\":\"",
                                       "\"}}",
                                       "a\r\nSet-Cookie: x=1\r\n\r\n<html>",
                                       std::string{"\0nul", 4},
                                       "\x01\x1f\x7f",
                                       "{code}",
                                       "{{",
                                       "}",
                                       "\xff\xfe",
                                       "\xc3",
                                       "\xed\xa0\x80",
                                       "\xf4\x90\x80\x80",
                                       "</script>",
                                       "%0d%0a",
                                       "\xe2\x80\xa8",
                                       "\xf0\x9f\x94\x91",
                                       " ",
                                       ""};

} // namespace

BOOST_AUTO_TEST_SUITE(http_template)

BOOST_AUTO_TEST_CASE(a_text_that_is_one_variable_is_what_the_variable_is) {
    BOOST_TEST(as_json(text("{text}")) == R"("say \"é\"\\\n")");
    BOOST_TEST(as_json(text("{number}")) == "18446744073709551615");
    BOOST_TEST(as_json(text("{flag}")) == "true");
    BOOST_TEST(as_json(text("{null}")) == "null");
    BOOST_TEST(as_json(text("{absent}")) == "null");
    BOOST_TEST(as_json(text("{list}")) == R"(["a:read","b \"x\""])");
    BOOST_TEST(as_json(text("{none}")) == "[]");
    BOOST_TEST(as_json(text("{json}")) == R"({"a":[1,null]})");
}

BOOST_AUTO_TEST_CASE(within_a_longer_text_all_is_text) {
    BOOST_TEST(as_json(text("<{text}>")) == R"("<say \"é\"\\\n>")");
    BOOST_TEST(as_json(text(" {number}")) == R"(" 18446744073709551615")");
    BOOST_TEST(as_json(text("{flag}{absent}{null}.")) == R"("true.")");
    BOOST_TEST(as_json(text("{list}!")) == R"("a:read b \"x\"!")");
    BOOST_TEST(as_json(text("{json}!")) == R"("{\"a\":[1,null]}!")");
    BOOST_TEST(as_json(text("{{text}}")) == R"("{text}")");
    BOOST_TEST(as_json(text("say \"\n\"")) == R"("say \"\n\"")");
}

BOOST_AUTO_TEST_CASE(shapes_keep_their_order_and_their_literals) {
    BOOST_TEST(
        as_json(object({{"z", literal("1e3")},
                        {"a\"b", list({text("{flag}"), literal("null"), list({}), object({})})},
                        {"", text("")}})) == R"({"z":1e3,"a\"b":[true,null,[],{}],"":""})");
}

BOOST_AUTO_TEST_CASE(bodies_of_text_have_no_lines_but_their_own) {
    BOOST_TEST(rendered(Template::plain("{text}\n{number} {list} {absent}.\n")) ==
               "say \"é\"\\?\n18446744073709551615 a:read b \"x\" .\n");
}

BOOST_AUTO_TEST_CASE(header_values_are_visible_ascii) {
    BOOST_TEST(rendered(Template::field("a %2F é {text}; n={number}; s={list}; x={absent}")) ==
               "a %2F %C3%A9 say%20\"%C3%A9\"\\%0A; n=18446744073709551615; "
               "s=a:read%20b%20\"x\"; x=");
}

BOOST_AUTO_TEST_CASE(what_is_known_is_put_in_once) {
    const Template whole = Template::json(
        object({{"a", text("{text}")}, {"b", text("{later}-{number}")}, {"c", text("{later}")}}));
    BOOST_TEST(whole.count() == 4U);
    const Template rest = whole.filled(fill);
    BOOST_TEST(rest.count() == 2U);
    BOOST_TEST(rest.count("later") == 2U);
    BOOST_TEST(rest.count("text") == 0U);
    std::string out;
    rest.render(out, [](std::string_view name, Slot& slot) {
        BOOST_TEST(name == "later");
        slot.text("{text}\"");
    });
    // What a variable holds is not looked at for variables.
    BOOST_TEST(out ==
               R"({"a":"say \"é\"\\\n","b":"{text}\"-18446744073709551615","c":"{text}\""})");
    out.clear();
    Template{}.then("a").then(Template::field("{x}")).then("\r\n").render(out, fill);
    BOOST_TEST(out == "a\r\n");
}

BOOST_AUTO_TEST_CASE(nothing_in_a_variable_ends_what_it_stands_in) {
    const Template json = Template::json(object({{"alone", text("{v}")},
                                                 {"within", text("<{v}>")},
                                                 {"list", text("{l}")},
                                                 {"last", literal("true")}}));
    for (const std::string& value : hostile) {
        const auto give = [&](std::string_view name, Slot& slot) {
            if (name == "v") slot.text(value);
            if (name == "l") slot.list(std::vector<std::string>{value, value});
        };
        std::string out;
        json.render(out, give);
        boost::json::error_code error;
        const auto parsed = boost::json::parse(out, error); // strict, UTF-8 as well
        BOOST_TEST_REQUIRE(!error.failed(), out);
        const auto& members = parsed.as_object();
        BOOST_TEST(members.size() == 4U);
        const std::string alone{members.at("alone").as_string()};
        BOOST_TEST((std::string{members.at("within").as_string()} == "<" + alone + ">"));
        BOOST_TEST(members.at("list").as_array().size() == 2U);
        BOOST_TEST(members.at("last").as_bool());
        // UTF-8 comes back as it was.
        if (alone.find("\xef\xbf\xbd") == std::string::npos) BOOST_TEST(alone == value);

        for (const Template& made : {Template::field("a{v}b"), Template::plain("a{v}b")}) {
            std::string line;
            made.render(line, give);
            for (const char c : line)
                BOOST_TEST((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f), line);
        }
        std::string field;
        Template::field("{v}").render(field, give);
        for (const char c : field)
            BOOST_TEST((c > ' ' && c < 0x7f), field);
    }
}

BOOST_AUTO_TEST_CASE(random_templates_are_json_whatever_their_variables_hold) {
    std::mt19937 random{7}; // NOLINT(cert-msc32-c,cert-msc51-cpp): the same tests each time
    const auto pick = [&](std::size_t below) { return random() % below; };
    const auto letters = [&] {
        static const std::string pool{"ab\"\\\n\x01{}/é"};
        std::string out;
        for (std::size_t i = pick(6); i > 0; --i) {
            const char c = pool[pick(pool.size() - 2)];
            out += c;
            if (c == '{' || c == '}') out += c; // braces
        }
        return out;
    };
    const auto shape_of = [&](const auto& self, int depth) -> Shape {
        static const std::vector<std::string> names{"{text}", "{number}", "{absent}", "{list}",
                                                    "{json}"};
        switch (pick(depth > 3 ? 3 : 5)) {
        case 0:
            return literal("17");
        case 1:
            return text(names[pick(names.size())]);
        case 2:
            return text(letters() + names[pick(names.size())] + letters());
        case 3: {
            std::vector<Shape> items;
            for (std::size_t i = pick(4); i > 0; --i)
                items.push_back(self(self, depth + 1));
            return list(std::move(items));
        }
        default: {
            std::vector<std::pair<std::string, Shape>> members;
            for (std::size_t i = pick(4); i > 0; --i)
                members.emplace_back(letters() + std::to_string(i), self(self, depth + 1));
            return object(std::move(members));
        }
        }
    };
    for (int round = 0; round < 2'000; ++round) {
        const Template whole = Template::json(shape_of(shape_of, 0));
        const std::string out = rendered(whole);
        boost::json::error_code error;
        static_cast<void>(boost::json::parse(out, error));
        BOOST_TEST_REQUIRE(!error.failed(), out);
        // Put in at once or in two steps: the same.
        std::string again;
        whole
            .filled([](std::string_view name, Slot& slot) {
                if (name.size() % 2 == 0) fill(name, slot);
            })
            .render(again, fill);
        BOOST_TEST_REQUIRE(again == out);
    }
}

BOOST_AUTO_TEST_CASE(a_secret_is_nowhere_but_in_the_output) {
    const std::string secret = "kg_live_0123456789abcdefghijABCDEFGHIJ0123456789";
    const Template body = Template::json(object({{"key", text("{key.secret}")}}));
    std::string out;
    out.reserve(body.size() + 2 + secret.size());
    const char* const before = out.data();
    body.render(out, [&](std::string_view, Slot& slot) { slot.text(secret); });
    BOOST_TEST(static_cast<const void*>(out.data()) == static_cast<const void*>(before));
    BOOST_TEST(out == "{\"key\":\"" + secret + "\"}");
}

BOOST_AUTO_TEST_SUITE_END()
