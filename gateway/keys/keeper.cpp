// What happens to a question, from top to bottom: ask, look, read the key, read its owner, answer.
// All of it on the keeper's thread; the others post.
#include "keys/keeper.hpp"

#include "keys/compile.hpp"
#include "keys/desk.hpp"
#include "keys/gateways.hpp"
#include "keys/redis_records.hpp"
#include "keys/tracker.hpp"
#include "redis/codec.hpp"
#include "redis/error.hpp"
#include "redis/pipeline.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <deque>
#include <future>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <variant>

namespace keygate::keys {

namespace asio = boost::asio;

namespace {

using redis::Reply;
using Kind = Answer::Kind;
using std::chrono::milliseconds;

// Beyond these a question is told at once that the store is not available.
constexpr std::size_t most_reads = 8192;
constexpr std::size_t most_pending = 100'000;
constexpr std::size_t warm_batch = 512;
constexpr milliseconds probe_interval{50};
constexpr milliseconds second_look{20};
constexpr std::chrono::seconds role_interval{1};
constexpr std::chrono::seconds quiet{1}; // between two lines of the same kind in the log

/// A question, from its arrival to its answer.
struct Pending {
    Question question;
    BootTime deadline{};
    bool is_answered = false;
};

using PendingRef = std::shared_ptr<Pending>;

/// What is known of an owner.
struct KnownOwner {
    std::optional<OwnerRecord> record; // nothing: there is none
    std::string mark;                  // with a bound of 0
    Stamp stamp;
    bool may_keep = true;
};

/// One read of a key's record, and who waits for it.
struct KeyRead {
    Digest digest;
    Lease::Reading reading;
    std::vector<PendingRef> waiting;
    std::vector<std::shared_ptr<Cache>> caches;  // that it is for
    std::vector<std::function<void(bool)>> told; // when it is over: true if it could be read
    KeyRecord record;
    std::string mark; // with a bound of 0
};

using KeyReadRef = std::shared_ptr<KeyRead>;

struct OwnerRead {
    OwnerName name;
    Lease::Reading reading;
    std::vector<KeyReadRef> waiting;
};

using OwnerReadRef = std::shared_ptr<OwnerRead>;

/// Both parts decide only as long as each of them does.
Stamp together(const Stamp& key, const Stamp& owner) {
    return {.generation = key.generation == owner.generation ? key.generation : 0,
            .read_at = std::min(key.read_at, owner.read_at)};
}

} // namespace

struct Keeper::State {
    State(const config::Store& store, Log to)
        : settings(store)
        , log(std::move(to))
        , subjects(std::size_t{2} * store.redis->max_keys)
        , work(asio::make_work_guard(loop))
        , tracker(loop, store, lease, tracker_events(), std::random_device{}())
        , reads(loop, *store.redis,
                {.on_up = [this](const redis::Hello&) { on_up(); },
                 .on_down = [this](const Fault& fault) { on_down(fault); }},
                std::random_device{}())
        , deadline(loop)
        , probe(loop)
        , role(loop)
        , registration(store) {
        freshness.bound = store.revocation_bound;
        freshness.stale_while_down = store.stale_while_down;
    }

    // ---- questions

    void ask(std::vector<Question> questions) {
        for (Question& question : questions)
            take(std::make_shared<Pending>(
                Pending{std::move(question), BootClock::now() + settings.redis->timeout}));
    }

    void take(PendingRef asked) {
        ++asked_count;
        if (!is_allowed || way == Way::away || pending.size() >= most_pending)
            return answer_unavailable(*asked);
        pending.push_back(asked);
        arm_deadline();
        if (way == Way::connecting)
            parked.push_back(std::move(asked));
        else
            look(std::move(asked));
    }

    /// In memory by now, being read, or to be read.
    void look(PendingRef asked) {
        const Question& question = asked->question;
        const auto found = question.cache->find(question.digest, question.t);
        if (found.kind != Cache::Found::Kind::ask && !found.is_stale) return answer(*asked, found);
        const auto running = reading.find(question.digest);
        // Only one that was not sent before what the request may still be judged by.
        if (running != reading.end() &&
            running->second->reading.stamp.read_at >= question.t - freshness.bound)
            return join(*running->second, std::move(asked));
        if (reads.waiting() >= most_reads) return answer_unavailable(*asked);
        const KeyReadRef fresh = begin_read(question.digest);
        if (question.last_known) guess_owner(question);
        join(*fresh, std::move(asked));
    }

