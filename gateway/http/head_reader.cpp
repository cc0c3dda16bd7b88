#include "http/head_reader.hpp"

#include "base/ascii.hpp"
#include "http/fields.hpp"
#include "http/limits.hpp"
#include "http/target.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/optional.hpp>

#include <algorithm>
#include <functional>
#include <limits>

namespace keygate::http {

namespace beast = boost::beast;

namespace {

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

struct ConnectionOptions {
    bool close = false;
    bool keep_alive = false;
    bool upgrade = false;
};

/// `Connection` options (RFC 9110 7.6.1). Only what decides about this connection is kept; what
/// else it names is looked up when the head is written.
void read_connection(std::string_view value, Head& head, ConnectionOptions& options) {
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        const std::string_view option = ascii::trimmed(value.substr(0, comma));
        if (ascii::equal_ignoring_case(option, "close"))
            options.close = true;
        else if (ascii::equal_ignoring_case(option, "keep-alive"))
            options.keep_alive = true;
        else if (ascii::equal_ignoring_case(option, "upgrade"))
            options.upgrade = true;
        else if (!option.empty())
            head.has_connection_options = true;
        if (comma == std::string_view::npos) return;
        value.remove_prefix(comma + 1);
    }
}

/// RFC 9110 10.1.4: `TE: trailers`, also among codings.
bool names_trailers(std::string_view value) {
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        if (ascii::equal_ignoring_case(ascii::trimmed(value.substr(0, comma)), "trailers"))
            return true;
        if (comma == std::string_view::npos) return false;
        value.remove_prefix(comma + 1);
    }
    return false;
}

/// How often one of the hops in `Via` is called `name`: `1.1 keygate, HTTP/1.1 other (comment)`.
std::uint8_t count_via(std::string_view value, std::string_view name) {
    std::uint8_t count = 0;
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        std::string_view hop = ascii::trimmed(value.substr(0, comma));
        const std::size_t space = hop.find_first_of(" \t");
        if (space != std::string_view::npos) {
            hop = ascii::trimmed(hop.substr(space));
            hop = hop.substr(0, hop.find_first_of(" \t"));
            if (hop == name && count < 255) ++count;
        }
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
    return count;
}

/// What request and answer have in common: the fields, checked one by one.
template <bool is_request> class Lexer : public beast::http::basic_parser<is_request> {
  public:
    using error_code = beast::error_code;

    Lexer(Head& head, std::size_t most_fields)
        : head_(head)
        , max_fields_(most_fields) {
        head.field_count = 0;
        head.framing = Framing::none;
        head.content_length = 0;
        head.has_connection_options = false;
        head.takes_trailers = false;
        this->header_limit(
            std::numeric_limits<std::uint32_t>::max()); // find_head_end has bounded it
        this->body_limit(boost::none);
    }

    /// True when the whole head, and nothing but it, was read.
    [[nodiscard]] bool read(std::string_view bytes) {
        bytes_ = bytes;
        error_code error;
        const std::size_t used = this->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
        // need_more is what remains of an error-free head without a body that Beast would go on
        // with.
        return (!error || error == beast::http::error::need_more) && !refused_ &&
               this->is_header_done() && used == bytes.size();
    }

    [[nodiscard]] bool has_too_many_fields() const { return too_many_; }

    /// RFC 9112 9.3: 1.1 stays open unless told otherwise, 1.0 closes unless told otherwise.
    [[nodiscard]] bool stays_open() const {
        return !options_.close && (head_.minor_version == 1 || options_.keep_alive);
    }

    [[nodiscard]] bool upgrades_to_websocket() const {
        return upgrades_ == 1 && is_websocket_ && options_.upgrade && head_.minor_version == 1;
    }

    [[nodiscard]] const FramingGuard& framing() const { return framing_; }

  protected:
    void refuse(error_code& error) {
        refused_ = true;
        error = beast::http::error::bad_field;
    }

    virtual bool on_own_field(FieldName id, std::string_view value) = 0;

    void on_field_impl(FieldName id, beast::string_view name, beast::string_view value,
                       error_code& error) override {
        if (head_.field_count == max_fields_) {
            too_many_ = true;
            return refuse(error);
        }
        const std::string_view text = view(value);
        if (name.empty() || !is_in_bytes(text) || !framing_.take(id, text) ||
            !on_own_field(id, text))
            return refuse(error);
        take_hop_by_hop(id, text);
        head_.fields[head_.field_count++] = {.id = id, .name = view(name), .value = text};
    }

    void on_header_impl(error_code&) override {}

    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

    std::size_t on_body_impl(beast::string_view, error_code&) override { return 0; }

    void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}

    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, error_code&) override {
        return 0;
    }

    void on_finish_impl(error_code&) override {}

    void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int,
                         error_code&) override {}

    void on_response_impl(int, beast::string_view, int, error_code&) override {}

  private:
    /// Beast joins folded lines (RFC 9112 5.2) in a buffer that dies with its callback.
    /// find_head_end refuses them; nothing that lies elsewhere than in the head gets past here
    /// either.
    [[nodiscard]] bool is_in_bytes(std::string_view text) const {
        const std::less_equal<> is_before;
        return text.empty() ||
               (is_before(bytes_.data(), text.data()) &&
                is_before(text.data() + text.size(), bytes_.data() + bytes_.size()));
    }

    void take_hop_by_hop(FieldName id, std::string_view value) {
        switch (id) {
        case FieldName::connection:
            return read_connection(value, head_, options_);
        case FieldName::upgrade:
            ++upgrades_;
            is_websocket_ = ascii::equal_ignoring_case(value, "websocket");
            return;
        case FieldName::te:
            head_.takes_trailers = head_.takes_trailers || names_trailers(value);
            return;
        default:
            return;
        }
    }

    Head& head_;
    std::string_view bytes_;
    FramingGuard framing_;
    std::size_t max_fields_;
    bool refused_ = false;
    bool too_many_ = false;
    ConnectionOptions options_;
    unsigned upgrades_ = 0; // fields
    bool is_websocket_ = false;
};

