#include "app/check.hpp"
#include "support/certificates.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

namespace {

using namespace keygate;

struct Outcome {
    int status;
    std::string out;
    std::string err;
};

Outcome check(const app::CheckOptions& options) {
    std::ostringstream out;
    std::ostringstream err;
    const int status = app::check(options, out, err);
    return {status, out.str(), err.str()};
}

/// A folder of its own that is gone afterwards.
struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("keygate_check_" + std::to_string(getpid()));

    Folder() { std::filesystem::create_directories(path); }

    ~Folder() { std::filesystem::remove_all(path); }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path / name).parent_path());
        std::ofstream{path / name} << text;
        return (path / name).string();
    }
};

const std::string good =
    "version: 1\nlisteners: [{address: \"127.0.0.1:0\"}]\napis:\n  a:\n"
    "    profile: default\n"
    "    upstreams: {live: {servers: [\"http://a\"]}}\n    routes: {GET /: public}\n";

} // namespace

BOOST_AUTO_TEST_SUITE(app_check)

BOOST_AUTO_TEST_CASE(a_good_file_is_told_in_one_line) {
    const Folder folder;
    const std::string file = folder.file("a.yaml", good);
    const Outcome outcome = check({.file = file});
    BOOST_TEST(outcome.status == 0);
    BOOST_TEST(outcome.out == file + ": ok: 1 listener, 1 API, 0 plans, 1 route\n");
    BOOST_TEST(outcome.err == "");
}

BOOST_AUTO_TEST_CASE(mistakes_are_listed_and_counted) {
    const Folder folder;
    const std::string file = folder.file("a.yaml", "threads: x\n" + good + "more: y\n");
    const Outcome outcome = check({.file = file});
    BOOST_TEST(outcome.status == 1);
    BOOST_TEST(outcome.out == "");
    BOOST_TEST(outcome.err ==
               file + ":1:10: threads: found `x`; expected a whole number from 0 to 256\n" + file +
                   ":9:1: more: unknown name `more`; allowed: version, threads, listeners, "
                   "trusted_proxies, forwarded, proxy_status, dns, client, store, "
                   "peppers, admin, status, log, drain, identity, via, apis\n2 mistakes\n");
}

BOOST_AUTO_TEST_CASE(json_carries_the_same) {
    const Folder folder;
    const std::string file = folder.file("a.yaml", "threads: \"\\\"\"\n" + good);
    Outcome outcome = check({.file = file, .json = true});
    BOOST_TEST(outcome.status == 1);
    BOOST_TEST(outcome.err == "");
    const auto reply = boost::json::parse(outcome.out);
    BOOST_TEST(!reply.at("ok").as_bool());
    BOOST_TEST_REQUIRE(reply.at("mistakes").as_array().size() == 1U);
    const auto& mistake = reply.at("mistakes").at(0);
    BOOST_TEST(mistake.at("file").as_string() == file);
    BOOST_TEST(mistake.at("line").as_int64() == 1);
    BOOST_TEST(mistake.at("column").as_int64() == 10);
    BOOST_TEST(mistake.at("path").as_string() == "threads");
    BOOST_TEST(mistake.at("message").as_string() ==
               "found `\"`; expected a whole number from 0 to 256");

    outcome = check({.file = folder.file("b.yaml", good), .json = true});
    BOOST_TEST(outcome.status == 0);
    BOOST_TEST(outcome.out == "{\"ok\":true,\"mistakes\":[]}\n");
}

BOOST_AUTO_TEST_CASE(print_shows_the_configuration_as_understood) {
    const Folder folder;
    const std::string file = folder.file("a.yaml", good);
    const Outcome text = check({.file = file, .print = true});
    BOOST_TEST(text.status == 0);
    BOOST_TEST(text.out.starts_with("version: 1\nthreads: 0\n"));
    const Outcome json = check({.file = file, .json = true, .print = true});
    BOOST_TEST(boost::json::parse(json.out).at("configuration").as_string() == text.out);
    // What was printed is in order too.
    BOOST_TEST(check({.file = folder.file("again.yaml", text.out)}).status == 0);
}

BOOST_AUTO_TEST_CASE(a_profile_that_misses_reasons_fails) {
    const Folder folder;
    const std::string profile =
        folder.file("profiles/default.yaml", "key: {alphabet: hex, length: 32}\n"
                                             "answers: {}\nrefusals: {}\n");
    const Outcome outcome = check({.file = folder.file("a.yaml", good)});
    BOOST_TEST(outcome.status == 1);
    BOOST_TEST(outcome.err.find(profile + ":3:1: refusals: every reason needs an answer; missing: "
                                          "auth_missing, auth_malformed, ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_fails) {
    const Outcome outcome = check({.file = "/nowhere/a.yaml"});
    BOOST_TEST(outcome.status == 1);
    BOOST_TEST(outcome.err ==
               "/nowhere/a.yaml: cannot be read: No such file or directory\n1 mistake\n");
}

BOOST_AUTO_TEST_CASE(certificates_and_keys_are_read_too) {
    const support::Certificates certificates;
    const auto pair = certificates.make("api", "DNS:api.test");
    const auto other = certificates.make("other", "DNS:other.test");
    const auto expired = certificates.make("expired", "DNS:old.test", -1);
    const Folder folder;
    const auto check_with = [&](const std::string& certificate, const std::string& key,
                                const std::string& ca) {
        const std::string file =
            folder.file("tls.yaml", "version: 1\nlisteners:\n"
                                    "- address: \"127.0.0.1:0\"\n"
                                    "  tls: {certificate: " +
                                        certificate + ", private_key: " + key +
                                        "}\n"
                                        "apis:\n  a:\n    profile: default\n    upstreams:\n"
                                        "      live: {servers: [\"https://a\"], tls: {ca: " +
                                        ca + "}}\n    routes: {GET /: public}\n");
        return check({.file = file});
    };
    BOOST_TEST(check_with(pair.certificate, pair.key, certificates.ca()).status == 0);

    const Outcome foreign = check_with(pair.certificate, other.key, certificates.ca());
    BOOST_TEST(foreign.status == 1);
    BOOST_TEST(foreign.err.find("tls.yaml:3:3: listeners[0].tls: read private key file " +
                                other.key) != std::string::npos,
               foreign.err);
    const Outcome both = check_with("nowhere.pem", pair.key, "nowhere.ca");
    BOOST_TEST(both.status == 1);
    BOOST_TEST(both.err.find("nowhere.pem: No such file") != std::string::npos, both.err);
    BOOST_TEST(both.err.find("apis.a.upstreams.live.tls: read CA file") != std::string::npos,
               both.err);
    BOOST_TEST(both.err.ends_with("2 mistakes\n"));

    const Outcome old = check_with(expired.certificate, expired.key, certificates.ca());
    BOOST_TEST(old.status == 0);
    BOOST_TEST(old.err.starts_with("certificate " + expired.certificate + " has expired"));
}

BOOST_AUTO_TEST_SUITE_END()