    static void join(KeyRead& read, PendingRef asked) {
        add_cache(read, asked->question.cache);
        read.waiting.push_back(std::move(asked));
    }

    static void add_cache(KeyRead& read, const std::shared_ptr<Cache>& cache) {
        if (std::find(read.caches.begin(), read.caches.end(), cache) == read.caches.end())
            read.caches.push_back(cache);
    }

    // ---- the key's record

    KeyReadRef begin_read(const Digest& digest) {
        auto read = std::make_shared<KeyRead>();
        const std::string name = key_name(digest);
        read->digest = digest;
        read->reading = begin_reading(name);
        reading[digest] = read;
        send_hgetall(name, [this, read](Result<Reply> reply) { on_key(read, std::move(reply)); });
        return read;
    }

    /// Pings renew it if the connections lead to one process.
    [[nodiscard]] Lease::Reading begin_reading(std::string_view name) {
        Lease::Reading begun = lease.begin_read(name, BootClock::now());
        if (!is_same_server()) begun.stamp.generation = 0;
        return begun;
    }

    void send_hgetall(std::string_view name, redis::Pipeline::Done done) {
        ++read_count;
        command.clear();
        redis::append(command, {"HGETALL", name});
        reads.send(command, std::move(done));
    }

    void end_read(const KeyReadRef& read) {
        const auto running = reading.find(read->digest);
        if (running != reading.end() && running->second == read) reading.erase(running);
    }

    void on_key(const KeyReadRef& read, Result<Reply> reply) {
        if (is_too_large(reply)) {
            tell_unreadable(key_name(read->digest), "is too large");
            end_read(read);
            return on_no_key(*read, true);
        }
        if (!is_usable(reply)) {
            end_read(read);
            return give_up(*read);
        }
        auto record = read_key_record(read->digest, *reply);
        if (auto* const found = std::get_if<KeyRecord>(&record)) {
            read->record = std::move(*found);
            tell_wrong_limits(*read);
            if (is_marked()) read->mark = record_mark(*reply);
            return find_owner(read);
        }
        const auto* const unreadable = std::get_if<Unreadable>(&record);
        if (unreadable != nullptr) tell_unreadable(key_name(read->digest), unreadable->why);
        end_read(read);
        on_no_key(*read, unreadable != nullptr);
    }

    /// What a change was told of meanwhile is good for those who were allowed to join its read, by
    /// the instant of that alone.
    [[nodiscard]] static Stamp by_itself(const Lease::Reading& begun) {
        return {.generation = 0, .read_at = begun.stamp.read_at};
    }

    /// How long what was read decides: pings renew it, or the instant of the read alone is good for
    /// the bound; nothing if a change was told meanwhile.
    [[nodiscard]] std::optional<Stamp> stamp_of(const Lease::Reading& begun,
                                                std::string_view name) const {
        if (!lease.is_unchanged(begun, name)) return std::nullopt;
        return Stamp{lease.may_keep(begun, name) ? begun.stamp.generation : 0, begun.stamp.read_at};
    }

    void on_no_key(KeyRead& read, bool is_invalid) {
        if (const auto stamp = stamp_of(read.reading, key_name(read.digest)))
            for (const auto& cache : read.caches)
                if (is_live(cache)) cache->keep_absence(read.digest, *stamp, is_invalid);
        for (const PendingRef& asked : read.waiting)
            if (!asked->is_answered) {
                if (decides(by_itself(read.reading), freshness.renewed.load(), asked->question.t,
                            freshness.bound))
                    answer(*asked, is_invalid ? Kind::invalid : Kind::unknown, nullptr);
                else
                    look(asked);
            }
        tell(read, true);
    }

    /// With a bound of 0 limits are only charged if the records are still the same.
    [[nodiscard]] bool is_marked() const { return freshness.bound.count() == 0; }

    // ---- the owner's record

