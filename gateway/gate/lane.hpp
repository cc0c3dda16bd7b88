#pragma once

#include "gate/epoch.hpp"
#include "http/date.hpp"
#include "http/head_reader.hpp"
#include "http/request_id.hpp"
#include "keys/desk.hpp"
#include "keys/used_keys.hpp"
#include "limit/address_book.hpp"
#include "limit/counters.hpp"
#include "limit/redis_counters.hpp"
#include "net/admission.hpp"
#include "net/poller.hpp"
#include "observe/access_log.hpp"
#include "observe/metrics.hpp"

#include <boost/intrusive/list.hpp>

#include <string>
#include <utility>

#include "answer/desk.hpp"

namespace keygate::gate {

/// A connection as its thread's owner sees it.
class Client : public boost::intrusive::list_base_hook<
                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
               public net::Retirable {
  public:
    /// The process is to end: go now if nothing is in flight, else after the answer.
    virtual void drain() = 0;
};

/// What the requests of one thread share. Everything here is used by that thread alone, but for the
/// epoch's key table, the limits' counters, the addresses and the admission, which are the process'
/// and say so.
struct Lane {
    using Clients = boost::intrusive::list<Client, boost::intrusive::constant_time_size<false>>;

    net::Poller& poller;
    EpochRef epoch; // what requests that begin now are judged by; never null while clients are here
    limit::Counters& counters;
    limit::AddressBook& addresses;
    limit::RedisCounters* redis_counters; // where limits are counted that are not local; null
                                          // without Redis
    net::Admission& admission;
    keys::UsedKeys& used;
    keys::Desk* desk;      // where keys are asked for that are not in memory; null where all are
    answer::Desk& answers; // where is asked for what the gateway answers by itself
    observe::ThreadMetrics& metrics;
    observe::AccessLog::Buffer& access_log;
    http::ResponseReader response_reader{};
    http::RequestIds request_ids{};
    http::DateText date{};
    limit::Calendar calendar{};
    std::string target_scratch{};    // of the target that is being judged
    std::string head_scratch{};      // of the answer's head that is being written
    std::string query_scratch{};     // of a query that a key is taken out of
    std::string protocols_scratch{}; // of subprotocols that a key is taken out of
    /// Wall clock minus steady clock when the process began: limits follow calendars, but no step
    /// of the wall clock afterwards.
    std::chrono::nanoseconds limiter_offset{};
    Clients clients{};
    bool is_draining = false; // every answer is the last of its connection

    /// From here on requests begin under another configuration; those in flight keep theirs.
    void begin_epoch(EpochRef next) {
        epoch->keys = {};
        epoch = std::move(next);
    }

    [[nodiscard]] limit::Instant limiter_time() const {
        return poller.now().steady.time_since_epoch() + limiter_offset;
    }
};

} // namespace keygate::gate
