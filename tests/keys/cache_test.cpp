#include "keys/cache.hpp"
#include "keys/store.hpp"

#include <boost/test/unit_test.hpp>

#include <thread>
#include <vector>

#include "records.hpp"

using namespace keygate;
using namespace keygate::keys;
using namespace std::chrono_literals;
using test::key_record;
using test::owner_record;

namespace {

using Kind = Cache::Found::Kind;

constexpr BootTime start{std::chrono::hours{1}};

struct Fresh {
    explicit Fresh(std::size_t most = 100, std::chrono::milliseconds stale = 0ms) {
        freshness.bound = 250ms;
        freshness.stale_while_down = stale;
        cache = make(most);
    }

    std::shared_ptr<Cache> make(std::size_t most) {
        return std::make_shared<Cache>(test::catalog(), subjects, named, freshness,
                                       Cache::Bounds{most, 640},
                                       [this](const Change&) { ++committed; });
    }

    /// As the keeper would: read at `at` in the generation that is running.
    EntryRef keep(int number, BootTime at = start) {
        const OwnerRecord owner = with_plan();
        const EntryRef entry = cache->make(key_record(number), &owner, {lease.generation(), at});
        cache->keep(entry);
        return entry;
    }

    static OwnerRecord with_plan() {
        OwnerRecord owner = owner_record("acme");
        owner.plan = "pro";
        return owner;
    }

    void renew(BootTime at) {
        lease.on_ping(at);
        BOOST_TEST_REQUIRE(lease.on_pong());
    }

    [[nodiscard]] Kind kind(int number, BootTime t) const {
        return cache->find(key_record(number).digest, t).kind;
    }

