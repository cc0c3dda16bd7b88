#include "keys/redis_doctor.hpp"

#include "keys/redis_reindex.hpp"
#include "redis/error.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace keygate::keys {
namespace {

using redis::Command;
using redis::Reply;
using Kind = Reply::Kind;

class Examination {
  public:
    Examination(redis::Session& session, const std::function<void(std::size_t)>& progress)
        : session_(session)
        , progress_(progress) {}

    std::vector<Check> run() {
        const auto hello = session_.open();
        if (!hello) {
            add("connection", Verdict::problem, to_string(hello.error()));
            return std::move(checks_);
        }
        add("connection", Verdict::ok, "open");
        version(*hello);
        role(*hello);
        persistence();
        eviction();
        user();
        permissions();
        tracking();
        clock();
        records();
        return std::move(checks_);
    }

  private:
    void add(std::string name, Verdict verdict, std::string said) {
        checks_.push_back({std::move(name), verdict, std::move(said)});
    }

    void version(const redis::Hello& hello) {
        if (hello.version.empty())
            return add("version", Verdict::unchecked, "it does not tell its version");
        if (hello.major < 6)
            return add("version", Verdict::problem, hello.version + "; 6.0 or later is needed");
        if (hello.major >= 8)
            return add("version", Verdict::warning,
                       hello.version +
                           "; tried are 6 and 7: with the I/O threads of 8 a change may "
                           "be told later than revocation_bound");
        add("version", Verdict::ok, hello.version);
        const auto threads = setting("io-threads");
        if (threads && *threads != "1")
            add("io-threads", Verdict::warning, *threads + "; 1 is what was tried");
    }

    void role(const redis::Hello& hello) {
        const bool is_cluster = hello.mode == "cluster";
        add("mode", is_cluster ? Verdict::problem : Verdict::ok,
            hello.mode.empty() ? "no cluster" : hello.mode);
        const auto reply = session_.ask(Command{"ROLE"});
        if (!reply) return add("role", Verdict::unchecked, to_string(reply.error()));
        if (!reply->is(Kind::list) || reply->list.empty())
            return add("role", Verdict::unchecked, "ROLE says nothing");
        const std::string& role = reply->list[0].text;
        add("role", role == "master" ? Verdict::ok : Verdict::problem, role);
        if (role != "master" || reply->list.size() != 3) return;
        const std::size_t replicas = reply->list[2].list.size();
        add("replicas", Verdict::ok,
            replicas == 0
                ? "none; a change is acknowledged by the master alone"
                : std::to_string(replicas) + "; a change is acknowledged when one of them has it");
    }

    /// A setting of the server; nothing where it may not be asked.
    std::optional<std::string> setting(const std::string& name) {
        const auto reply = session_.ask(Command{"CONFIG", "GET", name});
        if (!reply || !reply->is(Kind::list) || reply->list.size() != 2) return std::nullopt;
        return reply->list[1].text;
    }

    void persistence() {
        const auto only = setting("appendonly");
        const auto sync = setting("appendfsync");
        const auto save = setting("save");
        if (!only) return add("persistence", Verdict::unchecked, "CONFIG GET is not allowed");
        if (*only == "yes" && sync == "always")
            return add("persistence", Verdict::ok, "append-only file, synced at each write");
        if (*only == "yes" && sync == "everysec")
            return add(
                "persistence", Verdict::warning,
                "append-only file, synced once a second: a crash of the machine may take the "
                "last second of acknowledged changes back (`appendfsync always`)");
        if (*only == "yes")
            return add("persistence", Verdict::problem,
                       "appendfsync is " + sync.value_or("unknown") + ": set it to `always`");
        add("persistence", Verdict::problem,
            save && !save->empty()
                ? "snapshots only: a crash takes back every change since the last one, "
                  "revocations too (`appendonly yes`)"
                : "none: a restart loses all keys (`appendonly yes`)");
    }

    void eviction() {
        const auto most = setting("maxmemory");
        const auto policy = setting("maxmemory-policy");
        if (!most || !policy)
            return add("eviction", Verdict::unchecked, "CONFIG GET is not allowed");
        if (*policy == "noeviction") return add("eviction", Verdict::ok, "noeviction");
        if (*most == "0")
            return add("eviction", Verdict::warning,
                       "`maxmemory-policy " + *policy +
                           "` without a limit; set `noeviction` before there is one");
        add("eviction", Verdict::problem,
            "`maxmemory-policy " + *policy +
                "` may drop records of keys and owners: set `noeviction`");
    }

    void user() {
        const auto name = session_.ask(Command{"ACL", "WHOAMI"});
        if (!name) return add("user", Verdict::unchecked, "ACL WHOAMI is not allowed");
        add("user", name->text == "default" ? Verdict::warning : Verdict::ok,
            name->text == "default" ? "default; a user of its own may do less (deploy/redis.md)"
                                    : name->text);
    }

