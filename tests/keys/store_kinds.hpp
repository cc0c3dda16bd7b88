#pragma once

#include "keys/records.hpp"
#include "keys/redis_store.hpp"
#include "keys/sqlite_store.hpp"
#include "support/redis_server.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

// The same cases for every store.
namespace keygate::keys::test {

/// The embedded file.
class SqliteKind {
  public:
    [[nodiscard]] std::unique_ptr<KeyStore> open() const {
        auto opened = open_sqlite_store(folder_.file("keys.db"));
        BOOST_TEST_REQUIRE(opened.has_value());
        return std::move(*opened);
    }

  private:
    TempFolder folder_;
};

/// One server for the whole program, emptied for each case.
class RedisKind {
  public:
    RedisKind() { (void)server().call({"FLUSHALL"}); }

    [[nodiscard]] static support::RedisServer& server() {
        static support::RedisServer shared;
        return shared;
    }

    [[nodiscard]] static config::Redis settings(const support::RedisServer& of = server()) {
        config::Redis redis;
        redis.transport = config::RedisTransport::unix_socket;
        redis.path = of.socket();
        redis.url = "unix:" + redis.path;
        redis.command_timeout = std::chrono::seconds{20};
        return redis;
    }

    [[nodiscard]] std::unique_ptr<KeyStore> open() const {
        auto opened = open_redis_store(settings());
        BOOST_TEST_REQUIRE(opened.has_value(), (opened ? "" : to_string(opened.error())));
        return std::move(*opened);
    }
};

using StoreKinds = std::tuple<SqliteKind, RedisKind>;

/// An open store, new and empty.
template <class Kind> struct Opened {
    Kind kind;
    std::unique_ptr<KeyStore> store = kind.open();

    void reopen() {
        store.reset();
        store = kind.open();
    }

    /// By id: not every store hands them out in the order of their creation.
    [[nodiscard]] std::vector<KeyRecord> all_keys() const {
        std::vector<KeyRecord> keys;
        const auto done = store->each([](OwnerRecord&&) {},
                                      [&](KeyRecord&& key) { keys.push_back(std::move(key)); });
        BOOST_TEST_REQUIRE(done.has_value());
        std::sort(keys.begin(), keys.end(),
                  [](const KeyRecord& a, const KeyRecord& b) { return a.id < b.id; });
        return keys;
    }

    [[nodiscard]] std::vector<std::string> ids(const KeyFilter& filter) const {
        const auto keys = store->list(filter);
        BOOST_TEST_REQUIRE(keys.has_value());
        std::vector<std::string> ids;
        for (const KeyRow& row : keys->rows)
            ids.push_back(row.record.id);
        return ids;
    }
};

template <class T> bool failed(const Result<T>& result, StoreError error) {
    return result.has_error() && result.error().error == error;
}

/// A record in which nothing is as by default.
inline KeyRecord full_record() {
    KeyRecord key = key_record(7, "deals");
    key.owner = "Zoë & co";
    key.status = KeyStatus::disabled;
    key.mode = Mode::test;
    key.plan = "big";
    key.scopes = {{"y", "x"}};
    key.name = std::string{"a\0b\r\n'; DROP TABLE keys; --", 27};
    key.expires_at = time_from("2031-01-01T00:00:00Z");
    key.owner_record_required = true;
    key.pepper = "2026";
    key.rotated_to = "key_8";
    key.metadata = R"({"ticket":"A-1"})";
    key.rate = "{rate: 100/1m, burst: 20} # Zoë's";
    key.quota = R"({"requests":["1000/month","50/day"]})";
    key.addresses = {"192.0.2.0/24", "2001:db8::/32"};
    key.referrers = {"https://*.example.com", "https://app.example.com/shop/*"};
    key.endpoints = {"GET /v1/orders/**"};
    key.bind = {{"store", "267418190"}, {"region", "Zoë's \"north\""}};
    key.secret_digest = digest_of("all of it");
    key.sealed = "v1.0a1b2c3d.c2VhbGVk";
    return key;
}

} // namespace keygate::keys::test
