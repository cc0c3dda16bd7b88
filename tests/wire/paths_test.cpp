// Spellings of paths against a route map. A request that got through was judged by one line of the
// map; however careless the upstream reads what it received, it must come to the same line.
#include "base/ascii.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>

#include "wire/between.hpp"

using namespace keygate;
using support::Socket;

namespace {

const std::string routes = "      GET /public/**: public\n"
                           "      GET /public/secret: secret:read\n"
                           "      GET /admin/**: admin:all\n"
                           "      GET /users/{name}: users:read\n"
                           "      GET /users/{name}/posts: public\n"
                           "      GET /health: public\n";

/// The line of the map, by the plain meaning of the map.
std::string rule_of(const std::string& path) {
    std::vector<std::string> segments;
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        segments.push_back(path.substr(at, slash - at));
        at = slash + 1;
    }
    if (path.empty() || path.front() != '/' || segments.empty()) return "none";
    if (path == "/health") return "GET /health";
    if (path == "/public/secret") return "GET /public/secret";
    if (segments[0] == "public") return "GET /public/**";
    if (segments[0] == "admin") return "GET /admin/**";
    if (segments[0] == "users" && segments.size() == 2 && !segments[1].empty())
        return "GET /users/{name}";
    if (segments[0] == "users" && segments.size() == 3 && !segments[1].empty() &&
        segments[2] == "posts")
        return "GET /users/{name}/posts";
    return "none";
}

std::string decoded(const std::string& path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const int high = i + 2 < path.size() ? ascii::hex_value(path[i + 1]) : -1;
        const int low = i + 2 < path.size() ? ascii::hex_value(path[i + 2]) : -1;
        if (path[i] == '%' && high >= 0 && low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += path[i];
        }
    }
    return out;
}

std::string without_parameters(const std::string& path) {
    std::string out;
    bool is_parameter = false;
    for (const char c : path) {
        if (c == '/') is_parameter = false;
        if (c == ';') is_parameter = true;
        if (!is_parameter) out += c;
    }
    return out;
}

std::string with_slashes(std::string path) {
    for (char& c : path)
        if (c == '\\') c = '/';
    return path;
}

std::string with_merged_slashes(const std::string& path) {
    std::string out;
    for (const char c : path)
        if (c != '/' || out.empty() || out.back() != '/') out += c;
    return out;
}

/// RFC 3986 5.2.4.
std::string without_dots(const std::string& path) {
    std::vector<std::string> kept;
    bool ends_in_slash = false;
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::string segment = path.substr(at, slash - at);
        ends_in_slash = segment == "." || segment == "..";
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (segment != ".") {
            kept.push_back(segment);
        }
        at = slash + 1;
    }
    std::string out;
    for (const std::string& segment : kept)
        out += '/' + segment;
    return ends_in_slash || out.empty() ? out + '/' : out;
}

/// Up to the first NUL, as a reader in C would have it, or to a `#`.
std::string cut_short(const std::string& path) {
    const std::size_t end = path.find_first_of(std::string_view{"\0#", 2});
    return path.substr(0, end);
}

/// All that careless servers make of a path, in every combination.
std::set<std::string> readings_of(const std::string& path) {
    std::set<std::string> readings;
    for (int decodings = 0; decodings <= 2; ++decodings)
        for (unsigned choice = 0; choice < 64; ++choice) {
            std::string read = path;
            if (choice & 32) read = without_parameters(read);
            for (int i = 0; i < decodings; ++i)
                read = decoded(read);
            if (choice & 1) read = cut_short(read);
            if (choice & 2) read = without_parameters(read);
            if (choice & 4) read = with_slashes(read);
            if (choice & 8) read = with_merged_slashes(read);
            if (choice & 16) read = without_dots(read);
            readings.insert(read);
        }
    return readings;
}

