#include "http/own_answer.hpp"

#include <boost/beast/http/status.hpp>

namespace keygate::http {

namespace {

void write_status_line(std::string& out, unsigned status) {
    out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
    out.append(status_phrase(status)).append("\r\n");
}

} // namespace

std::string_view status_phrase(unsigned status) {
    const auto known = boost::beast::http::int_to_status(status);
    if (known != boost::beast::http::status::unknown) {
        const auto phrase = boost::beast::http::obsolete_reason(known);
        return {phrase.data(), phrase.size()};
    }
    if (status < 300) return "OK";
    return status < 500 ? "Bad Request" : "Internal Server Error";
}

void write_own_head(std::string& out, unsigned status, std::string_view type,
                    std::optional<std::size_t> length) {
    write_status_line(out, status);
    out.append("Content-Type: ").append(type).append("\r\n");
    if (length) out.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
    out.append("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
}

void write_asked_fields(std::string& out, const Asked& asked) {
    out.append(asked.limit_fields).append(asked.cors);
    out.append("Date: ").append(asked.date).append("\r\nX-Request-Id: ").append(asked.request_id);
    if (asked.after == AfterAnswer::close)
        out.append("\r\nConnection: close");
    else if (asked.minor_version == 0)
        out.append("\r\nConnection: keep-alive");
    out.append("\r\n");
}

void write_empty_answer(std::string& out, std::string_view fields, const Asked& asked) {
    write_status_line(out, 204);
    out.append("Cache-Control: no-store\r\n").append(fields);
    write_asked_fields(out, asked);
    out.append("\r\n");
}

} // namespace keygate::http
