#include "keys/digest.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <thread>
#include <vector>

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(keys_digest)

// FIPS 180-2, appendix B, and the empty text.
const std::vector<std::pair<std::string, std::string>> vectors{
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

BOOST_AUTO_TEST_CASE(it_is_sha_256) {
    // Twice: the second time the thread's context starts over.
    for (int round = 0; round < 2; ++round)
        for (const auto& [text, hex] : vectors)
            BOOST_TEST_CONTEXT(text) BOOST_TEST(to_hex(digest_of(text)) == hex);
}

BOOST_AUTO_TEST_CASE(threads_do_not_disturb_each_other) {
    std::vector<int> wrong(4);
    std::vector<std::thread> threads;
    for (int& count : wrong)
        threads.emplace_back([&count] {
            for (int i = 0; i < 2'000; ++i)
                for (const auto& [text, hex] : vectors)
                    count += to_hex(digest_of(text)) != hex;
        });
    for (std::thread& thread : threads)
        thread.join();
    for (const int count : wrong)
        BOOST_TEST(count == 0);
}

BOOST_AUTO_TEST_CASE(hex_reads_back) {
    for (int i = 0; i < 200; ++i) {
        const Digest digest = digest_of(std::to_string(i));
        BOOST_TEST_REQUIRE(digest_from_hex(to_hex(digest)).has_value());
        BOOST_TEST((*digest_from_hex(to_hex(digest)) == digest));
        BOOST_TEST((digest_from_text("sha256:" + to_hex(digest)) == digest));
    }
}

const std::string good(64, 'a');

BOOST_DATA_TEST_CASE(only_64_lower_case_digits_are_a_digest,
                     bdata::make(std::vector<std::string>{
                         "", good.substr(1), good + "a", good.substr(1) + "A", good.substr(1) + "g",
                         good.substr(1) + " ", std::string(63, 'a') + '\0', "sha256:" + good}),
                     hex) {
    BOOST_TEST(!digest_from_hex(hex));
}

BOOST_DATA_TEST_CASE(an_import_names_its_algorithm,
                     bdata::make(std::vector<std::string>{
                         "", good, "sha256", "sha256:", "SHA256:" + good, "sha1:" + good,
                         " sha256:" + good, "sha256: " + good, "sha256:" + good + "\n"}),
                     text) {
    BOOST_TEST(!digest_from_text(text));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
