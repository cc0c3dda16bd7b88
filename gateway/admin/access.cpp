#include "admin/access.hpp"

#include "base/ascii.hpp"
#include "config/secret_file.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

namespace asio = boost::asio;

namespace keygate::admin {

namespace {

constexpr std::size_t made_length = 48; // letters: 285 bits
constexpr std::size_t min_length = 16;
constexpr std::size_t max_length = 256;

Fault invalid(std::string step) {
    return {make_error_code(boost::system::errc::invalid_argument), std::move(step)};
}

Secret random_token() {
    constexpr std::string_view letters =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // Bytes from here on would make some letters likelier than others.
    constexpr unsigned fair = 256 / letters.size() * letters.size();
    std::string text;
    text.reserve(made_length);
    while (text.size() < made_length) {
        unsigned char byte = 0;
        if (RAND_priv_bytes(&byte, 1) != 1)
            throw std::runtime_error("the system has no randomness");
        if (byte < fair) text += letters[byte % letters.size()];
    }
    return Secret{std::move(text)};
}

/// The host of a Host field, without its port; empty if what stands there is no port.
std::string_view without_port(std::string_view host) {
    const auto bracket = host.rfind(']');
    const auto colon = host.rfind(':');
    if (colon == std::string_view::npos) return host;
    if (bracket != std::string_view::npos && colon < bracket) return host;
    const std::string_view port = host.substr(colon + 1);
    const bool is_port = port.find_first_not_of("0123456789") == std::string_view::npos;
    return is_port ? host.substr(0, colon) : std::string_view{};
}

Problem unauthorized(std::string reason, std::string message) {
    return {401, "UNAUTHORIZED", std::move(reason), std::move(message)};
}

std::string_view name_of(Transport transport) {
    return transport == Transport::tcp ? "tcp" : "local";
}

/// A body is JSON, or nothing was said of it (RFC 9110 8.3).
bool is_json(const std::vector<std::string>& content_types) {
    if (content_types.empty()) return true;
    if (content_types.size() > 1) return false;
    const std::string_view value = content_types.front();
    return ascii::equal_ignoring_case(ascii::trimmed(value.substr(0, value.find(';'))),
                                      "application/json");
}

/// A call as the log tells of it.
struct Call {
    explicit Call(const Request& request)
        : who("actor=" + request.actor + " role=" + std::string{to_string(request.role)} +
              " transport=" + std::string{name_of(request.transport)})
        , method(request.method.substr(0, max_method))
        , path(request.path) {}

    /// @param status  0: the call was cut, nobody knows what came of it.
    [[nodiscard]] std::string line(unsigned status, std::string_view about,
                                   std::string_view request_id) const {
        std::string out = "admin: " + who + " method=" + method + " path=" + told_path(status);
        if (!about.empty()) out.append(" about=").append(about);
        out += " status=" + (status == 0 ? "unknown" : std::to_string(status));
        if (!request_id.empty()) out.append(" request_id=").append(request_id);
        return out;
    }

    static constexpr std::size_t max_method = 16;
    static constexpr std::size_t max_path = 200;

    std::string who;
    std::string method;
    std::string path;

  private:
    /// Most refusals come before anybody looks for the thing, or because it is not there.
    static bool is_found(unsigned status) {
        constexpr unsigned conflict = 409;
        constexpr unsigned precondition_failed = 412;
        return status < 300 || status == conflict || status == precondition_failed;
    }

