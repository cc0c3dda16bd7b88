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

asio::awaitable<Response> welcome(Request) {
    Response response;
    response.body = "in";
    co_return response;
}

unsigned status_of(const Handler& handler, Request request) {
    asio::io_context loop{1};
    unsigned status = 0;
    asio::co_spawn(loop, handler(std::move(request)),
                   [&](std::exception_ptr, Response response) { status = response.status; });
    loop.run();
    return status;
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
    const std::string token = "0123456789abcdefghij";
    const std::string good = "Bearer " + token;
    const auto guard = guarded(welcome, Secret{std::string{token}}, {"127.0.0.1", 9900});
    const auto v6 = guarded(welcome, Secret{std::string{token}}, {"::1", 9900});

    struct Row {
        std::vector<std::string> hosts;
        std::vector<std::string> authorizations;
        unsigned status;
    };

    const Row rows[] = {
        {{"127.0.0.1:9900"}, {good}, 200},
        {{"127.0.0.1"}, {good}, 200},
        {{"localhost:9900"}, {good}, 200},
        {{"LOCALHOST"}, {"bearer " + token}, 200},
        {{"[::1]:9900"}, {good}, 200},
        {{"evil.example:9900"}, {good}, 421},
        {{"localhost.evil.example"}, {good}, 421},
        {{"127.0.0.1.evil.example:9900"}, {good}, 421},
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
        {{"localhost"}, {good, good}, 401},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.hosts.size() << " " << row.status) {
            Request request;
            request.hosts = row.hosts;
            request.authorizations = row.authorizations;
            BOOST_TEST(status_of(guard, request) == row.status);
            BOOST_TEST(status_of(v6, request) == row.status);
        }
    }
}

BOOST_AUTO_TEST_CASE(over_a_unix_socket_the_file_is_the_guard) {
    Request request;
    request.transport = Transport::local;
    BOOST_TEST(status_of(guarded(welcome, Secret{}, {}), request) == 200u);
    BOOST_TEST(status_of(guarded_local(welcome), request) == 200u);
    request.transport = Transport::tcp;
    request.hosts = {"localhost"};
    request.authorizations = {"Bearer "};
    BOOST_TEST(status_of(guarded_local(welcome), request) == 401u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
