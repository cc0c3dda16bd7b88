#include "redis/error.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace keygate::redis {

namespace {

using Kind = std::pair<std::string_view, Error>;

// By the first word of an error reply.
constexpr auto kinds = std::to_array<Kind>({
    {"LOADING", Error::loading},
    {"READONLY", Error::read_only},
    {"MASTERDOWN", Error::master_down},
    {"MOVED", Error::moved},
    {"ASK", Error::moved},
    {"TRYAGAIN", Error::moved},
    {"CLUSTERDOWN", Error::moved},
    {"CROSSSLOT", Error::moved},
    {"BUSY", Error::busy},
    {"OOM", Error::out_of_memory},
    {"MISCONF", Error::not_persistent},
    {"NOREPLICAS", Error::too_few_replicas},
    {"NOSCRIPT", Error::no_script},
    {"NOAUTH", Error::no_auth},
    {"WRONGPASS", Error::no_auth},
    {"NOPERM", Error::no_permission},
    {"WRONGTYPE", Error::wrong_type},
    {"EXECABORT", Error::aborted},
});

// ERR says nothing by itself: these are Redis' own words, which have not changed since 2.8.
constexpr auto sentences = std::to_array<Kind>({
    {"ERR unknown command", Error::unknown_command},
    {"ERR Client sent AUTH, but no password is set", Error::no_auth}, // before 6.0
    {"ERR AUTH <password> called without any password configured", Error::no_auth},
    {"ERR invalid password", Error::no_auth}, // before 6.0
    {"ERR SELECT is not allowed in cluster mode", Error::is_cluster},
});

// Boost leaves the destructor of its categories as it is on purpose: they are never deleted.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

class Category final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "keygate.redis"; }

    [[nodiscard]] std::string message(int value) const override {
        switch (static_cast<Error>(value)) {
        case Error::loading:
            return "Redis is reading its file";
        case Error::read_only:
            return "Redis is a read-only replica";
        case Error::master_down:
            return "Redis is a replica whose master is away";
        case Error::moved:
            return "the key is on another node of the cluster";
        case Error::busy:
            return "Redis is busy with a script";
        case Error::out_of_memory:
            return "Redis has no memory left (maxmemory)";
        case Error::not_persistent:
            return "Redis cannot write its file";
        case Error::too_few_replicas:
            return "Redis has too few replicas to write";
        case Error::no_script:
            return "Redis does not know the script";
        case Error::no_auth:
            return "Redis does not accept the user and password";
        case Error::no_permission:
            return "the user has no permission in Redis";
        case Error::wrong_type:
            return "the key holds a value of another type";
        case Error::aborted:
            return "Redis discarded the transaction";
        case Error::unknown_command:
            return "Redis does not know the command";
        case Error::other:
            return "Redis refused the command";
        case Error::not_master:
            return "Redis is a replica, not a master";
        case Error::is_cluster:
            return "Redis is part of a cluster";
        case Error::protocol:
            return "not the protocol of Redis";
        case Error::too_large:
            return "the reply is too large";
        case Error::unexpected:
            return "a reply that the command does not have";
        }
        return "unknown error of Redis";
    }
};

#pragma GCC diagnostic pop

} // namespace

const boost::system::error_category& redis_category() {
    static const Category category;
    return category;
}

boost::system::error_code make_error_code(Error error) {
    return {static_cast<int>(error), redis_category()};
}

Error classify(std::string_view reply) {
    const std::string_view word = reply.substr(0, reply.find(' '));
    const auto* const kind = std::find_if(
        kinds.begin(), kinds.end(), [word](const Kind& known) { return known.first == word; });
    if (kind != kinds.end()) return kind->second;
    const auto* const sentence =
        std::find_if(sentences.begin(), sentences.end(),
                     [reply](const Kind& known) { return reply.starts_with(known.first); });
    return sentence != sentences.end() ? sentence->second : Error::other;
}

} // namespace keygate::redis