    /// Most keys stay their owner's: both records are read at once.
    void guess_owner(const Question& question) {
        const Entry& last = *question.last_known;
        const auto& apis = question.cache->catalog().apis;
        if (last.api >= apis.size()) return;
        const OwnerName name{apis[last.api].name, last.owner};
        if (usable_owner(name, question.t) == nullptr && running_owner(name, question.t) == nullptr)
            begin_owner(name);
    }

    void find_owner(const KeyReadRef& read) {
        BootTime latest = read->reading.stamp.read_at;
        for (const PendingRef& asked : read->waiting)
            if (!asked->is_answered) latest = std::max(latest, asked->question.t);
        const OwnerName name{read->record.api, read->record.owner};
        if (const KnownOwner* const owner = usable_owner(name, latest)) {
            end_read(read);
            return on_both(*read, *owner);
        }
        OwnerReadRef running = running_owner(name, latest);
        if (!running) running = begin_owner(name);
        running->waiting.push_back(read);
    }

    const KnownOwner* usable_owner(const OwnerName& name, BootTime t) const {
        const auto known = owners.find(name);
        if (known == owners.end() ||
            !decides(known->second.stamp, freshness.renewed.load(), t, freshness.bound))
            return nullptr;
        return &known->second;
    }

    OwnerReadRef running_owner(const OwnerName& name, BootTime t) const {
        const auto running = owner_reading.find(name);
        if (running == owner_reading.end() ||
            running->second->reading.stamp.read_at < t - freshness.bound)
            return nullptr;
        return running->second;
    }

    OwnerReadRef begin_owner(const OwnerName& owner) {
        auto read = std::make_shared<OwnerRead>();
        const std::string name = owner_name(owner);
        read->name = owner;
        read->reading = begin_reading(name);
        owner_reading[owner] = read;
        send_hgetall(name, [this, read](Result<Reply> reply) { on_owner(read, reply); });
        return read;
    }

    void on_owner(const OwnerReadRef& read, const Result<Reply>& reply) {
        const auto running = owner_reading.find(read->name);
        if (running != owner_reading.end() && running->second == read) owner_reading.erase(running);
        const auto waiting = std::exchange(read->waiting, {});
        for (const KeyReadRef& key : waiting)
            end_read(key);
        const bool is_large = is_too_large(reply);
        if (!is_large && !is_usable(reply)) {
            for (const KeyReadRef& key : waiting)
                give_up(*key);
            return;
        }
        KnownOwner owner{
            .record = {}, .mark = {}, .stamp = by_itself(read->reading), .may_keep = true};
        if (is_marked() && reply) owner.mark = record_mark(*reply);
        auto record = is_large ? ReadOwner{Unreadable{"is too large"}}
                               : read_owner_record(read->name, *reply);
        if (auto* const found = std::get_if<OwnerRecord>(&record)) {
            owner.record.emplace();
            // What decides, and not what is only for people.
            owner.record->api = std::move(found->api);
            owner.record->id = std::move(found->id);
            owner.record->plan = std::move(found->plan);
            owner.record->status = found->status;
        } else if (const auto* const unreadable = std::get_if<Unreadable>(&record)) {
            tell_unreadable(owner_name(read->name), unreadable->why);
            owner.record.emplace();
            owner.record->api = read->name.api;
            owner.record->id = read->name.id;
            owner.record->readable = false;
        }
        const auto stamp = stamp_of(read->reading, owner_name(read->name));
        owner.may_keep = stamp.has_value();
        if (stamp) {
            owner.stamp = *stamp;
            // A bound, not a cache policy: what is dropped is read again.
            if (owners.size() >= settings.redis->max_keys) owners.clear();
            owners[read->name] = owner;
        }
        for (const KeyReadRef& key : waiting)
            on_both(*key, owner);
    }

    // ---- both are there