    /// Where nobody has found such a thing its name may be a key itself, taken for an id: then only
    /// the begin of it is told.
    [[nodiscard]] std::string told_path(unsigned status) const {
        constexpr std::size_t shown = 8;
        std::string out;
        for (std::size_t at = 0; at < path.size() && out.size() < max_path;) {
            const std::size_t end = std::min(path.find('/', at + 1), path.size());
            const std::string_view segment = std::string_view{path}.substr(at, end - at);
            const bool is_cut = !is_found(status) && segment.size() > shown + 1 && at > 0 &&
                                out != "/admin" && out != "/admin/v1";
            out.append(is_cut ? segment.substr(0, shown + 1) : segment);
            if (is_cut) out += "...";
            at = end;
        }
        if (out.size() <= max_path) return out;
        out.resize(max_path);
        return out + "...";
    }
};

std::string_view request_id_of(const Response& response) {
    for (const auto& [name, value] : response.headers)
        if (name == "X-Request-Id") return value;
    return {};
}

constexpr std::chrono::seconds refusals_pause{1};

} // namespace

Result<Secret> read_token(const std::string& file) {
    return config::read_secret_file(file, "token", min_length);
}

Result<Secret> read_or_make_token(const std::string& file) {
    auto token = read_token(file);
    if (token || token.error().error != boost::system::errc::no_such_file_or_directory)
        return token;
    const auto made = config::make_secret_file(file, "token", random_token());
    if (!made) return made.error();
    return read_token(file);
}

bool may(Role role, Role needed) {
    return role >= needed;
}

Problem role_too_low(Role needed) {
    return {403, "FORBIDDEN", "role_too_low",
            "this call needs a token with the role " + std::string{to_string(needed)}};
}

Result<Access> read_access(const std::optional<config::Admin>& admin) {
    Access access{.tokens = {}, .hosts = {"localhost", "127.0.0.1", "[::1]"}};
    if (!admin) return access;
    if (admin->address) {
        const std::string& host = admin->address->host;
        const bool is_v6 = host.find(':') != std::string::npos;
        access.hosts.push_back(is_v6 ? "[" + host + "]" : host);
    }
    access.hosts.insert(access.hosts.end(), admin->hosts.begin(), admin->hosts.end());
    for (const config::AdminToken& token : admin->tokens) {
        const auto digest = keys::digest_from_text(token.digest);
        if (!digest) return invalid("read the digest of the token " + token.name);
        access.tokens.push_back({token.name, token.role, *digest});
    }
    if (!admin->token_file) return access;
    const auto token = read_or_make_token(*admin->token_file);
    if (!token) return token.error();
    const keys::Digest digest = keys::digest_of(token->reveal());
    for (const KnownToken& other : access.tokens)
        if (other.digest == digest)
            return invalid("read token file " + *admin->token_file +
                           " (its token is also the token `" + other.name + "`)");
    access.tokens.push_back({"token_file", Role::admin, digest});
    return access;
}

Guard::Guard(Handler next, Access access, const Clock& clock, Log log)
    : next_(std::move(next))
    , access_(std::move(access))
    , clock_(clock)
    , log_(std::move(log)) {}

Guard::~Guard() {
    tell_refusals();
}

asio::awaitable<Response> Guard::handle(Request request) {
    ++requests_;
    const Transport transport = request.transport;
    const auto entry = let_in(request);
    if (!entry) {
        note_refusal(entry.error(), transport);
        co_return to_response(entry.error(), new_request_id());
    }
    if (untold_ != 0 && clock_.now().steady - *told_ >= refusals_pause) tell_refusals();
    std::optional<Call> call;
    if (!request.is_read()) call.emplace(request);
    Response response;
    if (!request.body.empty() && !is_json(request.content_types)) {
        response = to_response({415, "UNSUPPORTED_MEDIA_TYPE", "content_type_invalid",
                                "`Content-Type`: must be application/json"},
                               new_request_id());
    } else {
        auto waiting = next_(std::move(request));
        try {
            response = co_await std::move(waiting);
        } catch (...) {
            if (call) log_(call->line(0, {}, {}));
            throw;
        }
    }
    if (call) log_(call->line(response.status, response.about, request_id_of(response)));
    co_return response;
}

Checked<void> Guard::let_in(Request& request) const {
    const bool is_local = request.transport == Transport::local;
    if (!is_local && !is_known_host(request))
        return Problem{421, "MISDIRECTED", "host_invalid",
                       "`Host`: must be the admin address, localhost, or one of admin.hosts"};
    const auto& authorizations = request.authorizations;
    if (authorizations.empty()) {
        if (!is_local)
            return unauthorized("token_missing", "`Authorization: Bearer <token>` is missing");
        request.role = Role::admin;
        request.actor = local_actor;
        return {};
    }
    if (authorizations.size() > 1)
        return unauthorized("token_invalid", "`Authorization`: written twice");
    constexpr std::string_view scheme = "Bearer ";
    const std::string_view value = authorizations.front();
    const KnownToken* const token =
        ascii::equal_ignoring_case(value.substr(0, scheme.size()), scheme)
            ? find_token(value.substr(scheme.size()))
            : nullptr;
    if (token == nullptr) return unauthorized("token_invalid", "the admin token is not valid");
    request.role = token->role;
    request.actor = token->name;
    return {};
}

bool Guard::is_known_host(const Request& request) const {
    if (request.hosts.size() != 1) return false;
    const std::string_view host = without_port(request.hosts.front());
    return std::any_of(access_.hosts.begin(), access_.hosts.end(), [&](const std::string& known) {
        return ascii::equal_ignoring_case(known, host);
    });
}

/// How long it takes says nothing of which token it was, or how much of it was right: digests of
/// what was presented tell nothing of what would have been right.
const KnownToken* Guard::find_token(std::string_view presented) const {
    // Too short to be one, whatever digest was configured.
    if (presented.size() < min_length || presented.size() > max_length) return nullptr;
    const keys::Digest digest = keys::digest_of(presented);
    const KnownToken* found = nullptr;
    for (const KnownToken& token : access_.tokens)
        if (CRYPTO_memcmp(token.digest.bytes.data(), digest.bytes.data(), digest.bytes.size()) == 0)
            found = &token;
    return found;
}

void Guard::note_refusal(const Problem& problem, Transport transport) {
    ++refused_;
    ++untold_;
    last_refusal_ = problem.reason + " over " + std::string{name_of(transport)};
    if (!told_ || clock_.now().steady - *told_ >= refusals_pause) tell_refusals();
}

void Guard::tell_refusals() {
    if (untold_ == 0) return;
    log_("admin: " + std::to_string(untold_) + (untold_ == 1 ? " call was" : " calls were") +
         " not let in; the last: " + last_refusal_);
    untold_ = 0;
    told_ = clock_.now().steady;
}

} // namespace keygate::admin
