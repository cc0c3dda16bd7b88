#include "app/import_file.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <random>

namespace keygate::app {
namespace {

namespace json = boost::json;

json::object body(const ImportRow& row) {
    return json::parse(row.body).as_object();
}

/// The mistakes as `line: message`.
std::vector<std::string> told(const ImportFile& file) {
    std::vector<std::string> out;
    for (const auto& mistake : file.mistakes)
        out.push_back(std::to_string(mistake.line) + ": " + mistake.message);
    return out;
}

BOOST_AUTO_TEST_SUITE(app_import_file)

BOOST_AUTO_TEST_CASE(csv_rows_become_bodies) {
    const auto file = read_import("\xEF\xBB\xBF"
                                  "owner, digest ,name,scopes,plan\r\n"
                                  "acme,d1,\"a, \"\"b\"\"\",read  write,\r\n"
                                  "\r\n"
                                  "bob, d2 ,,-,pro\r\n"
                                  "eve,d3,\"two\nlines\",,\"\"\n"
                                  "zoe,d4,x,read,pro",
                                  "shop");
    BOOST_TEST(told(file) == std::vector<std::string>{}, boost::test_tools::per_element());
    BOOST_TEST_REQUIRE(file.rows.size() == 4u);
    BOOST_TEST(file.rows[0].line == 2u);
    BOOST_TEST(json::serialize(body(file.rows[0])) ==
               R"({"owner":"acme","digest":"d1","name":"a, \"b\"","scopes":["read","write"],)"
               R"("api":"shop"})");
    BOOST_TEST(file.rows[1].line == 4u);
    BOOST_TEST(json::serialize(body(file.rows[1])) ==
               R"({"owner":"bob","digest":"d2","scopes":[],"plan":"pro","api":"shop"})");
    BOOST_TEST(file.rows[2].line == 5u);
    BOOST_TEST(!body(file.rows[2]).contains("scopes"));
    BOOST_TEST(!body(file.rows[2]).contains("plan"));
    BOOST_TEST(file.rows[3].line == 7u); // a quoted cell had a line break in it
}

BOOST_AUTO_TEST_CASE(limits_are_words_or_json) {
    const auto file =
        read_import("digest,rate,quota\n"
                    "d1,100/1m,requests=1000/month\n"
                    "d2,100/1m  5/1s,requests=1000/month tests=5/day requests=9/hour\n"
                    "d3,\"{\"\"rate\"\":\"\"1/1s\"\"}\",\"{\"\"tests\"\":\"\"1/day\"\"}\"\n"
                    "d4,,\n"
                    "d5,{x,\n"
                    "d6,,1000/month\n"
                    "d7,\"{\"\"a\"\":1,\"\"a\"\":2}\",\n",
                    "shop");
    BOOST_TEST_REQUIRE(file.rows.size() == 4u);
    BOOST_TEST(json::serialize(body(file.rows[0])) ==
               R"({"digest":"d1","rate":"100/1m","quota":{"requests":"1000/month"},"api":"shop"})");
    BOOST_TEST(json::serialize(body(file.rows[1])) ==
               R"({"digest":"d2","rate":["100/1m","5/1s"],)"
               R"("quota":{"requests":["1000/month","9/hour"],"tests":"5/day"},"api":"shop"})");
    BOOST_TEST(json::serialize(body(file.rows[2])) ==
               R"({"digest":"d3","rate":{"rate":"1/1s"},"quota":{"tests":"1/day"},"api":"shop"})");
    BOOST_TEST(json::serialize(body(file.rows[3])) == R"({"digest":"d4","api":"shop"})");
    BOOST_TEST_REQUIRE(file.mistakes.size() == 3u);
    BOOST_TEST(file.mistakes[2].message == "`rate`: `a`: written twice");
    BOOST_TEST(file.mistakes[0].message.starts_with("`rate`: "), file.mistakes[0].message);
    BOOST_TEST(file.mistakes[1].message ==
               "`quota`: expected a meter and its limit: requests=1000/month");
}

BOOST_AUTO_TEST_CASE(restrictions_are_words_or_json) {
    const auto file = read_import(
        "digest,addresses,referrers,endpoints,bind\n"
        "d1,192.0.2.0/24  2001:db8::/32,https://a.example,GET /v1/a; POST /v1/b ;,store=7 "
        "region=eu\n"
        "d2,\"[\"\"192.0.2.1\"\"]\",,\"[\"\"GET /a;b\"\"]\",\"{\"\"store\"\":\"\"a b\"\"}\"\n"
        "d3,,,,store\n"
        "d4,,,,store=7 store=8\n"
        "d5,[x,,,\n",
        "shop");
    BOOST_TEST_REQUIRE(file.rows.size() == 2u);
    BOOST_TEST(json::serialize(body(file.rows[0])) ==
               R"({"digest":"d1","addresses":["192.0.2.0/24","2001:db8::/32"],)"
               R"("referrers":["https://a.example"],"endpoints":["GET /v1/a","POST /v1/b"],)"
               R"("bind":{"store":"7","region":"eu"},"api":"shop"})");
    BOOST_TEST(json::serialize(body(file.rows[1])) ==
               R"({"digest":"d2","addresses":["192.0.2.1"],"endpoints":["GET /a;b"],)"
               R"("bind":{"store":"a b"},"api":"shop"})");
    BOOST_TEST_REQUIRE(file.mistakes.size() == 3u);
    BOOST_TEST(file.mistakes[0].message ==
               "`bind`: expected a name and its value: store=267418190");
    BOOST_TEST(file.mistakes[1].message == "`bind`: `store` stands there twice");
    BOOST_TEST(file.mistakes[2].message.starts_with("`addresses`: "));
}

BOOST_AUTO_TEST_CASE(json_lines_become_bodies) {
    const auto file = read_import("{\"digest\":\"d1\",\"scopes\":[\"read\"]}\r\n\n"
                                  "{\"digest\":\"d2\",\"name\":null}",
                                  "shop");
    BOOST_TEST(told(file) == std::vector<std::string>{}, boost::test_tools::per_element());
    BOOST_TEST_REQUIRE(file.rows.size() == 2u);
    BOOST_TEST(file.rows[1].line == 3u);
    BOOST_TEST(json::serialize(body(file.rows[0])) ==
               R"({"digest":"d1","scopes":["read"],"api":"shop"})");
}

BOOST_AUTO_TEST_CASE(every_mistake_is_told_with_its_line) {
    const std::pair<std::string, std::vector<std::string>> rows[] = {
        {"", {"1: the file is empty"}},
        {"owner\nx", {"1: the first line must name the columns, `digest` among them"}},
        {"digest,digest\n", {"1: column `digest` stands there twice"}},
        {"digest,onwer\n",
         {"1: unknown column `onwer`; one of: digest, id, owner, name, plan, scopes, mode, status, "
          "prefix, hint, created_at, expires_at, rate, quota, addresses, "
          "referrers, endpoints, bind; did you mean `owner`?"}},
        {"digest,owner\na\nb,c,d\n",
         {"2: has 1 cells, the header has 2", "3: has 3 cells, the header has 2"}},
        {"digest,owner\na,x\"y\nb,\"c\"d\ne,f\n",
         {"2: a quote inside a cell that is not quoted", "3: text after a quoted cell"}},
        {"digest\n\"a\nb", {"2: a quoted cell does not end"}},
        {"digest,id\na,1\na,2\nb,1\n",
         {"3: `digest`: the same as in line 2", "4: `id`: the same as in line 2"}},
        {"{\"digest\":\"a\"}\n{\n[]\n{\"digest\":\"b\",\"digest\":\"c\"}\n{\"digest\":\"a\"}\n",
         {"2: the body is not JSON: incomplete JSON", "3: the body must be a JSON object",
          "4: `digest`: written twice", "5: `digest`: the same as in line 1"}},
        {"{\"api\":\"shop\"}",
         {"1: unknown member `api`; one of: digest, id, owner, name, plan, scopes, mode, status, "
          "prefix, hint, created_at, expires_at, rate, quota, addresses, "
          "referrers, endpoints, bind"}},
        {"digest,name\na," + std::string(70'000, 'x'), {"2: the row is larger than 64 KiB"}},
    };
    for (const auto& [text, mistakes] : rows) {
        BOOST_TEST_CONTEXT(text.substr(0, 60)) {
            BOOST_TEST(told(read_import(text, "shop")) == mistakes,
                       boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(good_rows_are_read_beside_bad_ones) {
    const auto file = read_import("digest\na\n\"b\"c\nd\n", "shop");
    BOOST_TEST(file.mistakes.size() == 1u);
    BOOST_TEST_REQUIRE(file.rows.size() == 2u);
    BOOST_TEST(file.rows[1].line == 4u);
}

BOOST_AUTO_TEST_CASE(no_text_is_read_forever_or_beyond_its_end) {
    constexpr std::string_view letters = "\"\"\",,\n\r{}[]:-a digest";
    std::mt19937 random(11);
    for (int round = 0; round < 5000; ++round) {
        std::string text = round % 2 == 0 ? "digest,name\n" : "";
        const std::size_t size = random() % 60;
        for (std::size_t i = 0; i < size; ++i)
            text += letters[random() % letters.size()];
        const auto file = read_import(text, "shop");
        for (const auto& row : file.rows) {
            BOOST_TEST(row.line >= 1u);
            BOOST_TEST(body(row).contains("api"));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::app