    Freshness freshness;
    Lease lease{freshness.renewed};
    SubjectsRef subjects{new Subjects};
    NamedSubjects named{200};
    std::shared_ptr<Cache> cache;
    int committed = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(keys_cache)

BOOST_AUTO_TEST_CASE(what_nobody_has_asked_for_is_asked_for) {
    const Fresh world;
    const auto found = world.cache->find(key_record(1).digest, start);
    BOOST_TEST((found.kind == Kind::ask));
    BOOST_TEST(!found.entry);
}

BOOST_AUTO_TEST_CASE(an_entry_decides_until_the_bound_after_its_read) {
    Fresh world;
    world.keep(1);
    BOOST_TEST((world.kind(1, start) == Kind::known));
    BOOST_TEST((world.kind(1, start + 250ms) == Kind::known));
    BOOST_TEST((world.kind(1, start + 250ms + 1ns) == Kind::ask));
    // What was last known is told, so that its owner can be guessed.
    BOOST_TEST(world.cache->find(key_record(1).digest, start + 1s).entry);
}

BOOST_AUTO_TEST_CASE(a_pong_of_its_generation_renews_it_and_no_other) {
    Fresh world;
    world.lease.on_set_up();
    world.keep(1);
    world.renew(start + 10s);
    BOOST_TEST((world.kind(1, start + 10s + 250ms) == Kind::known));
    BOOST_TEST((world.kind(1, start + 10s + 251ms) == Kind::ask));
    world.lease.on_lost();
    world.lease.on_set_up();
    world.renew(start + 20s);
    BOOST_TEST((world.kind(1, start + 20s) == Kind::ask));
}

BOOST_AUTO_TEST_CASE(an_absence_decides_but_not_for_long) {
    Fresh world;
    world.lease.on_set_up();
    const Digest digest = key_record(1).digest;
    world.cache->keep_absence(digest, {world.lease.generation(), start}, false);
    world.renew(start + 4s);
    BOOST_TEST((world.kind(1, start + 4s) == Kind::unknown));
    world.renew(start + 6s);
    BOOST_TEST((world.kind(1, start + 6s) == Kind::ask));
    world.cache->keep_absence(digest, {world.lease.generation(), start + 6s}, true);
    BOOST_TEST((world.kind(1, start + 6s) == Kind::invalid));
    world.cache->forget(digest);
    BOOST_TEST((world.kind(1, start + 6s) == Kind::ask));
}

BOOST_AUTO_TEST_CASE(a_key_that_appears_is_no_longer_absent_and_the_other_way_round) {
    Fresh world;
    world.cache->keep_absence(key_record(1).digest, {0, start}, false);
    world.keep(1);
    BOOST_TEST((world.kind(1, start) == Kind::known));
    BOOST_TEST(world.cache->absences() == 0U);
    world.cache->keep_absence(key_record(1).digest, {0, start}, false);
    BOOST_TEST((world.kind(1, start) == Kind::unknown));
    BOOST_TEST(world.cache->size() == 0U);
}

BOOST_AUTO_TEST_CASE(while_the_store_is_away_known_keys_may_go_on_and_are_counted) {
    Fresh world{100, 5s};
    world.lease.on_set_up();
    world.keep(1);
    world.cache->keep_absence(key_record(2).digest, {world.lease.generation(), start}, false);
    world.renew(start);
    BOOST_TEST((world.kind(1, start + 3s) == Kind::ask)); // it is not away
    world.freshness.is_away = true;
    BOOST_TEST((world.kind(1, start + 250ms) == Kind::known));
    BOOST_TEST(world.freshness.stale_decisions.load() == 0U);
    BOOST_TEST((world.kind(1, start + 5s + 250ms) == Kind::known));
    BOOST_TEST(world.freshness.stale_decisions.load() == 1U);
    BOOST_TEST((world.kind(1, start + 5s + 251ms) == Kind::ask));
    // Nobody is refused by an absence that is stale: it only says where else to look.
    const auto absent = world.cache->find(key_record(2).digest, start + 3s);
    BOOST_TEST((absent.kind == Kind::unknown));
    BOOST_TEST(absent.is_stale);
}

BOOST_AUTO_TEST_CASE(entries_of_a_generation_before_do_not_go_on_stale) {
    Fresh world{100, 5s};
    world.lease.on_set_up();
    world.keep(1);
    world.renew(start);
    world.lease.on_lost();
    world.lease.on_set_up();
    world.renew(start + 20s);
    world.lease.on_lost();
    world.freshness.is_away = true;
    BOOST_TEST((world.kind(1, start + 21s) == Kind::ask));
}

BOOST_AUTO_TEST_CASE(what_was_read_while_nothing_was_told_does_not_go_on_stale) {
    Fresh world{100, 60s};
    const OwnerRecord owner = Fresh::with_plan();
    world.lease.on_set_up();
    world.cache->keep(world.cache->make(key_record(1), &owner, {0, start}));
    world.renew(start);
    world.freshness.is_away = true;
    BOOST_TEST((world.kind(1, start + 250ms) == Kind::known));
    BOOST_TEST((world.kind(1, start + 251ms) == Kind::ask));
}

BOOST_AUTO_TEST_CASE(subjects_have_a_bound_and_those_in_use_stay) {
    NamedSubjects named{10};
    const SubjectsRef subjects{new Subjects};
    const SubjectRef used = named.of("used", *subjects);
    for (int i = 0; i < 100; ++i)
        (void)named.of("key_" + std::to_string(i), *subjects);
    BOOST_TEST(named.size() <= 10U);
    BOOST_TEST(named.of("used", *subjects) == used);
}

BOOST_AUTO_TEST_CASE(an_owners_change_takes_its_keys_along) {
    Fresh world;
    world.keep(1);
    world.keep(2);
    world.cache->forget_owner({"shop", "other"});
    BOOST_TEST(world.cache->size() == 2U);
    world.cache->forget_owner({"shop", "acme"});
    BOOST_TEST(world.cache->size() == 0U);
    BOOST_TEST((world.kind(1, start) == Kind::ask));
}

BOOST_AUTO_TEST_CASE(a_key_keeps_its_subject_when_it_is_read_again) {
    Fresh world;
    const EntryRef first = world.keep(1);
    const EntryRef second = world.keep(1, start + 1s);
    BOOST_TEST(first->subject == second->subject);
    BOOST_TEST(world.cache->size() == 1U);
    // Also in the cache of the next configuration.
    world.cache = world.make(100);
    BOOST_TEST(world.keep(1)->subject == first->subject);
    // And when its record was forgotten, or never kept.
    world.cache->forget_all();
    const OwnerRecord owner = Fresh::with_plan();
    BOOST_TEST(world.cache->make(key_record(1), &owner, {0, start})->subject == first->subject);
}

BOOST_AUTO_TEST_CASE(a_record_under_another_id_replaces_the_one_before) {
    Fresh world;
    world.keep(1);
    KeyRecord renamed = key_record(1);
    renamed.id = "key_other";
    const OwnerRecord owner = Fresh::with_plan();
    world.cache->keep(world.cache->make(renamed, &owner, {0, start}));
    BOOST_TEST(world.cache->size() == 1U);
    BOOST_TEST(world.cache->find(renamed.digest, start).entry->id == "key_other");
    world.cache->forget_id("key_1");
    BOOST_TEST(world.cache->size() == 1U);
    world.cache->forget_id("key_other");
    BOOST_TEST(world.cache->size() == 0U);
}

BOOST_AUTO_TEST_CASE(of_too_many_keys_those_go_that_nobody_uses) {
    Fresh world{10};
    for (int i = 0; i < 5; ++i)
        world.keep(i);
    for (int i = 5; i < 200; ++i) {
        world.keep(i);
        for (int used = 0; used < 5; ++used)
            BOOST_TEST((world.kind(used, start) == Kind::known));
    }
    BOOST_TEST(world.cache->size() == 10U);
    BOOST_TEST(world.cache->evictions() == 190U);
}

BOOST_AUTO_TEST_CASE(absences_have_a_bound) {
    Fresh world;
    for (int i = 0; i < 10'000; ++i)
        world.cache->keep_absence(key_record(i).digest, {0, start}, false);
    BOOST_TEST(world.cache->absences() <= 640U);
    BOOST_TEST((world.kind(9'999, start) == Kind::unknown));
}

BOOST_AUTO_TEST_CASE(what_the_configuration_cannot_read_is_counted) {
    Fresh world;
    KeyRecord strange = key_record(1);
    strange.plan = "gold";
    world.cache->keep(world.cache->make(strange, nullptr, {0, start}));
    BOOST_TEST(world.cache->unreadable() == 1U);
    BOOST_TEST(!world.cache->find(strange.digest, start).entry->readable);
    world.keep(1);
    BOOST_TEST(world.cache->unreadable() == 0U);
}

BOOST_AUTO_TEST_CASE(a_flush_forgets_all_and_a_commit_is_announced) {
    Fresh world;
    world.keep(1);
    world.cache->keep_absence(key_record(2).digest, {0, start}, false);
    world.cache->forget_all();
    BOOST_TEST(world.cache->size() == 0U);
    BOOST_TEST((world.kind(1, start) == Kind::ask));
    BOOST_TEST((world.kind(2, start) == Kind::ask));
    world.cache->apply({});
    BOOST_TEST(world.committed == 1);
}

BOOST_AUTO_TEST_CASE(what_a_key_did_is_told_also_when_it_was_changed_since) {
    Fresh world;
    const EntryRef entry = world.keep(1);
    const Time now{1'000'000s};
    BOOST_TEST(entry->subject->tally().add(month_of(now), now.time_since_epoch().count()));
    world.cache->forget(key_record(1).digest);
    Usage usage;
    world.cache->add_pending(usage, entry->id, now);
    BOOST_TEST(usage.total == 1U);
    BOOST_TEST((usage.last_used_at == now));
    Usage nobody;
    world.cache->add_pending(nobody, "key_nobody", now);
    BOOST_TEST(nobody.total == 0U);
}

BOOST_AUTO_TEST_CASE(threads_look_up_while_one_writes) {
    Fresh world{50};
    world.lease.on_set_up();
    world.renew(start);
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> wrong{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 2; ++reader)
        readers.emplace_back([&] {
            for (int i = 0; !is_over; i = (i + 1) % 100) {
                const auto found = world.cache->find(key_record(i).digest, start);
                if (found.kind == Kind::known && found.entry->digest != key_record(i).digest)
                    ++wrong;
            }
        });
    for (int round = 0; round < 200; ++round)
        for (int i = 0; i < 100; ++i)
            switch ((i + round) % 4) {
            case 0:
                world.cache->forget(key_record(i).digest);
                break;
            case 1:
                world.cache->keep_absence(key_record(i).digest, {1, start}, false);
                break;
            default:
                world.keep(i);
            }
    is_over = true;
    for (std::thread& reader : readers)
        reader.join();
    BOOST_TEST(wrong.load() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
