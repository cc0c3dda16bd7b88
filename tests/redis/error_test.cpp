#include "redis/error.hpp"
#include "redis/reply.hpp"
#include "support/scripted_redis.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <set>

namespace keygate::redis {
namespace {

namespace bdata = boost::unit_test::data;

struct Case {
    const char* reply;
    Error error;
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
    return out << one.reply;
}

// As Redis 5 to 7 write them.
const auto cases = std::to_array<Case>({
    {"LOADING Redis is loading the dataset in memory", Error::loading},
    {"READONLY You can't write against a read only replica.", Error::read_only},
    {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
     Error::master_down},
    {"MOVED 3999 127.0.0.1:6381", Error::moved},
    {"ASK 3999 127.0.0.1:6381", Error::moved},
    {"TRYAGAIN Multiple keys request during rehashing of slot", Error::moved},
    {"CLUSTERDOWN The cluster is down", Error::moved},
    {"CROSSSLOT Keys in request don't hash to the same slot", Error::moved},
    {"BUSY Redis is busy running a script.", Error::busy},
    {"OOM command not allowed when used memory > 'maxmemory'.", Error::out_of_memory},
    {"MISCONF Redis is configured to save RDB snapshots", Error::not_persistent},
    {"NOREPLICAS Not enough good replicas to write.", Error::too_few_replicas},
    {"NOSCRIPT No matching script. Please use EVAL.", Error::no_script},
    {"NOAUTH Authentication required.", Error::no_auth},
    {"WRONGPASS invalid username-password pair or user is disabled.", Error::no_auth},
    {"ERR AUTH <password> called without any password configured for the default user. Are you "
     "sure your configuration is correct?",
     Error::no_auth},
    {"ERR Client sent AUTH, but no password is set", Error::no_auth},
    {"ERR invalid password", Error::no_auth},
    {"NOPERM this user has no permissions to run the 'get' command", Error::no_permission},
    {"WRONGTYPE Operation against a key holding the wrong kind of value", Error::wrong_type},
    {"EXECABORT Transaction discarded because of previous errors.", Error::aborted},
    {"ERR unknown command 'FOO', with args beginning with: ", Error::unknown_command},
    {"ERR unknown command `FOO`, with args beginning with: ", Error::unknown_command},
    {"ERR SELECT is not allowed in cluster mode", Error::is_cluster},
    {"ERR syntax error", Error::other},
    {"ERR", Error::other},
    {"BUSYGROUP Consumer Group name already exists", Error::other},
    {"loading", Error::other},
    {"LOADING", Error::loading},
    {"", Error::other},
});

} // namespace

BOOST_AUTO_TEST_SUITE(redis_error)

BOOST_DATA_TEST_CASE(an_error_reply_is_known_by_its_first_word, bdata::make(cases), one) {
    BOOST_TEST(classify(one.reply) == one.error);
}

BOOST_AUTO_TEST_CASE(each_error_has_words_of_its_own) {
    std::set<std::string> seen;
    for (int value = 1; value <= static_cast<int>(Error::unexpected); ++value)
        seen.insert(redis_category().message(value));
    BOOST_TEST(seen.size() == static_cast<std::size_t>(Error::unexpected));
    BOOST_TEST(!seen.contains(redis_category().message(0)));
}

BOOST_AUTO_TEST_CASE(a_fault_names_the_command_and_repeats_no_argument) {
    Reply reply;
    reply.kind = Reply::Kind::error;
    reply.text = "ERR unknown command 'HSETX', with args beginning with: 'hunter2' ";
    const Fault fault = fault_of(reply, "HSETX");
    BOOST_TEST(fault.error == Error::unknown_command);
    BOOST_TEST(to_string(fault) == "HSETX: Redis does not know the command");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace keygate::redis
