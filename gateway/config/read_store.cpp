#include "config/read_store.hpp"

#include "config/expand.hpp"
#include "config/paths.hpp"
#include "config/read_tls.hpp"
#include "config/redis_url.hpp"
#include "config/scalars.hpp"

#include <algorithm>

#include <sys/un.h>

namespace keygate::config {

namespace {

constexpr std::string_view a_path = "a path";
constexpr std::string_view a_url = "a URL such as redis://127.0.0.1:6379/0";
constexpr std::string_view from_elsewhere =
    "a password does not stand in the configuration: it comes from a variable, "
    "`password: \"${REDIS_PASSWORD}\"`, or from a file, `password_file`";

/// A URL as messages show it.
std::string seen_url(const View& view) {
    const Node& node = view.node();
    if (!view.is_scalar() || node.text.empty()) return view.seen();
    if (node.written.empty()) return quoted(without_credentials(node.text));
    // Only what stands in the file beside its variables could give something away.
    const std::string shown =
        in_clear(node.written).empty() ? node.written : without_credentials(node.written);
    return "what " + quoted(shown) + " holds";
}

/// May the password of this URL stand where it is written? `in_file` is the URL without what its
/// variables hold: its password must be gone with them.
bool is_password_hidden(std::string_view in_file) {
    const std::size_t scheme = in_file.find("://");
    if (scheme != std::string_view::npos) in_file.remove_prefix(scheme + 3);
    const std::size_t at = in_file.rfind('@');
    const std::string_view userinfo = in_file.substr(0, at);
    if (userinfo.empty() || userinfo.find(':') == userinfo.size() - 1) return true;
    return at == std::string_view::npos && userinfo.find(':') == std::string_view::npos;
}

void read_url(const View& view, std::string_view folder, Redis& out) {
    const auto refuse = [&](const std::string& wrong) {
        view.complain("found " + seen_url(view) + "; " + wrong);
    };
    const std::string& text = view.node().text;
    if (view.node().broken) return;
    if (!view.is_scalar() || text.empty()) return refuse("expected " + std::string{a_url});
    Judged<RedisUrl> judged = parse_redis_url(text);
    if (!judged.value) return refuse(judged.wrong);
    RedisUrl& url = *judged.value;
    const std::string& written = view.node().written;
    if (!url.password.empty() && (written.empty() || !is_password_hidden(in_clear(written))))
        return refuse(std::string{from_elsewhere} + ", or with the whole URL from a variable");
    out.transport = url.transport;
    out.host = std::move(url.host);
    out.port = url.port;
    out.database = url.database;
    out.is_user_hidden = !url.user.empty() && !written.empty();
    out.user = std::move(url.user);
    if (!url.password.empty())
        out.password = std::make_shared<const Secret>(std::move(url.password));
    if (!url.path.empty()) out.path = below(folder, url.path);
    if (out.path.size() >= sizeof(sockaddr_un::sun_path))
        view.complain("a socket's path has at most 107 bytes; this one has " +
                      std::to_string(out.path.size()) + ", with the folder of the configuration");
    out.url = redis_url_text(out);
}

void read_user(const std::optional<View>& view, Redis& out) {
    static constexpr std::string_view expected = "a user of 1 to 128 visible characters";
    if (!view) return;
    std::string user;
    read_text(view, user, expected);
    const auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
    if (user.size() > 128 || !std::all_of(user.begin(), user.end(), is_visible))
        return view->refuse(expected);
    if (!out.user.empty()) return view->complain_of_name("the URL names a user as well");
    out.user = std::move(user);
}

void read_password(const View& view, Redis& out) {
    // Whoever wrote a password here learns where it belongs, and it is not repeated.
    const Node& node = view.node();
    if (view.is_scalar() && (node.written.empty() || !in_clear(node.written).empty()))
        return view.complain(std::string{from_elsewhere});
    const std::string* text = view.text("a password");
    if (!text) return;
    if (out.password) return view.complain_of_name("the URL has a password as well");
    out.password = std::make_shared<const Secret>(std::string{*text});
}

void read_password_file(const View& view, std::string_view folder, Redis& out) {
    std::string file;
    read_text(view, file, a_path);
    if (out.password)
        view.complain_of_name("there is a password already; expected one of: `password`, "
                              "`password_file`, a URL with a password");
    else if (!file.empty())
        out.password_file = below(folder, file);
}

void read_credentials(const View& section, Fields& fields, std::string_view folder, Redis& out) {
    const auto user = fields.take("user");
    const auto password = fields.take("password");
    const auto file = fields.take("password_file");
    read_user(user, out);
    if (password) read_password(*password, out);
    if (file && password)
        file->complain_of_name("`password` is there already; expected one of them");
    else if (file)
        read_password_file(*file, folder, out);
    if (out.user.empty() || out.password || password || file) return;
    const std::string without = "a user without a password: expected `password`, `password_file`, "
                                "or both in the URL";
    if (user)
        user->complain_of_name(without);
    else
        section.complain_of_name("the URL names " + without);
}

void read_tls(const std::optional<View>& view, std::string_view folder, RedisTls& out) {
    if (!view) return;
    Fields fields{*view};
    read_path(fields.take("ca"), folder, out.ca);
    read_certificate(fields, folder, out.certificate, out.private_key);
    read_server_name(fields.take("server_name"), out.server_name);
    fields.done();
}

void read_client_name(const std::optional<View>& view, std::string& out) {
    static constexpr std::string_view expected = "1 to 64 letters, digits, `.`, `_` or `-`";
    if (!view) return;
    const std::string* text = view->text(expected);
    if (!text) return;
    if (is_plain_name(*text))
        out = *text;
    else
        view->refuse(expected);
}

void read_redis(const View& view, std::string_view folder, Redis& out) {
    if (!view.is_map()) { // the short form
        read_url(view, folder, out);
        if (!out.user.empty() && !out.password)
            view.complain_of_name("the URL names a user without a password");
        return;
    }
    Fields fields{view};
    const auto url = fields.need("url");
    if (url) read_url(*url, folder, out);
    read_credentials(url ? *url : view, fields, folder, out);
    const auto tls = fields.take("tls");
    read_tls(tls, folder, out.tls);
    // Of a URL that is not understood nobody knows what it would have been.
    if (tls && !out.url.empty() && out.transport != RedisTransport::tls)
        tls->complain_of_name("belongs to a URL with rediss://");
    read_client_name(fields.take("client_name"), out.client_name);
    read_duration(fields.take("timeout"), out.timeout, milliseconds{5}, seconds{1});
    read_duration(fields.take("command_timeout"), out.command_timeout, milliseconds{100},
                  seconds{60});
    read_number(fields.take("max_keys"), out.max_keys, 1'000, 100'000'000);
    read_number(fields.take("max_unknown"), out.max_unknown, 100, 10'000'000);
    fields.done();
}

void read_bound(const View& view, milliseconds& out) {
    static constexpr std::string_view expected =
        "0, or a duration from 20ms to 1m with its unit (ms, s, m, h, d)";
    const std::string* text = view.text(expected);
    if (!text) return;
    const auto bound = *text == "0" ? std::optional{milliseconds{0}} : parse_duration(*text);
    const bool is_allowed = bound && (*bound == milliseconds{0} ||
                                      (*bound >= milliseconds{20} && *bound <= seconds{60}));
    if (is_allowed)
        out = *bound;
    else
        view.refuse(expected);
}

} // namespace

void read_store(const std::optional<View>& view, const std::string& file, Store& out) {
    out.file = default_store(file);
    if (!view) return;
    const std::string folder = folder_of(file);
    Fields fields{*view};
    const auto path = fields.take("file");
    const auto redis = fields.take("redis");
    const auto bound = fields.take("revocation_bound");
    const auto stale = fields.take("stale_while_down");
    const auto writers = fields.take("external_writers");
    fields.done();

    std::string written;
    read_text(path, written, a_path);
    if (!written.empty()) out.file = below(folder, written);
    if (bound) read_bound(*bound, out.revocation_bound);
    read_duration(stale, out.stale_while_down, milliseconds{0}, std::chrono::hours{24});
    read_flag(writers, out.external_writers);
    if (redis) {
        read_redis(*redis, folder, out.redis.emplace());
        out.file.clear();
        if (path) path->complain_of_name("keys are kept in a file or in `redis`, not in both");
        return;
    }
    for (const auto& only : {bound, stale, writers})
        if (only)
            only->complain_of_name("belongs to `store.redis`: the embedded file has one writer, "
                                   "whose changes count at once");
}

} // namespace keygate::config
