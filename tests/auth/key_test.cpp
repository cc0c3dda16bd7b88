#include "auth/key.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace keygate;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t api = 3;
const WallTime now{std::chrono::seconds{1'700'000'000}};

struct Facts {
    keys::Entry entry;
    auth::Credential credential;
    bool takes_test_keys = true;
    config::MaxAge max_age;
    WallTime now = ::now;
};

/// The answer about a valid key after a change to it: the reason's name, or `ok`.
std::string answer(const std::function<void(Facts&)>& change) {
    auto* entry = new keys::Entry;
    const keys::EntryRef ref{entry};
    Facts facts;
    facts.entry.api = api;
    change(facts);
    entry->api = facts.entry.api;
    entry->readable = facts.entry.readable;
    entry->status = facts.entry.status;
    entry->mode = facts.entry.mode;
    entry->expires_at = facts.entry.expires_at;

    entry->created_at = facts.entry.created_at;
    entry->particulars = facts.entry.particulars;

    keys::ApiNames names;
    names.max_age = facts.max_age;
    const auto identity =
        auth::identify(ref, facts.credential, api, names, facts.takes_test_keys, facts.now);
    if (!identity) return std::string{name(identity.error().reason)};
    BOOST_TEST(&identity->entry() == entry);
    return "ok";
}

} // namespace

BOOST_AUTO_TEST_SUITE(auth_key)

BOOST_AUTO_TEST_CASE(a_valid_key_is_an_identity) {
    BOOST_TEST(answer([](Facts&) {}) == "ok");
}

BOOST_AUTO_TEST_CASE(no_entry_and_a_key_of_another_api_are_unknown) {
    const auto identity = auth::identify(nullptr, {}, api, {}, true, now);
    BOOST_TEST_REQUIRE(identity.has_error());
    BOOST_TEST((identity.error().reason == Reason::key_unknown));
    BOOST_TEST(answer([](Facts& facts) { facts.entry.api = api + 1; }) == "key_unknown");
}

BOOST_AUTO_TEST_CASE(a_key_ends_with_the_second_at_which_it_expires) {
    const auto expires = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const auto at = [&](std::chrono::nanoseconds offset) {
        return answer([&](Facts& facts) {
            facts.entry.expires_at = expires;
            facts.now = now + std::chrono::duration_cast<WallTime::duration>(offset);
        });
    };
    BOOST_TEST(at(-1ns) == "ok");
    BOOST_TEST(at(0ns) == "key_expired");
    BOOST_TEST(at(1ns) == "key_expired");
    BOOST_TEST(at(24h) == "key_expired");
    BOOST_TEST(at(-1s) == "ok");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_too_old_has_ended) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const auto made = [&](std::chrono::seconds ago, std::optional<std::chrono::seconds> refuse) {
        return answer([&](Facts& facts) {
            facts.entry.created_at = static_cast<std::uint32_t>(second - ago.count());
            facts.max_age.refuse = refuse;
            facts.max_age.warn = 1s;
        });
    };
    BOOST_TEST(made(24h * 120, std::nullopt) == "ok");
    BOOST_TEST(made(24h * 120 - 1s, 24h * 120) == "ok");
    BOOST_TEST(made(24h * 120, 24h * 120) == "key_expired");
    BOOST_TEST(made(24h * 121, 24h * 120) == "key_expired");
    BOOST_TEST(made(-1h, 24h) == "ok"); // a clock that was set back makes nobody old
    // Nobody knows when it was made: older than any.
    BOOST_TEST(made(std::chrono::seconds{second}, 24h * 365) == "key_expired");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_found_by_a_part_is_proved_by_the_whole) {
    const auto with = [](std::optional<std::string_view> secret,
                         const std::vector<std::string_view>& proofs, bool is_readable = true) {
        return answer([&](Facts& facts) {
            facts.entry.readable = is_readable;
            if (secret) {
                const boost::intrusive_ptr<keys::Particulars> made{new keys::Particulars};
                made->secret_digest = keys::digest_of(*secret);
                facts.entry.particulars = made;
            }
            for (const std::string_view proof : proofs)
                facts.credential.proofs[facts.credential.proof_count++] = keys::digest_of(proof);
        });
    };
    BOOST_TEST(with("19656ea.4329", {"19656ea.4329"}) == "ok");
    BOOST_TEST(with("19656ea.4329", {"other", "19656ea.4329"}) == "ok");
    BOOST_TEST(with("19656ea.4329", {"19656ea.4329", "other"}) == "ok");
    BOOST_TEST(with("19656ea.4329", {"19656ea.4328"}) == "key_unknown");
    BOOST_TEST(with("19656ea.4329", {"a", "b", "c", "d", "e"}) == "key_unknown");
    // Whoever does not know the key learns nothing of its record.
    BOOST_TEST(with("19656ea.4329", {"19656ea.4328"}, false) == "key_unknown");
    BOOST_TEST(with("19656ea.4329", {"19656ea.4329"}, false) == "store_invalid");
    // A record of the other kind is unreadable (keys/compile.cpp); it never opens anything.
    BOOST_TEST(with("19656ea.4329", {}, false) == "store_invalid");
    BOOST_TEST(with(std::nullopt, {"19656ea.4329"}, false) == "store_invalid");
    BOOST_TEST(with("19656ea.4329", {}) == "key_unknown");
    BOOST_TEST(with(std::nullopt, {"19656ea.4329"}) == "key_unknown");
}