    void on_both(KeyRead& read, const KnownOwner& owner) {
        const auto of_key = stamp_of(read.reading, key_name(read.digest));
        const bool may_keep = of_key && owner.may_keep;
        const Stamp stamp = together(of_key.value_or(by_itself(read.reading)), owner.stamp);
        const OwnerRecord* const record = owner.record ? &*owner.record : nullptr;
        std::shared_ptr<const RecordMarks> marks;
        if (is_marked())
            marks = std::make_shared<const RecordMarks>(RecordMarks{read.mark, owner.mark});
        std::vector<std::pair<Cache*, EntryRef>> made;
        for (const auto& cache : read.caches) {
            const EntryRef entry = cache->make(read.record, record, stamp, marks);
            if (may_keep && is_live(cache)) cache->keep(entry);
            made.emplace_back(cache.get(), entry);
        }
        const auto renewed = freshness.renewed.load();
        for (const PendingRef& asked : read.waiting) {
            if (asked->is_answered) continue;
            const Question& question = asked->question;
            if (!decides(stamp, renewed, question.t, freshness.bound)) {
                look(asked);
                continue;
            }
            for (const auto& [cache, entry] : made)
                if (cache == question.cache.get()) answer(*asked, Kind::known, entry);
        }
        tell(read, true);
    }

    // ---- answers

    void answer(Pending& asked, const Cache::Found& found) {
        switch (found.kind) {
        case Cache::Found::Kind::known:
            return answer(asked, Kind::known, found.entry, found.is_stale);
        case Cache::Found::Kind::unknown:
            return answer(asked, Kind::unknown, nullptr);
        case Cache::Found::Kind::invalid:
            return answer(asked, Kind::invalid, nullptr);
        case Cache::Found::Kind::ask:
            return answer_unavailable(asked);
        }
    }

    void answer(Pending& asked, Kind kind, EntryRef entry, bool is_stale = false) {
        if (std::exchange(asked.is_answered, true)) return;
        Question& question = asked.question;
        outbox[question.desk].push_back({.ticket = question.ticket,
                                         .kind = kind,
                                         .entry = std::move(entry),
                                         .is_stale = is_stale});
        question.cache.reset();
        question.last_known.reset();
        if (std::exchange(is_sending, true)) return;
        asio::post(loop, [this] {
            is_sending = false;
            for (auto& [desk, answers] : std::exchange(outbox, {}))
                desk->deliver(std::move(answers));
        });
    }

    /// Unless what was last known may go on.
    void answer_unavailable(Pending& asked) {
        if (asked.is_answered) return;
        const Question& question = asked.question;
        const auto found = question.cache->find(question.digest, question.t);
        if (found.kind == Cache::Found::Kind::known) return answer(asked, found);
        ++unavailable_count;
        answer(asked, Kind::unavailable, nullptr);
    }

    /// The connection that a read went out on is gone: those who can wait ask again on the next.
    void give_up(KeyRead& read) {
        for (const PendingRef& asked : read.waiting) {
            if (asked->is_answered) continue;
            if (way == Way::away)
                answer_unavailable(*asked);
            else
                parked.push_back(asked);
        }
        tell(read, false);
    }

    static void tell(KeyRead& read, bool is_read) {
        for (const auto& told : std::exchange(read.told, {}))
            told(is_read);
    }

    void arm_deadline() {
        if (is_deadline_armed || pending.empty()) return;
        is_deadline_armed = true;
        const auto due = pending.front()->deadline - BootClock::now();
        deadline.expires_after(std::max<std::chrono::nanoseconds>(due, milliseconds{0}));
        deadline.async_wait([this](const boost::system::error_code& error) {
            if (!error) on_deadline();
        });
    }

    void on_deadline() {
        const BootTime now = BootClock::now();
        // A process that stood still finds its deadlines and the replies at once: replies first.
        const bool is_late = !pending.empty() && now - pending.front()->deadline > second_look;
        if (is_late && !std::exchange(is_looking_again, true)) {
            asio::post(loop, [this] { asio::post(loop, [this] { on_deadline(); }); });
            return;
        }
        is_looking_again = false;
        while (!pending.empty()) {
            const PendingRef asked = pending.front();
            if (!asked->is_answered && asked->deadline > now) break;
            pending.pop_front();
            if (asked->is_answered) continue;
            if (way != Way::away) set_way(Way::away, "no answer within " + timeout_text());
            answer_unavailable(*asked);
        }
        std::erase_if(parked, [](const PendingRef& asked) { return asked->is_answered; });
        is_deadline_armed = false;
        arm_deadline();
    }

    [[nodiscard]] std::string timeout_text() const {
        return std::to_string(settings.redis->timeout.count()) + " ms";
    }

    // ---- the connection

