#pragma once

#include "base/refusal.hpp"
#include "config/settings.hpp"
#include "http/head_writer.hpp"

#include <array>
#include <string>
#include <string_view>

namespace keygate::http {

/// The answers of one API to every reason, rendered once from its profile: a refusal fills in the
/// date, the request id and, where they are needed, Retry-After, Allow or the missing scopes. The
/// one place where a reason becomes bytes.
class RefusalPages {
  public:
    explicit RefusalPages(const config::Profile& profile);

    struct Request {
        AfterAnswer after = AfterAnswer::keep_alive;
        bool is_head = false; // the request was HEAD: no body
        std::uint8_t minor_version = 1;
        std::string_view date;
        std::string_view request_id;     // RequestId::size bytes
        std::string_view limit_fields{}; // whole lines (http/limit_fields.hpp)
    };

    /// Appends the whole answer.
    void write(std::string& out, const Refusal& refusal, const Request& request) const;

    [[nodiscard]] unsigned status(Reason reason) const { return pages_[index(reason)].status; }

  private:
    struct Page {
        unsigned status = 0;
        std::string head;        // status line and the fields that never change
        std::string challenge;   // WWW-Authenticate without its line end, or empty
        std::string body_before; // up to the request id
        std::string body_after;
    };

    [[nodiscard]] static Page render(const config::Profile& profile, Reason reason);

    std::array<Page, reason_count> pages_;
};

/// `Forbidden` for 403; for a status without a registered phrase, that of its class (RFC 9110 15).
[[nodiscard]] std::string_view status_phrase(unsigned status);

} // namespace keygate::http