class RequestLexer final : public Lexer<true> {
  public:
    RequestLexer(RequestHead& head, std::size_t most_fields, std::string_view via)
        : Lexer(head, most_fields)
        , request_(head)
        , via_(via) {
        head.host = {};
        head.expects_continue = false;
        head.authorizations = 0;
        head.authorization = {};
        head.own_vias = 0;
    }

    [[nodiscard]] unsigned hosts() const { return hosts_; }

    [[nodiscard]] bool has_unknown_expectation() const { return unknown_expectation_; }

  private:
    void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                         int version, error_code& error) override {
        request_.method = view(method);
        request_.target = view(target);
        request_.minor_version = static_cast<std::uint8_t>(version % 10);
        if (version != 11 && version != 10) refuse(error);
    }

    bool on_own_field(FieldName id, std::string_view value) override {
        switch (id) {
        case FieldName::host:
            request_.host = value;
            return ++hosts_ == 1 && is_valid_host(value);
        case FieldName::authorization:
            if (request_.authorizations == 0) request_.authorization = value;
            if (request_.authorizations < 255) ++request_.authorizations;
            return true;
        case FieldName::expect:
            // RFC 9110 10.1.1: the one expectation there is.
            if (ascii::equal_ignoring_case(value, "100-continue"))
                request_.expects_continue = true;
            else
                unknown_expectation_ = true;
            return true;
        case FieldName::via:
            request_.own_vias = static_cast<std::uint8_t>(
                std::min(request_.own_vias + count_via(value, via_), 255));
            return true;
        default:
            return true;
        }
    }

    RequestHead& request_;
    std::string_view via_;
    unsigned hosts_ = 0;
    bool unknown_expectation_ = false;
};

class ResponseLexer final : public Lexer<false> {
  public:
    explicit ResponseLexer(ResponseHead& head)
        : Lexer(head, max_fields)
        , response_(head) {}

  private:
    void on_response_impl(int code, beast::string_view reason, int version,
                          error_code& error) override {
        response_.status = static_cast<unsigned>(code);
        response_.reason = view(reason);
        response_.minor_version = static_cast<std::uint8_t>(version % 10);
        if (code < 100 || code > 599 || (version != 11 && version != 10)) refuse(error);
    }

    bool on_own_field(FieldName, std::string_view) override { return true; }

    ResponseHead& response_;
};

} // namespace

Decision<const RequestHead*> RequestReader::read(std::string_view bytes) {
    RequestLexer lexer{head_, limits_.max_fields, via_};
    if (!lexer.read(bytes))
        return Refusal{lexer.has_too_many_fields() ? Reason::head_too_large : Reason::head_invalid};
    if (!lexer.framing().judge(head_)) return Refusal{Reason::head_invalid};
    // RFC 9112 3.2: exactly one Host in 1.1; an HTTP/1.0 request may have none.
    if (lexer.hosts() == 0 && head_.minor_version == 1) return Refusal{Reason::head_invalid};
    // RFC 9112 3.2.2, 3.3: its target may say what it does not.
    if (lexer.hosts() == 0 && is_valid_host(authority_of(head_.target)))
        head_.host = authority_of(head_.target);
    if (head_.target.size() > limits_.max_target) return Refusal{Reason::target_too_long};
    if (lexer.has_unknown_expectation()) return Refusal{Reason::head_expectation};
    // RFC 9110 7.6.3: once is a chain of two gateways, twice is a circle.
    if (head_.own_vias >= 2) return Refusal{Reason::head_loop};
    head_.keep_alive = lexer.stays_open();
    const bool is_bodiless = head_.framing != Framing::chunked && head_.content_length == 0;
    head_.upgrades_to_websocket =
        lexer.upgrades_to_websocket() && head_.method == "GET" && is_bodiless && head_.keep_alive;
    // RFC 9110 10.1.1: a 1.0 client does not know what it asked for.
    // And what a client calls its own affair with us does not reach the upstream, which would be
    // waited for.
    if (head_.minor_version == 0 ||
        (head_.has_connection_options && is_connection_option(head_, "expect")))
        head_.expects_continue = false;
    return &head_;
}

Decision<const ResponseHead*> ResponseReader::read(std::string_view bytes, bool is_head_answer) {
    ResponseLexer lexer{head_};
    if (!lexer.read(bytes) || !lexer.framing().judge(head_))
        return Refusal{Reason::upstream_invalid};
    head_.keep_alive = lexer.stays_open();
    head_.upgrades_to_websocket = lexer.upgrades_to_websocket() && head_.status == 101;
    // RFC 9110 8.6, RFC 9112 6.1: these never frame a body, and 1xx and 204 never carry the fields.
    const bool is_bodiless = head_.status < 200 || head_.status == 204;
    if (is_bodiless && head_.framing == Framing::chunked) return Refusal{Reason::upstream_invalid};
    if (is_bodiless && head_.framing == Framing::length && head_.content_length != 0)
        return Refusal{Reason::upstream_invalid};
    head_.has_body = !is_bodiless && head_.status != 304 && !is_head_answer;
    if (!head_.has_body) return &head_;
    if (head_.framing == Framing::none) {
        head_.framing = Framing::until_close;
        head_.keep_alive = false;
    }
    return &head_;
}

} // namespace keygate::http