    static bool is_too_large(const Result<Reply>& reply) {
        return !reply && reply.error().error == redis::Error::too_large;
    }

    /// Whether a reply says what is in the store; if not, why not.
    bool is_usable(const Result<Reply>& reply) {
        if (!reply) return false;
        if (!reply->is(Reply::Kind::error)) return true;
        const redis::Error kind = redis::classify(reply->text);
        if (kind == redis::Error::wrong_type) return true; // of this one record
        // Not its text, which may hold anything.
        set_way(Way::away, make_error_code(kind).message());
        return false;
    }

    void on_up() {
        ++dial_count;
        is_probing = false;
        reads_run_id.clear();
        command.clear();
        redis::append(command, {"INFO", "server"});
        reads.send(command, [this](const Result<Reply>& reply) {
            if (reply) reads_run_id = run_id_in(*reply);
            compare_servers();
        });
        send_probe();
        arm_role();
    }

    [[nodiscard]] bool is_same_server() const {
        return !reads_run_id.empty() && reads_run_id == tracker.run_id();
    }

    /// Two processes under one name, as when an address moves: neither is believed for long.
    void compare_servers() {
        {
            const std::lock_guard lock{condition_mutex};
            condition.is_one_server = is_same_server();
        }
        if (reads_run_id.empty() || tracker.run_id().empty() || is_same_server()) return;
        tracker.restart("reads are answered by another server than the one that tells of changes");
    }

    /// A master that is made a replica keeps its connections, and knows less from then on.
    void arm_role() {
        role.expires_after(role_interval);
        role.async_wait([this](const boost::system::error_code& error) {
            if (error || !reads.is_up()) return;
            command.clear();
            redis::append(command, {"ROLE"});
            reads.send(command, [this](const Result<Reply>& reply) {
                if (reply) on_role(*reply);
            });
            arm_role();
        });
    }

    void on_role(const Reply& reply) {
        const bool is_told = reply.is(Reply::Kind::list) && !reply.list.empty();
        if (!is_told || reply.list.front().text == "master") return;
        asio::post(loop, [this] {
            const Fault fault{make_error_code(redis::Error::not_master), "ROLE"};
            tracker.restart(to_string(fault));
            reads.drop(fault);
        });
    }

    void on_down(const Fault& fault) {
        reads_run_id.clear();
        // The first dial is under way; where that fails too, nobody waits for the next.
        set_way(way == Way::open ? Way::connecting : Way::away, to_string(fault));
    }

    enum class Way : std::uint8_t {
        open,
        connecting, // it was lost a moment ago: questions wait, but not beyond their deadline
        away        // it cannot be asked: questions are told so at once
    };

    void set_way(Way next, const std::string& problem) {
        const Way was = std::exchange(way, next);
        freshness.is_away = next == Way::away;
        {
            const std::lock_guard lock{condition_mutex};
            const bool is_up = next == Way::open;
            if (condition.is_up != is_up) condition.since = BootClock::now();
            condition.is_up = is_up;
            condition.problem = problem;
        }
        if (next == Way::away) {
            if (!is_away_told && BootClock::now() >= away_quiet_until) {
                is_away_told = true;
                say(Severity::error, "Redis is away: " + problem);
            }
            for (const PendingRef& asked : std::exchange(parked, {}))
                answer_unavailable(*asked);
            arm_probe();
        } else if (next == Way::open && was != Way::open) {
            if (std::exchange(is_away_told, false)) {
                away_quiet_until = BootClock::now() + quiet;
                say(Severity::info, "Redis answers again");
            }
            tell_stale();
            for (const PendingRef& asked : std::exchange(parked, {}))
                if (!asked->is_answered) look(asked);
        }
    }

    void tell_stale() {
        const std::uint64_t now = freshness.stale_decisions;
        const std::uint64_t since = now - std::exchange(told_stale, now);
        if (since > 0)
            say(Severity::warning, std::to_string(since) +
                                       " requests were judged by what was known before Redis "
                                       "went away (stale_while_down)");
    }

    /// While it is away nobody is asked for a key; this finds out when it is back.
    void arm_probe() {
        if (std::exchange(is_probe_armed, true)) return;
        probe.expires_after(probe_interval);
        probe.async_wait([this](const boost::system::error_code& error) {
            is_probe_armed = false;
            if (error || way != Way::away) return;
            send_probe();
            arm_probe();
        });
    }

