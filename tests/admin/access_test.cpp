#include "admin/access.hpp"
#include "support/operator.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>

#include <sys/stat.h>

namespace keygate::admin {
namespace {

namespace asio = boost::asio;

using test::Folder;

void write(const std::string& file, std::string_view text, mode_t mode = 0600) {
    std::ofstream(file) << text;
    BOOST_TEST_REQUIRE(::chmod(file.c_str(), mode) == 0);
}

unsigned status_of(const Handler& handler, Request request) {
    asio::io_context loop{1};
    unsigned status = 0; // 200 also where it threw
    asio::co_spawn(loop, handler(std::move(request)),
                   [&](std::exception_ptr, Response response) { status = response.status; });
    loop.run();
    return status;
}

const std::string admin_token = "0123456789abcdefghij";
const std::string operator_token = "operator-0123456789";
const std::string viewer_token = "viewer-0123456789";

std::string digest_text(const std::string& token) {
    return "sha256:" + keys::to_hex(keys::digest_of(token));
}

/// `admin:` on 127.0.0.1 with two tokens in the list and one in a file.
config::Admin configured(const Folder& folder) {
    config::Admin admin;
    admin.address = config::Endpoint{"127.0.0.2", 9900};
    admin.token_file = folder.file("admin.token");
    admin.tokens = {{"ci", config::Role::key_operator, digest_text(operator_token)},
                    {"board", config::Role::viewer, digest_text(viewer_token)}};
    admin.hosts = {"keygate.internal"};
    write(*admin.token_file, admin_token + "\n");
    return admin;
}

struct MovedClock final : Clock {
    SteadyTime steady;

    [[nodiscard]] Now now() const override { return {WallTime{}, steady}; }
};

/// A guard, what it let in, and what it logged.
struct Watched {
    explicit Watched(Access access)
        : guard([this](Request request) { return answer(std::move(request)); }, std::move(access),
                clock, [this](const std::string& line) { lines.push_back(line); }) {}

    asio::awaitable<Response> answer(Request request) {
        if (request.path == "/bug") throw std::logic_error("bug");
        seen.push_back(request.actor + " " + std::string{to_string(request.role)});
        Response response;
        response.status = request.path.find("nobody") == std::string::npos ? status : 404;
        response.headers.emplace_back("X-Request-Id", "id-1");
        if (request.path.ends_with(":reset")) response.about = "key_1";
        co_return response;
    }

    unsigned call(Request request) { return status_of(guard.handler(), std::move(request)); }

