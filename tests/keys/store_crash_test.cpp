#include "keys/records.hpp"
#include "keys/sqlite_store.hpp"
#include "support/store_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <map>
#include <random>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// A gateway that is killed in the middle of its writes: what it acknowledged is there, what it
// wrote in one piece is there whole or not at all. KEYGATE_LONG=1 runs 200 rounds instead of 10.
namespace keygate::keys {
namespace {

using test::key_record;

constexpr int batch_size = 3;

KeyRecord record_of(int round, int batch, int member) {
    KeyRecord key = key_record(batch * batch_size + member);
    key.id = "key_" + std::to_string(round) + "_" + key.id;
    key.digest = digest_of(key.id);
    key.name = std::to_string(batch);
    key.scopes = {{"a:read"}};
    return key;
}

/// Inserts batches and tells each one's number after the store has returned, until it is killed.
[[noreturn]] void write_until_killed(const std::string& file, int round, int acknowledgements) {
    auto store = open_sqlite_store(file);
    if (!store) ::_exit(1);
    for (int batch = 0;; ++batch) {
        std::vector<KeyRecord> keys;
        for (int i = 0; i < batch_size; ++i)
            keys.push_back(record_of(round, batch, i));
        if (!keygate::test::insert(**store, keys)) ::_exit(2);
        // Every other batch is revoked too; that is acknowledged with it.
        if (batch % 2 == 1 && !keygate::test::set_status(**store, keys[0].id, KeyStatus::revoked))
            ::_exit(3);
        if (::write(acknowledgements, &batch, sizeof batch) != sizeof batch) ::_exit(4);
    }
}

/// Reads acknowledgements and kills the child some time after the `patience`-th.
int kill_at(pid_t child, int acknowledgements, int patience, int delay_us) {
    int last = -1;
    int batch = 0;
    while (last < patience && ::read(acknowledgements, &batch, sizeof batch) == sizeof batch)
        last = batch;
    ::usleep(static_cast<useconds_t>(delay_us));
    ::kill(child, SIGKILL);
    while (::read(acknowledgements, &batch, sizeof batch) == sizeof batch)
        last = batch;
    int status = 0;
    ::waitpid(child, &status, 0);
    BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
               "it ended by itself: " << status);
    return last;
}

BOOST_AUTO_TEST_SUITE(keys_store_crash)

BOOST_AUTO_TEST_CASE(what_was_acknowledged_survives_a_kill) {
    const test::TempFolder folder;
    const std::string file = folder.file("keys.db");
    const char* is_long = std::getenv("KEYGATE_LONG");
    const int rounds = is_long != nullptr && std::string{is_long} == "1" ? 200 : 10;
    std::mt19937 random{2604};
    std::size_t known = 0;
    for (int round = 0; round < rounds; ++round) {
        BOOST_TEST_CONTEXT("round " << round) {
            const int patience = std::uniform_int_distribution<int>{0, 40}(random);
            const int delay_us = std::uniform_int_distribution<int>{0, 3'000}(random);
            int pipe[2];
            BOOST_TEST_REQUIRE(::pipe(pipe) == 0);
            const pid_t child = ::fork();
            if (child == 0) write_until_killed(file, round, pipe[1]);
            ::close(pipe[1]);
            const int last = kill_at(child, pipe[0], patience, delay_us);
            ::close(pipe[0]);
            BOOST_TEST(last >= patience);

            const auto store = open_sqlite_store(file);
            BOOST_TEST_REQUIRE(store.has_value());
            std::map<std::string, KeyRecord> found;
            BOOST_TEST((*store)
                           ->each([](OwnerRecord&&) {},
                                  [&](KeyRecord&& key) { found.emplace(key.id, std::move(key)); })
                           .has_value());
            for (int batch = 0; batch <= last; ++batch)
                for (int i = 0; i < batch_size; ++i) {
                    KeyRecord expected = record_of(round, batch, i);
                    if (batch % 2 == 1 && i == 0) expected.status = KeyStatus::revoked;
                    const auto key = found.find(expected.id);
                    BOOST_TEST_REQUIRE((key != found.end()), expected.id << " is lost");
                    BOOST_TEST_REQUIRE((key->second == expected), expected.id << " is another");
                }
            // Of the batch in flight all or nothing, and nothing of earlier rounds is gone.
            const std::size_t acknowledged = static_cast<std::size_t>(last + 1) * batch_size;
            const std::size_t extra = found.size() - known - acknowledged;
            BOOST_TEST((extra == 0 || extra == batch_size), extra);
            known = found.size();
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