    /// Reads what nobody has, as requests do: one that is answered in time says that they would be.
    void send_probe() {
        if (!reads.is_up() || std::exchange(is_probing, true)) return;
        command.clear();
        redis::append(command, {"HGETALL", key_name(Digest{})});
        reads.send(command, [this, sent = BootClock::now()](const Result<Reply>& reply) {
            is_probing = false;
            if (is_usable(reply) && BootClock::now() - sent <= settings.redis->timeout)
                set_way(Way::open, {});
            else if (way == Way::connecting)
                set_way(Way::away, "no answer within " + timeout_text());
        });
    }

    // ---- what Redis tells

    Tracker::Events tracker_events() {
        return {.on_change = [this](std::string_view name) { on_change(name); },
                .on_flush = [this] { on_flush(); },
                .on_set_up = [this] { on_tracking(); },
                .on_lost = [this](const std::string& why) { on_tracking_lost(why); },
                .on_renewed = [this] { register_gateway(); },
                .on_wait = [this](const std::string& text) { on_wait(text); }};
    }

    void on_change(std::string_view name) {
        ++change_count;
        lease.on_change(name);
        // Nobody joins a read that began before.
        if (const auto digest = digest_in(name)) {
            reading.erase(*digest);
            for (const auto& cache : live())
                cache->forget(*digest);
        } else if (const auto owner = owner_in(name)) {
            owners.erase(*owner);
            owner_reading.erase(*owner);
            for (const auto& cache : live())
                cache->forget_owner(*owner);
        }
    }

    void on_flush() {
        ++change_count;
        lease.on_flush();
        owners.clear();
        reading.clear();
        owner_reading.clear();
        for (const auto& cache : live())
            cache->forget_all();
    }

    void on_tracking() {
        owners.clear(); // of the generation before
        // What was known before decides no more: nobody should wait for a pause to end.
        reads.hurry();
        {
            const std::lock_guard lock{condition_mutex};
            condition.is_tracking = lease.is_set_up();
            condition.offers_tracking = lease.is_set_up();
            condition.tracking_problem = lease.is_set_up() ? "" : "Redis offers no tracking";
        }
        compare_servers();
        if (!lease.is_set_up())
            say(Severity::warning, "Redis offers no tracking of changes: each key is read again "
                                   "when the bound is over");
        else if (BootClock::now() >= tracking_quiet_until)
            say(Severity::info, "Redis tells of changes");
    }

    void on_tracking_lost(const std::string& why) {
        const std::lock_guard lock{condition_mutex};
        condition.is_tracking = false;
        condition.is_one_server = false;
        const bool is_new = std::exchange(condition.tracking_problem, why) != why;
        const BootTime now = BootClock::now();
        if (!is_new || now < tracking_quiet_until) return;
        tracking_quiet_until = now + quiet;
        say(Severity::warning, "Redis does not tell of changes: " + why);
    }

    // ---- `keys revoke --wait`

    /// Says that this gateway lives, while its lease is renewed.
    void register_gateway() {
        if (!reads.is_up() || !registration.is_due(BootClock::now())) return;
        for (const redis::Command& one : registration.commands()) {
            command.clear();
            redis::append(command, one);
            reads.send(command, [](const Result<Reply>&) {});
        }
    }

    /// Whatever was acknowledged before the message was sent has been applied by now.
    void on_wait(const std::string& text) {
        if (!reads.is_up() || !is_wait_token(text)) return;
        for (const redis::Command& one : registration.confirm(text)) {
            command.clear();
            redis::append(command, one);
            reads.send(command, [](const Result<Reply>&) {});
        }
    }

    // ---- caches

    [[nodiscard]] std::vector<std::shared_ptr<Cache>> live() const {
        const std::lock_guard lock{caches_mutex};
        return caches;
    }

    [[nodiscard]] bool is_live(const std::shared_ptr<Cache>& cache) const {
        const std::lock_guard lock{caches_mutex};
        return std::find(caches.begin(), caches.end(), cache) != caches.end();
    }