    MovedClock clock;
    unsigned status = 200;
    std::vector<std::string> seen;
    std::vector<std::string> lines;
    Guard guard;
};

Request over_tcp(std::vector<std::string> hosts, std::vector<std::string> authorizations) {
    Request request;
    request.method = "GET";
    request.path = "/admin/v1/keys";
    request.hosts = std::move(hosts);
    request.authorizations = std::move(authorizations);
    return request;
}

Request local(std::vector<std::string> authorizations = {}) {
    auto request = over_tcp({}, std::move(authorizations));
    request.transport = Transport::local;
    return request;
}

BOOST_AUTO_TEST_SUITE(admin_access)

BOOST_AUTO_TEST_CASE(an_absent_token_file_is_made_for_its_owner_alone) {
    const Folder folder;
    const auto file = folder.file("admin.token");
    BOOST_TEST(read_token(file).error().error == boost::system::errc::no_such_file_or_directory);
    const auto made = read_or_make_token(file);
    BOOST_TEST_REQUIRE(made.has_value());
    BOOST_TEST(made->reveal().size() == 48u);
    const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    BOOST_TEST(std::all_of(made->reveal().begin(), made->reveal().end(), is_letter));

    struct stat found {};

    BOOST_TEST_REQUIRE(::stat(file.c_str(), &found) == 0);
    BOOST_TEST((found.st_mode & 07777) == 0600u);
    BOOST_TEST(read_or_make_token(file)->matches(made->reveal()));
    const auto other = read_or_make_token(folder.file("other.token"));
    BOOST_TEST(!other->matches(made->reveal()));
}

BOOST_AUTO_TEST_CASE(a_token_file_that_others_can_reach_is_refused) {
    const Folder folder;
    const auto file = folder.file("admin.token");
    for (const mode_t mode : {0640, 0604, 0620, 0602, 0644, 0666, 0610}) {
        BOOST_TEST_CONTEXT(std::oct << mode) {
            write(file, "abcdefghijklmnopqrstuvwxyz\n", mode);
            BOOST_TEST(read_token(file).error().error == boost::system::errc::permission_denied);
            BOOST_TEST(read_or_make_token(file).has_error());
        }
    }
    write(file, "abcdefghijklmnopqrstuvwxyz\n", 0400);
    BOOST_TEST(read_token(file)->matches("abcdefghijklmnopqrstuvwxyz"));
}

BOOST_AUTO_TEST_CASE(a_token_is_one_line_of_visible_characters) {
    const Folder folder;
    const auto file = folder.file("admin.token");
    for (const std::string& text :
         {std::string{}, std::string{"\n"}, std::string{"short"}, std::string(15, 'a'),
          std::string(257, 'a'), std::string(300, 'a'), std::string{"aaaaaaaaaaaaaaaa b"},
          std::string{"aaaaaaaaaaaaaaaa\nb\n"}, std::string{"aaaaaaaaaaaaaaaa\0", 17}}) {
        BOOST_TEST_CONTEXT(text) {
            write(file, text);
            BOOST_TEST(read_token(file).error().error == boost::system::errc::invalid_argument);
        }
    }
    for (const std::string& text : {std::string(16, 'a'), std::string(256, 'a')}) {
        write(file, text);
        BOOST_TEST(read_token(file)->matches(text));
        write(file, text + "\r\n");
        BOOST_TEST(read_token(file)->matches(text));
    }
    BOOST_TEST(read_token(folder.file("")).has_error()); // a folder
}

BOOST_AUTO_TEST_CASE(over_tcp_the_host_and_the_token_must_be_right) {
    const Folder folder;
    const std::string& token = admin_token;
    const std::string good = "Bearer " + token;
    Watched watched{read_access(configured(folder)).value()};

    struct Row {
        std::vector<std::string> hosts;
        std::vector<std::string> authorizations;
        unsigned status;
    };

    const Row rows[] = {
        {{"127.0.0.2:9900"}, {good}, 200},
        {{"127.0.0.1:9900"}, {good}, 200},
        {{"127.0.0.1"}, {good}, 200},
        {{"localhost:9900"}, {good}, 200},
        {{"LOCALHOST"}, {"bearer " + token}, 200},
        {{"[::1]:9900"}, {good}, 200},
        {{"keygate.internal"}, {good}, 200},
        {{"Keygate.Internal:443"}, {good}, 200},
        {{"keygate.internal.evil.example"}, {good}, 421},
        {{"evil.example:9900"}, {good}, 421},
        {{"localhost.evil.example"}, {good}, 421},
        {{"127.0.0.1.evil.example:9900"}, {good}, 421},
        {{"127.0.0.3:9900"}, {good}, 421},
        {{"evil@127.0.0.1"}, {good}, 421},
        {{""}, {good}, 421},
        {{}, {good}, 421},
        {{"localhost", "localhost"}, {good}, 421},
        {{"localhost"}, {}, 401},
        {{"localhost"}, {""}, 401},
        {{"localhost"}, {"Bearer "}, 401},
        {{"localhost"}, {"Bearer"}, 401},
        {{"localhost"}, {token}, 401},
        {{"localhost"}, {"Basic " + token}, 401},
        {{"localhost"}, {good + "x"}, 401},
        {{"localhost"}, {good.substr(0, good.size() - 1)}, 401},
        {{"localhost"}, {"Bearer  " + token}, 401},
        {{"localhost"}, {"Bearer " + digest_text(token)}, 401},
        {{"localhost"}, {good, good}, 401},
    };
    std::uint64_t refused = 0;
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT((row.hosts.empty() ? "" : row.hosts.front())
                           << " "
                           << (row.authorizations.empty() ? "" : row.authorizations.front())) {
            BOOST_TEST(watched.call(over_tcp(row.hosts, row.authorizations)) == row.status);
            if (row.status != 200) ++refused;
        }
    }
    BOOST_TEST(watched.guard.requests() == std::size(rows));
    BOOST_TEST(watched.guard.refused() == refused);
    BOOST_TEST(watched.seen.size() == std::size(rows) - refused);
}

BOOST_AUTO_TEST_CASE(every_token_has_its_name_and_its_role) {
    const Folder folder;
    Watched watched{read_access(configured(folder)).value()};
    for (const auto& token : {admin_token, operator_token, viewer_token}) {
        BOOST_TEST(watched.call(over_tcp({"localhost"}, {"Bearer " + token})) == 200u);
        BOOST_TEST(watched.call(local({"Bearer " + token})) == 200u);
    }
    BOOST_TEST(watched.call(local()) == 200u);
    const std::vector<std::string> expected{"token_file admin", "token_file admin", "ci operator",
                                            "ci operator",      "board viewer",     "board viewer",
                                            "local admin"};
    BOOST_TEST(watched.seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(over_a_unix_socket_a_token_that_is_there_must_be_right) {
    Watched watched{read_access(std::nullopt).value()};
    BOOST_TEST(watched.call(local()) == 200u);
    for (const std::string& value : {std::string{}, std::string{"Bearer "}, std::string{"Bearer"},
                                     "Bearer " + admin_token, "Basic " + admin_token})
        BOOST_TEST(watched.call(local({value})) == 401u, value);
    // Nothing gets in over TCP where no token is configured.
    BOOST_TEST(watched.call(over_tcp({"localhost"}, {"Bearer "})) == 401u);
    BOOST_TEST(watched.call(over_tcp({"localhost"}, {"Bearer " + admin_token})) == 401u);
    BOOST_TEST(watched.call(over_tcp({"localhost"}, {})) == 401u);
}

BOOST_AUTO_TEST_CASE(a_token_too_short_to_be_one_is_none_whatever_its_digest) {
    config::Admin admin;
    admin.address = config::Endpoint{"127.0.0.1", 9900};
    admin.tokens = {{"empty", config::Role::admin, digest_text("")},
                    {"short", config::Role::admin, digest_text("fifteen-letters")}};
    Watched watched{read_access(admin).value()};
    BOOST_TEST(watched.call(over_tcp({"localhost"}, {"Bearer "})) == 401u);
    BOOST_TEST(watched.call(over_tcp({"localhost"}, {"Bearer fifteen-letters"})) == 401u);
}

BOOST_AUTO_TEST_CASE(one_token_is_not_two_people) {
    const Folder folder;
    auto admin = configured(folder);
    admin.tokens.push_back({"twin", config::Role::viewer, digest_text(admin_token)});
    const auto access = read_access(admin);
    BOOST_TEST_REQUIRE(access.has_error());
    BOOST_TEST(access.error().step.find("`twin`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_role_may_what_those_before_it_may) {
    const Role roles[] = {Role::viewer, Role::key_operator, Role::admin};
    for (std::size_t have = 0; have < 3; ++have)
        for (std::size_t need = 0; need < 3; ++need)
            BOOST_TEST(may(roles[have], roles[need]) == (have >= need));
    const auto problem = role_too_low(Role::key_operator);
    BOOST_TEST(problem.status == 403u);
    BOOST_TEST(problem.reason == "role_too_low");
    BOOST_TEST(problem.message == "this call needs a token with the role operator");
}

BOOST_AUTO_TEST_CASE(a_body_is_json_or_nothing_is_said_of_it) {
    Watched watched{read_access(std::nullopt).value()};

    struct Row {
        std::vector<std::string> types;
        unsigned status;
    };

    const Row rows[] = {
        {{}, 200},
        {{"application/json"}, 200},
        {{"Application/JSON"}, 200},
        {{"application/json; charset=utf-8"}, 200},
        {{"application/json ;charset=utf-8"}, 200},
        {{""}, 415},
        {{"text/plain"}, 415},
        {{"application/jsonp"}, 415},
        {{"application/merge-patch+json"}, 415},
        {{"application/x-www-form-urlencoded"}, 415},
        {{"application/json", "application/json"}, 415},
    };
    for (const Row& row : rows) {
        auto request = local();
        request.method = "POST";
        request.content_types = row.types;
        BOOST_TEST_CONTEXT((row.types.empty() ? "absent" : row.types.front())) {
            BOOST_TEST(watched.call(request) == 200u); // no body, no type
            request.body = "{}";
            BOOST_TEST(watched.call(request) == row.status);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_change_leaves_a_line_without_query_and_body) {
    const Folder folder;
    Watched watched{read_access(configured(folder)).value()};
    auto request = over_tcp({"localhost"}, {"Bearer " + operator_token});
    BOOST_TEST(watched.call(request) == 200u);
    BOOST_TEST(watched.lines.empty()); // a read
    request.method = "PATCH";
    request.path = "/admin/v1/keys/key_0123456789abcdefghijkl";
    request.query = {{"x", "a-query-value"}};
    request.body = "a body";
    BOOST_TEST(watched.call(request) == 200u);
    request = local();
    request.method = "DELETE";
    request.path = "/admin/v1/owners/nobody-like-this-0123456789/x";
    BOOST_TEST(watched.call(request) == 404u);
    request.path = "/" + std::string(5000, 'x');
    request.method = std::string(5000, 'M');
    BOOST_TEST(watched.call(request) == 200u);
    request.path = "/bug";
    request.method = "POST";
    BOOST_TEST(watched.call(request) == 200u); // the server makes a 500 of it
    request.path = "/admin/v1/usage:reset";    // its body says whose
    BOOST_TEST(watched.call(request) == 200u);
    const std::vector<std::string> expected{
        "admin: actor=ci role=operator transport=tcp method=PATCH "
        "path=/admin/v1/keys/key_0123456789abcdefghijkl status=200 request_id=id-1",
        // What is not there may be a key that was taken for an id.
        "admin: actor=local role=admin transport=local method=DELETE "
        "path=/admin/v1/owners/nobody-l.../x status=404 request_id=id-1",
        "admin: actor=local role=admin transport=local method=" + std::string(16, 'M') + " path=/" +
            std::string(199, 'x') + "... status=200 request_id=id-1",
        "admin: actor=local role=admin transport=local method=POST path=/bug status=unknown",
        "admin: actor=local role=admin transport=local method=POST path=/admin/v1/usage:reset "
        "about=key_1 status=200 request_id=id-1",
    };
    BOOST_TEST(watched.lines == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_key_that_is_taken_for_an_id_is_not_told) {
    const Folder folder;
    const std::string path = "/admin/v1/keys/kg_live_0123456789";
    for (const unsigned status : {400u, 403u, 404u, 405u, 415u, 422u, 503u}) {
        Watched watched{read_access(configured(folder)).value()};
        watched.status = status;
        auto request = local();
        request.method = "PATCH";
        request.path = path;
        BOOST_TEST(watched.call(request) == status);
        BOOST_TEST_REQUIRE(watched.lines.size() == 1u);
        BOOST_TEST((watched.lines.front().find("/keys/kg_live_... status=") != std::string::npos),
                   watched.lines.front());
    }
    // These say that the record is there.
    for (const unsigned status : {200u, 204u, 409u, 412u}) {
        Watched watched{read_access(configured(folder)).value()};
        watched.status = status;
        auto request = local();
        request.method = "PATCH";
        request.path = path;
        BOOST_TEST(watched.call(request) == status);
        BOOST_TEST_REQUIRE(watched.lines.size() == 1u);
        BOOST_TEST((watched.lines.front().find(path + " status=") != std::string::npos),
                   watched.lines.front());
    }
}

BOOST_AUTO_TEST_CASE(refused_calls_are_told_once_a_second_with_their_count) {
    using namespace std::chrono_literals;
    std::vector<std::string> lines;
    {
        Watched watched{read_access(std::nullopt).value()};
        const auto refused = over_tcp({"localhost"}, {"Bearer " + admin_token});
        for (int i = 0; i < 1000; ++i)
            BOOST_TEST(watched.call(refused) == 401u);
        BOOST_TEST(watched.lines.size() == 1u);
        watched.clock.steady += 999ms;
        BOOST_TEST(watched.call(over_tcp({"evil.example"}, {})) == 421u);
        BOOST_TEST(watched.lines.size() == 1u);
        watched.clock.steady += 1ms;
        BOOST_TEST(watched.call(local()) == 200u);
        BOOST_TEST(watched.lines.size() == 2u);
        watched.clock.steady += 1s;
        BOOST_TEST(watched.call(local()) == 200u);
        BOOST_TEST(watched.lines.size() == 2u);
        BOOST_TEST(watched.guard.refused() == 1001u);
        lines = watched.lines;
    }
    BOOST_TEST(lines[0] == "admin: 1 call was not let in; the last: token_invalid over tcp");
    BOOST_TEST(lines[1] == "admin: 1000 calls were not let in; the last: host_invalid over tcp");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
