#pragma once

#include "gate/snapshot.hpp"
#include "http/date.hpp"
#include "http/head_reader.hpp"
#include "http/request_id.hpp"
#include "keys/table.hpp"
#include "limit/counters.hpp"
#include "net/admission.hpp"
#include "net/poller.hpp"
#include "observe/access_log.hpp"
#include "observe/metrics.hpp"
#include "proxy/pool.hpp"

#include <boost/intrusive/list.hpp>

#include <memory>
#include <string>
#include <vector>

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
/// key table, the limits' counters and the admission, which are the process' and say so.
struct Lane {
    using Clients = boost::intrusive::list<Client, boost::intrusive::constant_time_size<false>>;

    net::Poller& poller;
    std::shared_ptr<const Snapshot> snapshot;
    const keys::Table& table;
    limit::Counters& counters;
    net::Admission& admission;
    observe::ThreadMetrics& metrics;
    observe::AccessLog::Buffer& access_log;
    std::vector<std::unique_ptr<proxy::Pool>> pools{}; // as in snapshot->upstreams
    http::RequestReader request_reader;
    http::ResponseReader response_reader{};
    http::RequestIds request_ids{};
    http::DateText date{};
    std::string target_scratch{}; // of the target that is being judged
    std::string head_scratch{};   // of the answer's head that is being written
    /// Wall clock minus steady clock when the process began: limits follow calendars, but no step
    /// of the wall clock afterwards.
    std::chrono::nanoseconds limiter_offset{};
    Clients clients{};
    bool is_draining = false; // every answer is the last of its connection

    [[nodiscard]] limit::Instant limiter_time() const {
        return poller.now().steady.time_since_epoch() + limiter_offset;
    }
};

} // namespace keygate::gate