BOOST_AUTO_TEST_CASE(a_key_must_be_of_the_mode_that_it_states) {
    using keys::Mode;

    struct Case {
        std::optional<Mode> stated;
        Mode mode;
        bool takes_test_keys;
        std::string_view answer;
    };

    for (const auto& one : std::initializer_list<Case>{
             {std::nullopt, Mode::live, true, "ok"},
             {std::nullopt, Mode::live, false, "ok"},
             {std::nullopt, Mode::test, true, "ok"},
             {std::nullopt, Mode::test, false, "key_mode_mismatch"},
             {Mode::live, Mode::live, false, "ok"},
             {Mode::test, Mode::test, true, "ok"},
             {Mode::test, Mode::test, false, "key_mode_mismatch"},
             {Mode::live, Mode::test, true, "key_mode_mismatch"},
             {Mode::test, Mode::live, true, "key_mode_mismatch"},
         }) {
        BOOST_TEST(answer([&](Facts& facts) {
                       facts.credential.stated_mode = one.stated;
                       facts.entry.mode = one.mode;
                       facts.takes_test_keys = one.takes_test_keys;
                   }) == one.answer);
    }
}

BOOST_AUTO_TEST_CASE(the_first_reason_in_the_order_is_the_one_that_is_told) {
    // Everything is wrong, and is put right from the front.
    Facts wrong;
    wrong.entry.api = api + 1;
    wrong.entry.readable = false;
    wrong.entry.status = keys::KeyStatus::revoked;
    wrong.entry.expires_at = 0;
    wrong.credential.stated_mode = keys::Mode::test;
    const auto with = [&](int fixed) {
        return answer([&](Facts& facts) {
            facts.entry.api = fixed > 0 ? api : wrong.entry.api;
            facts.entry.readable = fixed > 1;
            facts.entry.status = fixed > 3   ? keys::KeyStatus::active
                                 : fixed > 2 ? keys::KeyStatus::disabled
                                             : keys::KeyStatus::revoked;
            if (fixed <= 4) facts.entry.expires_at = 0;
            if (fixed <= 5) facts.credential.stated_mode = keys::Mode::test;
        });
    };
    BOOST_TEST(with(0) == "key_unknown");
    BOOST_TEST(with(1) == "store_invalid");
    BOOST_TEST(with(2) == "key_revoked");
    BOOST_TEST(with(3) == "key_disabled");
    BOOST_TEST(with(4) == "key_expired");
    BOOST_TEST(with(5) == "key_mode_mismatch");
    BOOST_TEST(with(6) == "ok");
}

BOOST_AUTO_TEST_SUITE_END()
