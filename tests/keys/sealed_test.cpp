#include "keys/records.hpp"
#include "keys/sealed.hpp"
#include "keys/store.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>

#include <sys/stat.h>

namespace keygate::keys {
namespace {

namespace bdata = boost::unit_test::data;
using test::key_record;
using test::TempFolder;

const std::string secret = "kg_live_0123456789abcdefghijABCDEFGHIJ0123456789";

std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct KeyFiles {
    TempFolder folder;
    config::Settings settings = test::settings();
    std::string file = folder.file("reveal.key");

    KeyFiles() { settings.apis[0].recoverable = config::Recoverable{file, {}}; }

    void write(const std::string& path, const std::string& text, mode_t mode = 0600) const {
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
    }

    [[nodiscard]] Seals load() const { return Seals::load(settings).value(); }

    [[nodiscard]] static KeyRecord sealed(const Seals& seals, int number = 1) {
        KeyRecord record = key_record(number);
        record.sealed = seals.seal(record, secret);
        return record;
    }

    [[nodiscard]] static bool opens(const Seals& seals, const KeyRecord& record) {
        const auto opened = seals.open(record);
        if (opened) return opened->reveal() == secret;
        BOOST_TEST((opened.error().error == StoreError::unreadable));
        BOOST_TEST(to_string(opened.error()).find(secret) == std::string::npos);
        return false;
    }
};

BOOST_FIXTURE_TEST_SUITE(keys_sealed, KeyFiles)

BOOST_AUTO_TEST_CASE(what_was_sealed_is_opened_and_never_stands_there) {
    const Seals seals = load();
    BOOST_TEST(seals.is_recoverable("shop"));
    BOOST_TEST(!seals.is_recoverable("deals"));
    const KeyRecord record = sealed(seals);
    BOOST_TEST(record.sealed.starts_with("v1."));
    BOOST_TEST(record.sealed.find(secret.substr(8)) == std::string::npos);
    BOOST_TEST(
        record.sealed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-_.") == std::string::npos);
    BOOST_TEST(opens(seals, record));
    // Each time another nonce.
    BOOST_TEST(sealed(seals).sealed != record.sealed);
    BOOST_TEST(seals.seal(key_record(1, "deals"), secret).empty());
    // After a restart.
    BOOST_TEST(opens(load(), record));
    for (const std::string& text : {std::string{}, std::string(1, 'x'), std::string(256, 'y')}) {
        KeyRecord other = key_record(2);
        other.sealed = seals.seal(other, text);
        BOOST_TEST((seals.open(other).value().reveal() == text));
    }
}

BOOST_AUTO_TEST_CASE(a_file_is_made_once_for_its_owner_alone) {
    (void)load();
    const std::string made = text_of(file);
    BOOST_TEST(made.size() == 65U);
    BOOST_TEST(made.find_first_not_of("0123456789abcdef") == 64U);

    struct stat found {};

    BOOST_TEST_REQUIRE(::stat(file.c_str(), &found) == 0);
    BOOST_TEST((found.st_mode & 0777U) == 0600U);
    (void)load();
    BOOST_TEST(text_of(file) == made);
}

BOOST_AUTO_TEST_CASE(a_record_is_bound_to_what_it_is) {
    const Seals seals = load();
    const KeyRecord record = sealed(seals);
    const auto moved = [&](auto change) {
        KeyRecord other = record;
        change(other);
        return opens(seals, other);
    };
    BOOST_TEST(moved([](KeyRecord& key) { key.name = "another label"; }));
    BOOST_TEST(moved([](KeyRecord& key) { key.owner = "umbrella"; }));
    BOOST_TEST(!moved([](KeyRecord& key) { key.id = "key_2"; }));
    BOOST_TEST(!moved([](KeyRecord& key) { key.digest = key_record(2).digest; }));
    BOOST_TEST(!moved([](KeyRecord& key) { key.api = "deals"; }));
    // Not even between APIs that share the file.
    settings.apis[1].recoverable = config::Recoverable{file, {}};
    KeyRecord other = record;
    other.api = "deals";
    BOOST_TEST(!opens(load(), other));
}

BOOST_AUTO_TEST_CASE(a_single_letter_that_is_another_one_opens_nothing) {
    const Seals seals = load();
    const KeyRecord record = sealed(seals);
    for (std::size_t i = 0; i < record.sealed.size(); ++i) {
        KeyRecord other = record;
        other.sealed[i] = other.sealed[i] == 'A' ? 'B' : 'A';
        // The last letter may have bits that stand for nothing.
        if (i + 1 < record.sealed.size()) BOOST_TEST(!opens(seals, other), i);
    }
}

BOOST_DATA_TEST_CASE_F(KeyFiles, what_is_no_seal_opens_nothing,
                       bdata::make({"", "v1", "v1.", "v1..", "v2.00000000.AAAA", "v1.00000000",
                                    "v1.00000000.", "v1.00000000.AA=="}),
                       text) {
    KeyRecord record = key_record(1);
    record.sealed = text;
    const Seals seals = load();
    BOOST_TEST(!opens(seals, record));
    // With the right file and too little behind it.
    const std::string id = sealed(seals).sealed.substr(3, 8);
    for (const char* rest : {"", "A", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "!!!!"}) {
        record.sealed = "v1." + id + "." + rest;
        BOOST_TEST(!opens(seals, record), rest);
    }
}

BOOST_AUTO_TEST_CASE(an_old_file_opens_and_the_new_one_seals) {
    const KeyRecord old = sealed(load());
    settings.apis[0].recoverable = config::Recoverable{folder.file("new.key"), {file}};
    const Seals seals = load();
    BOOST_TEST(opens(seals, old));
    const KeyRecord fresh = sealed(seals);
    BOOST_TEST(opens(seals, fresh));
    BOOST_TEST(fresh.sealed.substr(0, 11) != old.sealed.substr(0, 11)); // which file it was
    // Without the old one there is nothing to open it with.
    settings.apis[0].recoverable->old_key_files.clear();
    const Seals without = load();
    BOOST_TEST(!opens(without, old));
    BOOST_TEST(opens(without, fresh));
}

BOOST_DATA_TEST_CASE_F(KeyFiles, what_is_no_key_file_is_named_and_not_shown,
                       bdata::make({"", "00", "g", "0123456789abcdef0123456789abcdef"}), text) {
    std::string content = text;
    if (content == "g") content = std::string(63, '0') + "g";
    write(file, content + "\n");
    const auto loaded = Seals::load(settings);
    BOOST_TEST_REQUIRE(loaded.has_error());
    BOOST_TEST(to_string(loaded.error()).find(file) != std::string::npos);
    if (content.size() > 8)
        BOOST_TEST(to_string(loaded.error()).find(content.substr(0, 16)) == std::string::npos);
    BOOST_TEST(text_of(file) == content + "\n");
}

BOOST_AUTO_TEST_CASE(a_key_file_is_a_secret_and_an_old_one_is_not_made) {
    write(file, std::string(64, 'a') + "\n", 0640);
    const auto open_to_all = Seals::load(settings);
    BOOST_TEST_REQUIRE(open_to_all.has_error());
    BOOST_TEST((open_to_all.error().error == boost::system::errc::permission_denied));
    write(file, std::string(64, 'A') + "\n"); // either case
    BOOST_TEST(Seals::load(settings).has_value());
    settings.apis[0].recoverable->old_key_files = {folder.file("old.key")};
    const auto missing = Seals::load(settings);
    BOOST_TEST_REQUIRE(missing.has_error());
    BOOST_TEST((missing.error().error == boost::system::errc::no_such_file_or_directory));
    settings.apis[0].recoverable = config::Recoverable{folder.file("no/such/folder.key"), {}};
    BOOST_TEST(Seals::load(settings).has_error());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::keys
