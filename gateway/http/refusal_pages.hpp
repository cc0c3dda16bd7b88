#pragma once

#include "base/refusal.hpp"
#include "config/settings.hpp"
#include "http/own_answer.hpp"
#include "http/template.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::http {

/// An error that no reason stands for: what is wrong with a call that the gateway answers itself.
struct Problem {
    unsigned status = 0; // 400..599
    std::string_view code;
    std::string_view reason; // left out where the profile hides reasons
    std::string_view message;
};

/// The answers of one API to every reason, rendered once from its profile: a refusal fills in the
/// date, the request id and, where they are needed, Retry-After, Allow or the missing scopes. The
/// one place where a reason becomes bytes.
class RefusalPages {
  public:
    using Request = Asked;

    /// @param via    our name, as in `Via`.
    /// @param tells  on which pages `Proxy-Status` says that they are ours (RFC 9209).
    explicit RefusalPages(const config::Api& api, std::string_view via = "keygate",
                          config::ProxyStatus tells = config::ProxyStatus::errors);

    /// For refusals before any API is known.
    explicit RefusalPages(const config::Profile& profile, std::string_view via = "keygate",
                          config::ProxyStatus tells = config::ProxyStatus::errors);

    /// Appends the whole answer.
    void write(std::string& out, const Refusal& refusal, const Request& request) const;

    /// Appends the whole answer, with a body as the profile has it for refusals.
    void write_problem(std::string& out, const Problem& problem, const Request& request) const;

    [[nodiscard]] unsigned status(Reason reason) const { return pages_[index(reason)].status; }

  private:
    struct Page {
        unsigned status = 0;
        std::string head;      // status line and the fields that never change
        std::string challenge; // WWW-Authenticate without its line end, or empty
        Template fields;       // lines of the profile with what only a request knows
        Template body;
        /// Where `body` has no variable but the request's id: what stands around it. Then `head`
        /// says the length, which is the same for every request.
        std::vector<std::string> around_ids;
    };

    class Renderer;

    RefusalPages(const Renderer& renderer, const config::Profile& profile);

    std::array<Page, reason_count> pages_;
    Template problem_body_;
    std::string problem_type_;
    std::string problem_challenge_;     // of a 401
    bool challenge_takes_scope_ = true; // RFC 6750 alone has a parameter for it
};

} // namespace keygate::http
