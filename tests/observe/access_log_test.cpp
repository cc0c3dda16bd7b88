#include "observe/access_log.hpp"
#include "support/temp_folder.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace keygate;

namespace {

namespace json = boost::json;
using observe::AccessLog;
using observe::AccessRecord;

AccessRecord small_record() {
    return {.time = WallTime{std::chrono::milliseconds{1'773'225'000'007}},
            .request_id = "id-1",
            .client = "192.0.2.1",
            .outcome = Reason::key_unknown,
            .status = 403};
}

/// The line as a reader of JSON sees it.
json::object read_back(const AccessRecord& record) {
    std::string line;
    observe::write_line(line, record);
    BOOST_TEST_REQUIRE(!line.empty());
    BOOST_TEST(line.back() == '\n');
    BOOST_TEST(line.find('\n') == line.size() - 1);
    for (const char c : line.substr(0, line.size() - 1))
        BOOST_TEST((c >= 0x20 && c < 0x7F));
    boost::system::error_code wrong;
    const json::value value = json::parse(line, wrong);
    BOOST_TEST_REQUIRE(!wrong, line);
    return value.as_object();
}

/// Each byte as the Latin-1 letter, in UTF-8: how bytes beyond ASCII are shown.
std::string as_latin_1(const std::string& bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            text += c;
        } else {
            text += static_cast<char>(0xC0 | byte >> 6);
            text += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return text;
}

std::string text_of(const std::string& file) {
    std::ifstream stream{file};
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::size_t lines_in(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

BOOST_AUTO_TEST_SUITE(observe_access_log)

BOOST_AUTO_TEST_CASE(a_line_has_what_is_known_and_nothing_else) {
    std::string line;
    observe::write_line(line, small_record());
    BOOST_TEST(line == "{\"time\":\"2026-03-11T10:30:00.007Z\",\"request_id\":\"id-1\","
                       "\"outcome\":\"key_unknown\",\"status\":403,\"client\":\"192.0.2.1\","
                       "\"bytes_in\":0,\"bytes_out\":0,\"duration_us\":0}\n");
}

BOOST_AUTO_TEST_CASE(a_whole_line_names_all) {
    AccessRecord record = small_record();
    record.method = "GET";
    record.host = "shop.example";
    record.path = "/v1/orders/7";
    record.api = "shop";
    record.route = "GET /v1/orders/**";
    record.key_id = "key_1";
    record.owner = "acme";
    record.plan = "pro";
    record.mode = "live";
    record.upstream = "127.0.0.1:3000";
    record.outcome = observe::Outcome::allowed();
    record.status = 200;
    record.received = 18'446'744'073'709'551'615U;
    record.sent = 12;
    record.duration = std::chrono::microseconds{1500} + std::chrono::nanoseconds{999};
    const json::object line = read_back(record);
    const std::vector<std::pair<const char*, const char*>> texts{
        {"time", "2026-03-11T10:30:00.007Z"},
        {"request_id", "id-1"},
        {"outcome", "allowed"},
        {"client", "192.0.2.1"},
        {"method", "GET"},
        {"host", "shop.example"},
        {"path", "/v1/orders/7"},
        {"api", "shop"},
        {"route", "GET /v1/orders/**"},
        {"key_id", "key_1"},
        {"owner", "acme"},
        {"plan", "pro"},
        {"mode", "live"},
        {"upstream", "127.0.0.1:3000"}};
    for (const auto& [name, text] : texts)
        BOOST_TEST(line.at(name).as_string() == text, name);
    BOOST_TEST(line.at("status").as_int64() == 200);
    BOOST_TEST(line.at("bytes_in").as_uint64() == 18'446'744'073'709'551'615U);
    BOOST_TEST(line.at("bytes_out").as_int64() == 12);
    BOOST_TEST(line.at("duration_us").as_int64() == 1500);
    BOOST_TEST(line.size() == texts.size() + 4);
    record.is_stale = true;
    BOOST_TEST(read_back(record).at("stale").as_bool());
}

BOOST_AUTO_TEST_CASE(every_byte_survives_as_text_of_one_line) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte)
        all += static_cast<char>(byte);
    for (const std::string& text :
         {all, std::string{"\"\\\n\r\t\0\x7f", 7}, std::string{"\",\"owner\":\"eve"},
          std::string{"\xC3\xA9\xE2\x80\xA8"}, std::string{"</script>"}}) {
        AccessRecord record = small_record();
        record.path = text;
        record.host = text;
        const json::object line = read_back(record);
        BOOST_TEST(std::string(line.at("path").as_string().c_str(),
                               line.at("path").as_string().size()) == as_latin_1(text));
        BOOST_TEST((line.at("host") == line.at("path")));
        BOOST_TEST(!line.contains("owner"));
    }
}

BOOST_AUTO_TEST_CASE(random_bytes_survive_in_every_member) {
    std::mt19937 random{7};
    for (int round = 0; round < 500; ++round) {
        std::string text(1 + random() % 40, ' ');
        for (char& c : text)
            c = static_cast<char>(random() % 256);
        AccessRecord record = small_record();
        for (auto* const member : {&record.request_id, &record.client, &record.method, &record.host,
                                   &record.path, &record.api, &record.route, &record.key_id,
                                   &record.owner, &record.plan, &record.mode, &record.upstream})
            *member = text;
        const json::object line = read_back(record);
        for (const char* const name : {"request_id", "client", "method", "host", "path", "api",
                                       "route", "key_id", "owner", "plan", "mode", "upstream"})
            BOOST_TEST(line.at(name).as_string() == as_latin_1(text));
    }
}

BOOST_AUTO_TEST_CASE(times_are_utc_with_milliseconds) {
    using std::chrono::milliseconds;
    for (const auto& [time, text] : std::vector<std::pair<milliseconds, const char*>>{
             {milliseconds{0}, "1970-01-01T00:00:00.000Z"},
             {milliseconds{999}, "1970-01-01T00:00:00.999Z"},
             {milliseconds{1'709'164'799'050}, "2024-02-28T23:59:59.050Z"},
             {milliseconds{1'709'164'800'000}, "2024-02-29T00:00:00.000Z"}}) {
        AccessRecord record = small_record();
        record.time = WallTime{time};
        BOOST_TEST(read_back(record).at("time").as_string() == text);
    }
}

BOOST_AUTO_TEST_CASE(what_is_written_is_in_the_file_at_the_end) {
    const support::TempFolder folder;
    const std::string file = folder.file("access.log");
    for (int run = 0; run < 2; ++run) { // the second appends
        auto log = AccessLog::open(file);
        BOOST_TEST_REQUIRE(log.has_value());
        BOOST_TEST((*log)->is_on());
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                AccessLog::Buffer buffer{**log};
                for (int line = 0; line < 1000; ++line)
                    buffer.write(small_record());
            });
        for (std::thread& thread : threads)
            thread.join();
        BOOST_TEST((*log)->dropped() == 0U);
    }
    BOOST_TEST(lines_in(text_of(file)) == 8000U);

    struct stat mode {};

    BOOST_TEST_REQUIRE(::stat(file.c_str(), &mode) == 0);
    BOOST_TEST((mode.st_mode & 07777 & ~0640U) == 0U);
}