/// Segments, tricks and their places, multiplied.
std::vector<std::string> hostile_spellings() {
    std::vector<std::string> spellings{
        "//admin/x",
        "/public//admin",
        "/public/secret/",
        "/public/secret//",
        "/public/secret;v=1",
        "/public/secret;",
        "/public;x/secret",
        "/public/secret%3B",
        "/public/secret%00",
        "/public/secret%20",
        "/public/secret%09",
        "/public/secret%0a",
        "/public/secret.",
        "/public/secret%2e",
        "/public/.secret",
        "/public/%73ecret",
        "/public/%73%65%63%72%65%74",
        "/public/%2573ecret",
        "/public/s%65cret?x",
        "/public/secret%3Fx",
        "/public/secret%23",
        "/public/secret#x",
        "/%70ublic/secret",
        "/%61dmin/x",
        "/%61%64%6d%69%6e",
        "/admin%2fx",
        "/admin%2Fx",
        "/admin%5cx",
        "/admin\\x",
        "/admin;/x",
        "/admin;x=1/y",
        "/adminx",
        "/admin.",
        "/admin%2e/x",
        "/admi%6E/x",
        "/ADMIN/x",
        "/users",
        "/users/",
        "/users//posts",
        "/users/x/",
        "/users/x/posts/",
        "/users/x/posts;v",
        "/users/x/posts%2f",
        "/users/x%2fposts",
        "/users/x%2Fposts",
        "/users/x%5Cposts",
        "/users/x;/posts",
        "/users/;x/posts",
        "/users/%2e%2e/posts",
        "/users/..;/posts",
        "/users/%2e/posts",
        "/users/x/p%6fsts",
        "/users/%",
        "/users/%4",
        "/users/%zz",
        "/users/%u002e",
        "/users/%c0%ae%c0%ae",
        "/users/%c0%af",
        "/users/%ef%bc%8f",
        "/users/%ef%bc%8e%ef%bc%8e",
        "/users/%ff",
        "/users/%ed%a0%80",
        "/users/%f5%80%80%80",
        "/users/\xc3\xa9",
        "/users/a%7fb",
        "/health/",
        "/health;x",
        "/health/..",
        "/health%2e",
        "/./health",
        "/health?/../admin/x",
        "/.",
        "/..",
        "/%2e%2e/%2e%2e/admin/x",
        "*",
        "admin/x",
        "",
    };
    for (const std::string border :
         {"/", "%2f", "%2F", "%5c", "%5C", "\\", "//", "%252f", ";/", "/;/", "%00/"})
        for (const std::string up :
             {"..", ".", "%2e%2e", "%2E.", ".%2e", "%2e", "%252e%252e", "..;", "..;x=1", "..%00",
              "%c0%ae%c0%ae", "..%09", "...", "%ef%bc%8e%ef%bc%8e"}) {
            spellings.push_back("/public" + border + up + border + "admin/x");
            spellings.push_back("/users/x" + border + up + "/secret");
        }
    return spellings;
}

struct Between {
    support::OriginServer origin{
        [](const std::string&) { return support::OriginServer::plain_answer("x"); }};
    support::RunningGateway gateway{wire::start_before(origin, routes)};
};

std::string target_of(const std::string& request) {
    const std::size_t begin = request.find(' ') + 1;
    return request.substr(begin, request.find(" HTTP/1.1\r\n") - begin);
}

/// The routes of the access log, by request id.
std::map<std::string, std::string> routes_by_id(const std::string& log) {
    std::map<std::string, std::string> by_id;
    const auto member = [](const std::string& line, const std::string& name) {
        const std::string begin = "\"" + name + "\":\"";
        const std::size_t at = line.find(begin);
        if (at == std::string::npos) return std::string{};
        return line.substr(at + begin.size(),
                           line.find('"', at + begin.size()) - at - begin.size());
    };
    for (std::size_t at = 0; at < log.size();) {
        const std::size_t end = log.find('\n', at);
        const std::string line = log.substr(at, end - at);
        by_id[member(line, "request_id")] = member(line, "route");
        if (end == std::string::npos) break;
        at = end + 1;
    }
    return by_id;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_paths, Between)

