#pragma once

#include "gate/snapshot.hpp"
#include "http/head_reader.hpp"
#include "keys/served_keys.hpp"
#include "net/poller.hpp"
#include "observe/metrics.hpp"
#include "proxy/pool.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace keygate::gate {

/// One configuration as one thread uses it. A request holds the epoch that it began in until it is
/// recorded, so it ends under the configuration that let it in, also a tunnel that stays for hours;
/// the next request of the same connection begins in the thread's current one. Used by its thread
/// alone, so references are counted without atomics. Dies at the end of the turn in which nobody
/// needs it any more.
struct Epoch final : net::Retirable {
    /// @param counters  of this thread, for each route by its number. @param subjects_of_routes
    ///                  where limits by route count, for each route. @param warn  is told of
    ///                  upstreams that cannot be trusted.
    Epoch(net::Poller& thread, std::shared_ptr<const Snapshot> compiled, keys::ServedKeys served,
          std::vector<observe::RouteCounters*> counters,
          std::vector<std::uint32_t> subjects_of_routes,
          const std::function<void(const std::string&)>& warn);

    net::Poller& poller;
    const std::shared_ptr<const Snapshot> snapshot;
    /// Null when the epoch is over: a look-up ends in the turn in which it begins, and whoever
    /// stays longer must not keep all keys of its time in memory.
    keys::ServedKeys keys;
    const std::vector<observe::RouteCounters*> route_counters;
    const std::vector<std::uint32_t> route_subjects; // of limits, for each route by its number
    std::vector<std::unique_ptr<proxy::Pool>> pools; // as in snapshot->upstreams
    http::RequestReader request_reader;
    std::size_t references = 0;
};

inline void intrusive_ptr_add_ref(Epoch* epoch) {
    ++epoch->references;
}

inline void intrusive_ptr_release(Epoch* epoch) {
    // One of its links may be what is just telling something.
    if (--epoch->references == 0) epoch->poller.retire(std::unique_ptr<net::Retirable>{epoch});
}

using EpochRef = boost::intrusive_ptr<Epoch>;

} // namespace keygate::gate