    /// What we need is queued and thrown away: permissions are looked at when a command is queued.
    void permissions() {
        const std::string key = "kg:key:doctor";
        const std::string owner = "kg:owner:doctor:doctor";
        const std::string set = "kg:index:doctor";
        const std::vector<Command> tries{
            {"HGETALL", key},
            {"HSET", key, "v", "1"},
            {"HDEL", key, "v"},
            {"DEL", key},
            {"RENAME", key, key},
            {"HGETALL", owner},
            {"HSET", owner, "v", "1"},
            {"HMGET", "kg:index:ids", "x"},
            {"HSCAN", "kg:index:ids", "0"},
            {"ZADD", set, "1", "x"},
            {"ZREM", set, "x"},
            {"ZSCORE", set, "x"},
            {"ZCARD", set},
            {"ZRANGE", set, "0", "0"},
            {"ZRANGEBYSCORE", set, "0", "1"},
            {"ZRANGEBYLEX", set, "-", "+"},
            {"ZSCAN", set, "0"},
            {"TYPE", set},
            {"INCRBY", "kg:index:next", "1"},
            {"SET", set, "1", "EX", "1"},
            {"GET", set},
            {"EXISTS", set},
            {"EXPIRE", set, "1"},
            {"HSET", "kg:use:doctor:doctor", "x", "1"},
            {"HSET", "kg:receipt:doctor", "x", "1"},
            {"HSET", "kg:peppers", "x", "1"},
            {"SCAN", "0"},
            {"PUBLISH", "kg:changes", "x"},
            {"EVALSHA", std::string(40, '0'), "1", "kg:use:doctor:doctor"},
            {"EVAL", "return 1", "1", "kg:use:doctor:doctor"},
            // What charges limits.
            {"SCRIPT", "LOAD", "return 1"},
            {"EVALSHA", std::string(40, '0'), "1", "kg:rl:{doctor:doctor}:k:doctor"},
            {"TIME"},
            {"HGET", "kg:rl:{doctor:doctor}:k:doctor", "x"},
            {"HINCRBY", "kg:rl:{doctor:doctor}:k:doctor", "x", "1"},
            {"PTTL", "kg:rl:{doctor:doctor}:k:doctor"},
            {"PEXPIRE", "kg:rl:{doctor:doctor}:k:doctor", "1"},
        };
        if (const auto begun = session_.ask(Command{"MULTI"}); !begun)
            return add("permissions", Verdict::problem, to_string(begun.error()));
        const auto replies = session_.ask(tries);
        std::string refused;
        if (replies)
            for (std::size_t i = 0; i < tries.size(); ++i)
                if ((*replies)[i].is(Kind::error) &&
                    redis::classify((*replies)[i].text) == redis::Error::no_permission)
                    refused +=
                        ' ' + tries[i][0] + (tries[i].size() > 1 ? " (" + tries[i][1] + ")" : "");
        (void)session_.ask(Command{"DISCARD"});
        if (!replies) return add("permissions", Verdict::unchecked, to_string(replies.error()));
        for (const Command& each : {Command{"WATCH", key}, Command{"UNWATCH"}, Command{"PING"}})
            if (!session_.ask(each)) refused += ' ' + each[0];
        if (refused.empty()) return add("permissions", Verdict::ok, "all that is needed");
        add("permissions", Verdict::problem, "not allowed:" + refused);
    }

    void tracking() {
        const auto id = session_.ask(Command{"CLIENT", "ID"});
        if (!id) return add("tracking", Verdict::problem, "CLIENT ID is not allowed: " + unbounded);
        const auto on =
            session_.ask(Command{"CLIENT", "TRACKING", "on", "REDIRECT", std::to_string(id->number),
                                 "BCAST", "PREFIX", "kg:key:", "PREFIX", "kg:owner:"});
        if (!on) return add("tracking", Verdict::warning, to_string(on.error()) + ": " + unbounded);
        (void)session_.ask(Command{"CLIENT", "TRACKING", "off"});
        add("tracking", Verdict::ok, "offered");
    }

    void clock() {
        using namespace std::chrono;
        const auto before = system_clock::now();
        const auto reply = session_.ask(Command{"TIME"});
        const auto after = system_clock::now();
        if (!reply || !reply->is(Kind::list) || reply->list.size() != 2)
            return add("clock", Verdict::unchecked, "TIME is not allowed");
        const auto theirs =
            system_clock::time_point{seconds{std::atoll(reply->list[0].text.c_str())} +
                                     microseconds{std::atoll(reply->list[1].text.c_str())}};
        // What lies between sending and receiving is nobody's fault.
        const auto off = theirs < before  ? before - theirs
                         : theirs > after ? theirs - after
                                          : system_clock::duration{};
        const auto ms = duration_cast<milliseconds>(off).count();
        add("clock", ms > 1'000 ? Verdict::warning : Verdict::ok,
            ms == 0 ? "as ours" : std::to_string(ms) + " ms off ours");
    }

    void records() {
        const auto report = reindex(session_, Reindex::look, progress_);
        if (!report) return add("records", Verdict::unchecked, to_string(report.error()));
        const std::string all =
            std::to_string(report->keys) + " keys, " + std::to_string(report->owners) + " owners";
        if (report->unreadable == 0)
            add("records", Verdict::ok, all);
        else {
            std::string said =
                std::to_string(report->unreadable) + " cannot be read, of " + all + ":";
            for (const std::string& reason : report->reasons)
                said += "\n    " + reason;
            add("records", Verdict::problem, said);
        }
        const std::size_t drift = report->added + report->removed;
        if (drift == 0)
            add("index", Verdict::ok, "agrees with the records");
        else
            add("index", Verdict::warning,
                std::to_string(report->added) + " entries are missing, " +
                    std::to_string(report->removed) +
                    " have nothing behind them: `keygate store reindex`");
        if (report->duplicate_ids > 0)
            add("ids", Verdict::problem,
                std::to_string(report->duplicate_ids) + " records bear an id that is another's");
    }

    const std::string unbounded = "each request will ask Redis (revocation_bound 0)";
    redis::Session& session_;
    const std::function<void(std::size_t)>& progress_;
    std::vector<Check> checks_;
};

} // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok:
        return "ok";
    case Verdict::warning:
        return "warning";
    case Verdict::problem:
        return "problem";
    case Verdict::unchecked:
        return "could not be checked";
    }
    return {};
}

std::vector<Check> examine(redis::Session& session,
                           const std::function<void(std::size_t)>& progress) {
    return Examination{session, progress}.run();
}

} // namespace keygate::keys