BOOST_AUTO_TEST_CASE(a_log_that_is_off_costs_nothing) {
    auto log = AccessLog::open("off");
    BOOST_TEST_REQUIRE(log.has_value());
    AccessLog::Buffer buffer{**log};
    BOOST_TEST(!buffer.is_on());
    buffer.write(small_record());
    buffer.flush();
    BOOST_TEST((*log)->dropped() == 0U);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_opened_is_a_fault) {
    const support::TempFolder folder;
    const auto log = AccessLog::open(folder.file("none/access.log"));
    BOOST_TEST_REQUIRE(log.has_error());
    BOOST_TEST((log.error().error == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST(log.error().step.find("access log") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_full_disk_loses_lines_and_counts_them) {
    auto log = AccessLog::open("/dev/full");
    BOOST_TEST_REQUIRE(log.has_value());
    AccessLog::Buffer buffer{**log};
    for (int i = 0; i < 10; ++i)
        buffer.write(small_record());
    buffer.flush();
    // The writer's turn comes when it comes.
    while ((*log)->dropped() != 10U)
        std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(a_full_queue_loses_lines_and_counts_them) {
    const support::TempFolder folder;
    const std::string pipe = folder.file("pipe");
    BOOST_TEST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    BOOST_TEST_REQUIRE(reader >= 0);
    ::fcntl(reader, F_SETFL, 0); // from now on reads wait
    auto log = AccessLog::open(pipe);
    BOOST_TEST_REQUIRE(log.has_value());

    // Nobody reads: the writer stands still, and whoever writes does not.
    const std::string path(16'000, 'x');
    AccessRecord record = small_record();
    record.path = path;
    std::uint64_t written = 0;
    {
        AccessLog::Buffer buffer{**log};
        while ((*log)->dropped() == 0U) {
            buffer.write(record);
            ++written;
        }
    }
    const std::uint64_t dropped = (*log)->dropped();
    BOOST_TEST(written < 10'000U); // bounded: about 32 MiB
    // Then somebody reads: every line that was not counted as lost is there, and whole.
    std::size_t lines = 0;
    std::thread reading{[&] {
        std::string bytes(1 << 20, ' ');
        for (ssize_t count = 0; (count = ::read(reader, bytes.data(), bytes.size())) > 0;)
            lines +=
                static_cast<std::size_t>(std::count(bytes.begin(), bytes.begin() + count, '\n'));
    }};
    log->reset();
    reading.join();
    ::close(reader);
    BOOST_TEST(lines + dropped == written);
}

BOOST_AUTO_TEST_CASE(lines_are_handed_over_when_they_are_due) {
    const support::TempFolder folder;
    const std::string file = folder.file("access.log");
    auto log = AccessLog::open(file);
    BOOST_TEST_REQUIRE(log.has_value());
    AccessLog::Buffer buffer{**log};
    buffer.write(small_record());
    const SteadyTime now = std::chrono::steady_clock::now();
    buffer.flush_if_due(now + std::chrono::seconds{1});
    while (text_of(file).empty())
        std::this_thread::yield();
    BOOST_TEST(lines_in(text_of(file)) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
