#pragma once

#include <boost/system/error_code.hpp>

#include <string_view>

namespace keygate::redis {

/// What a Redis says when it does not do what it was asked, by the first word of its error reply,
/// and how its bytes may fail us.
enum class Error {
    loading = 1,      // LOADING: it reads its file after a start
    read_only,        // READONLY: a replica
    master_down,      // MASTERDOWN: a replica without its master
    moved,            // MOVED, ASK, TRYAGAIN, CLUSTERDOWN, CROSSSLOT: a cluster
    busy,             // BUSY: a script does not end
    out_of_memory,    // OOM: more than maxmemory
    not_persistent,   // MISCONF: it cannot write its file
    too_few_replicas, // NOREPLICAS
    no_script,        // NOSCRIPT: the script must be sent again
    no_auth,          // NOAUTH, WRONGPASS, and AUTH without a password configured
    no_permission,    // NOPERM
    wrong_type,       // WRONGTYPE
    aborted,          // EXECABORT
    unknown_command,  // ERR unknown command
    other,            // any other error reply
    not_master,       // the server says that it is a replica
    is_cluster,       // the server says that it is part of a cluster
    protocol,         // bytes that are no reply
    too_large,        // a reply beyond what we take
    unexpected,       // a reply of another shape than the command has
};

[[nodiscard]] const boost::system::error_category& redis_category();
[[nodiscard]] boost::system::error_code make_error_code(Error error);

/// The kind of an error reply: `WRONGTYPE Operation against …`.
[[nodiscard]] Error classify(std::string_view reply);

} // namespace keygate::redis

template <> struct boost::system::is_error_code_enum<keygate::redis::Error> : std::true_type {};