    /// What was committed here decides from now on: it is forgotten, and what is being read is not
    /// kept.
    void on_commit(const Change& change) {
        if (change.put_owner) on_change(owner_name({change.put_owner->api, change.put_owner->id}));
        if (change.remove_owner) on_change(owner_name(*change.remove_owner));
        for (const auto* records : {&change.update, &change.insert})
            for (const KeyRecord& record : *records)
                on_change(key_name(record.digest));
        // Also where the digest is another one now.
        for (const KeyRecord& record : change.update)
            for (const auto& cache : live())
                cache->forget_id(record.id);
        for (const std::string& id : change.remove) {
            lease.on_flush();
            for (const auto& cache : live())
                cache->forget_id(id);
        }
    }

    /// Reads again what an earlier cache holds.
    struct Warming {
        std::vector<Digest> digests;
        std::size_t next = 0;
        std::size_t running = 0;
        bool has_failed = false;
        std::shared_ptr<Cache> cache;
        std::promise<bool> done;
    };

    void go_on(const std::shared_ptr<Warming>& warming) {
        if (!is_allowed || way != Way::open) warming->has_failed = true;
        while (!warming->has_failed && warming->next < warming->digests.size() &&
               warming->running < warm_batch) {
            ++warming->running;
            const KeyReadRef read = begin_read(warming->digests[warming->next++]);
            add_cache(*read, warming->cache);
            read->told.emplace_back([this, warming](bool is_read) {
                --warming->running;
                if (!is_read) warming->has_failed = true;
                asio::post(loop, [this, warming] { go_on(warming); });
            });
        }
        const bool is_over = warming->has_failed || warming->next == warming->digests.size();
        if (is_over && warming->running == 0 && warming->cache) {
            warming->cache.reset();
            warming->done.set_value(!warming->has_failed);
        }
    }

    // ---- the log

    void say(Severity severity, const std::string& text) const { log(severity, text); }

    /// Of a record that is whole, but for what it says of limits.
    void tell_wrong_limits(const KeyRead& read) {
        for (const auto& cache : read.caches) {
            const auto api = cache->catalog().api_number(read.record.api);
            if (!api) continue;
            const auto limits = own_limits(read.record, cache->catalog().apis[*api]);
            if (!limits.value) return tell_unreadable(key_name(read.digest), limits.wrong);
        }
    }

    void tell_unreadable(const std::string& name, const std::string& why) {
        ++unreadable_count;
        const BootTime now = BootClock::now();
        if (now < quiet_until) return;
        quiet_until = now + quiet;
        say(Severity::error, name + " cannot be read (store_invalid): " + why);
    }

    const config::Store& settings;
    const Log log;
    Freshness freshness;
    std::atomic<bool> is_allowed{false};

    NamedSubjects subjects;

    mutable std::mutex caches_mutex;
    std::vector<std::shared_ptr<Cache>> caches; // that are kept true

    mutable std::mutex condition_mutex;
    Condition condition;

    std::atomic<std::uint64_t> asked_count{0};
    std::atomic<std::uint64_t> read_count{0};
    std::atomic<std::uint64_t> unavailable_count{0};
    std::atomic<std::uint64_t> change_count{0};
    std::atomic<std::uint64_t> unreadable_count{0};
    std::atomic<std::uint64_t> dial_count{0};

    // The keeper's thread.
    asio::io_context loop{1};
    asio::executor_work_guard<asio::io_context::executor_type> work;
    Lease lease{freshness.renewed};
    Tracker tracker;
    redis::Pipeline reads;
    Way way = Way::connecting;
    bool is_away_told = false;                                         // in the log
    std::uint64_t told_stale = 0;                                      // decisions, in the log
    boost::unordered_flat_map<Digest, KeyReadRef, DigestHash> reading; // the latest of each
    boost::unordered_flat_map<OwnerName, OwnerReadRef, OwnerNameHash> owner_reading;
    boost::unordered_flat_map<OwnerName, KnownOwner, OwnerNameHash> owners;
    std::deque<PendingRef> pending; // in the order of their deadlines, as good as
    std::vector<PendingRef> parked;
    asio::steady_timer deadline;
    bool is_deadline_armed = false;
    bool is_looking_again = false;
    asio::steady_timer probe;
    asio::steady_timer role;
    std::string reads_run_id; // which process answers them; empty while unknown
    bool is_probe_armed = false;
    bool is_probing = false; // one is on its way
    boost::unordered_flat_map<Desk*, std::vector<Answer>> outbox;
    bool is_sending = false;
    std::string command; // being written
    Registration registration;
    BootTime quiet_until{};
    BootTime away_quiet_until{};
    BootTime tracking_quiet_until{};

