#pragma once

#include "config/settings.hpp"
#include "http/head.hpp"
#include "http/own_answer.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::http {

/// The fields of the gateway's own that tell a client something, as they are named for an API: a
/// page gets to see them only by name.
/// @param identity_prefix  `X-Key-` @param families  that tell where the client stands.
[[nodiscard]] std::vector<std::string>
fields_for_clients(std::string_view identity_prefix, std::span<const config::LimitFields> families);

/// Which pages of other origins may call a route from a browser (Fetch 3.2). Only browsers keep to
/// it: it protects their users, not the API. Immutable; any thread.
class CorsRules {
  public:
    /// @param settings  as config::load accepted them; origins in any case, with or without the
    ///                  port that their scheme has anyway.
    /// @param exposed   fields that pages may read beside the configured ones.
    explicit CorsRules(const config::Cors& settings, std::span<const std::string> exposed = {});

    /// Does a browser ask whether it may send another request? `OPTIONS` with one `Origin` and one
    /// `Access-Control-Request-Method`, a token. It carries no key.
    [[nodiscard]] static bool is_preflight(const RequestHead& head);

    /// The one `Origin` of a request; empty where there is none, or more.
    [[nodiscard]] static std::string_view origin_of(const Head& head);

    /// `https://app.example.com`, in any case, with or without its scheme's port. `*.example.com`
    /// stands for one or more labels. `null`, which any page can have, is nobody's, and is let in
    /// only where everybody is.
    [[nodiscard]] bool allows(std::string_view origin) const;

    /// We say it all: the upstream sees no preflight, and nothing that it says of this passes.
    [[nodiscard]] bool answers_preflight() const { return answers_preflight_; }

    /// Appends the lines for an answer to a request from that origin, also an empty one: who may
    /// read it and which fields; to others only that it depends on them.
    /// @param origin  of the request, of any bytes that a field may hold.
    void write_fields(std::string& out, std::string_view origin) const;

    /// Appends the whole answer to a preflight: 204, and what is allowed; nothing to others.
    void write_preflight(std::string& out, const RequestHead& head, const Asked& asked) const;

  private:
    struct Origin {
        std::string text; // `https://app.example.com`; lower case, without its scheme's port
        std::string end;  // of a wildcard, then the text is `https://`: `.example.com`
    };

    [[nodiscard]] static Origin read_origin(const std::string& text);
    [[nodiscard]] static bool is_of(std::string_view origin, const Origin& allowed);
    void write_allowed(std::string& out, std::string_view origin) const;
    void write_asked_headers(std::string& out, const RequestHead& head) const;
    [[nodiscard]] bool may_send(std::string_view name) const;

    bool any_origin_;
    bool answers_preflight_;
    std::vector<Origin> origins_;
    std::optional<std::vector<std::string>> headers_;
    std::string header_list_; // of all of them
    std::string credentials_; // whole lines, as the others
    std::string exposed_;
    std::string max_age_;
};

} // namespace keygate::http