BOOST_AUTO_TEST_CASE(every_reader_of_a_path_comes_to_the_rule_that_judged_it) {
    const auto spellings = hostile_spellings();
    BOOST_TEST(spellings.size() > 300U);
    for (const std::string& spelling : spellings)
        for (const auto* const credential : {"", "with key"}) {
            BOOST_TEST_CONTEXT("target " << wire::in_a_line(spelling)) {
                std::string request = "GET " + spelling + " HTTP/1.1\r\nHost: a\r\n";
                if (*credential != '\0') request += "Authorization: Bearer " + wire::key + "\r\n";
                const std::string answer = gateway.exchange(request + "\r\n");
                const int status = support::status_of(answer);
                BOOST_TEST((status == 200 || status == 400 || status == 401 || status == 404),
                           status);
            }
        }
    const auto requests = origin.requests();
    BOOST_TEST(requests.size() > 10U); // or the tricks would have tested nothing
    const auto judged = routes_by_id(gateway.end_and_read_log());
    for (const std::string& request : requests) {
        const std::string target = target_of(request);
        const std::string path = target.substr(0, target.find('?'));
        const auto rule = judged.find(support::field_of(request, "X-Request-Id").value_or(""));
        BOOST_TEST_REQUIRE((rule != judged.end()));
        for (const std::string& reading : readings_of(path))
            BOOST_TEST_CONTEXT("target " << target << " read as " << wire::in_a_line(reading)) {
                BOOST_TEST(rule_of(reading) == rule->second);
            }
        const bool is_public = rule->second == "GET /public/**" || rule->second == "GET /health" ||
                               rule->second == "GET /users/{name}/posts";
        BOOST_TEST(support::field_of(request, "X-Key-Id").has_value() == !is_public);
    }
}

BOOST_AUTO_TEST_CASE(valid_paths_arrive_byte_for_byte) {
    struct Row {
        std::string sent;
        std::string seen; // "" = the same
    };

    const std::vector<Row> rows{
        {"/public", ""},
        {"/public/", ""},
        {"/public/a", ""},
        {"/public/a/", ""},
        {"/public/A/b", ""},
        {"/public/a;v=1", ""},
        {"/public/a;v=1/b", ""},
        {"/public/a;", ""},
        {"/public/...", ""},
        {"/public/.a", ""},
        {"/public/a.", ""},
        {"/public/..a", ""},
        {"/public/a..b", ""},
        {"/public/-._~", ""},
        {"/public/!$&'()*+,=:@", ""},
        {"/public/a%20b", ""},
        {"/public/%C3%A9", ""},
        {"/public/%c3%a9", "/public/%C3%A9"},
        {"/public/%E2%82%AC", ""},
        {"/public/%F0%9F%98%80", ""},
        {"/public/%41%7e", "/public/A~"},
        {"/public/a%2Eb", "/public/a.b"},
        {"/public/a%2db%5Fc", "/public/a-b_c"},
        {"/public/%5b%5D", "/public/%5B%5D"},
        {"/public/a%22b%3C%3e", "/public/a%22b%3C%3E"},
        {"/public/a%3Ab", ""},
        {"/public/a?", ""},
        {"/public/a?b=c&d=%2F..%2f", ""},
        {"/public/a?/../admin//x;y", ""},
        {"/public/a?[]{}|^`", ""},
        {"/public/a?b?c", ""},
        {"/public/sEcret", ""},
        {"/public/secret/x", ""},
        {"/public/secret", ""},
        {"/public/s%65cret", "/public/secret"},
        {"/admin", ""},
        {"/admin/", ""},
        {"/admin/a/b/c", ""},
        {"/%61dmin/x", "/admin/x"},
        {"/users/x", ""},
        {"/users/public", ""},
        {"/users/a@b;c=1", ""},
        {"/users/%40", ""},
        {"/users/x/posts", ""},
        {"/health", ""},
        {"/health?x", ""},
        {"http://a/users/%7Ex", "/users/~x"},
        {"HTTP://A/health", "/health"},
    };
    for (const Row& row : rows)
        for (const auto pieces : {Socket::Pieces::whole, Socket::Pieces::bytewise})
            BOOST_TEST_CONTEXT("target " << row.sent) {
                origin.clear();
                const std::string answer = gateway.exchange(
                    "GET " + row.sent + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                        wire::key + "\r\n\r\n",
                    pieces);
                BOOST_TEST(support::status_of(answer) == 200);
                const auto requests = origin.requests();
                BOOST_TEST(requests.size() == 1U);
                if (!requests.empty())
                    BOOST_TEST(target_of(requests.front()) ==
                               (row.seen.empty() ? row.sent : row.seen));
            }
}

BOOST_AUTO_TEST_SUITE_END()