    std::mutex thread_mutex; // guards the one below
    bool is_running = false;
    std::thread thread;
};

Keeper::Keeper(const config::Store& settings, Log log)
    : state_(std::make_unique<State>(settings, std::move(log))) {}

Keeper::~Keeper() {
    stop();
}

void Keeper::start() {
    State& state = *state_;
    asio::post(state.loop, [&state] {
        state.reads.start();
        state.tracker.start();
    });
    const std::lock_guard lock{state.thread_mutex};
    state.is_running = true;
    state.thread = std::thread{[&state] { state.loop.run(); }};
}

void Keeper::stop() {
    {
        const std::lock_guard lock{state_->thread_mutex};
        state_->is_running = false;
    }
    // Behind all that was posted before: somebody waits for it.
    asio::post(state_->loop, [this] { state_->loop.stop(); });
    if (state_->thread.joinable()) state_->thread.join();
}

void Keeper::allow() {
    state_->is_allowed = true;
    const std::lock_guard lock{state_->condition_mutex};
    state_->condition.is_allowed = true;
}

bool Keeper::is_allowed() const {
    return state_->is_allowed;
}

std::shared_ptr<Cache> Keeper::make_cache(std::shared_ptr<const Catalog> catalog,
                                          SubjectsRef subjects) {
    State& state = *state_;
    const auto on_commit = [&state](const Change& change) {
        std::promise<void> done;
        {
            // Under the lock: a loop that is stopped afterwards still knows what was posted before,
            // and nobody waits for one that was stopped.
            const std::lock_guard lock{state.thread_mutex};
            if (!state.is_running) return;
            asio::post(state.loop, [&state, &change, &done] {
                state.on_commit(change);
                done.set_value();
            });
        }
        done.get_future().wait();
    };
    const config::Redis& redis = *state.settings.redis;
    return std::make_shared<Cache>(std::move(catalog), std::move(subjects), state.subjects,
                                   state.freshness,
                                   Cache::Bounds{redis.max_keys, redis.max_unknown}, on_commit);
}

Result<void> Keeper::warm(const std::shared_ptr<Cache>& next,
                          const std::shared_ptr<Cache>& before) {
    State& state = *state_;
    auto warming = std::make_shared<State::Warming>();
    warming->digests = before->digests();
    warming->cache = next;
    auto done = warming->done.get_future();
    asio::post(state.loop, [&state, warming, next] {
        {
            const std::lock_guard lock{state.caches_mutex};
            state.caches.push_back(next);
        }
        state.go_on(warming);
    });
    warming.reset();
    if (done.get()) return {};
    serve(before);
    return Fault{make_error_code(boost::system::errc::not_connected),
                 "the keys in memory cannot be read again: Redis is away"};
}

void Keeper::serve(std::shared_ptr<Cache> cache) {
    State& state = *state_;
    const std::lock_guard lock{state.caches_mutex};
    state.caches = {std::move(cache)};
}

void Keeper::ask(std::vector<Question> questions) {
    State& state = *state_;
    asio::post(state.loop, [&state, questions = std::move(questions)]() mutable {
        state.ask(std::move(questions));
    });
}

Keeper::Condition Keeper::condition() const {
    const std::lock_guard lock{state_->condition_mutex};
    return state_->condition;
}

Keeper::Counts Keeper::counts() const {
    return {.asked = state_->asked_count,
            .reads = state_->read_count,
            .unavailable = state_->unavailable_count,
            .changes = state_->change_count,
            .unreadable = state_->unreadable_count,
            .dials = state_->dial_count};
}

std::chrono::nanoseconds Keeper::lease_age() const {
    return BootClock::now() - state_->freshness.renewed.load().pinged_at;
}

const Freshness& Keeper::freshness() const {
    return state_->freshness;
}

} // namespace keygate::keys
