#include "config/read_admin.hpp"

#include "base/ascii.hpp"
#include "config/addresses.hpp"
#include "config/paths.hpp"

#include <algorithm>

#include <sys/un.h>

namespace keygate::config {

namespace {

constexpr std::array<Word<Role>, 3> roles{
    {{"viewer", Role::viewer}, {"operator", Role::key_operator}, {"admin", Role::admin}}};

/// Who the log names where no token of the list was used.
constexpr std::array<std::string_view, 2> other_actors{"token_file", "local"};

bool is_digest(std::string_view text) {
    constexpr std::string_view scheme = "sha256:";
    if (!text.starts_with(scheme)) return false;
    text.remove_prefix(scheme.size());
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return ascii::is_digit(c) || (c >= 'a' && c <= 'f');
           });
}

bool is_other_actor(std::string_view name) {
    return std::find(other_actors.begin(), other_actors.end(), name) != other_actors.end();
}

void read_name(const View& view, const std::vector<AdminToken>& others, std::string& out) {
    static constexpr std::string_view expected = "1 to 64 letters, digits, `.`, `_` or `-`";
    const std::string* text = view.text(expected);
    if (!text) return;
    const auto is_same = [&](const AdminToken& other) { return other.name == *text; };
    if (!is_plain_name(*text))
        view.refuse(expected);
    else if (is_other_actor(*text))
        view.complain(view.seen() + " is how the log names whoever uses no token of this list");
    else if (std::any_of(others.begin(), others.end(), is_same))
        view.complain(view.seen() + " is the name of another token");
    out = *text;
}

void read_digest(const View& view, const std::vector<AdminToken>& others, std::string& out) {
    static constexpr std::string_view expected =
        "`sha256:` and the 64 lower-case hexadecimal digits of the token's SHA-256";
    // A token itself may stand there by mistake: it is not repeated.
    if (!view.is_scalar() || !is_digest(view.node().text)) {
        view.complain("expected " + std::string{expected});
        return;
    }
    const auto is_same = [&](const AdminToken& other) { return other.digest == view.node().text; };
    if (std::any_of(others.begin(), others.end(), is_same))
        view.complain("is the digest of another token: nobody could tell who of them calls");
    out = view.node().text;
}

void read_tokens(const std::optional<View>& view, std::vector<AdminToken>& out) {
    static constexpr std::string_view expected =
        "a list such as [{name: ci, role: operator, digest: \"sha256:…\"}]";
    if (!view) return;
    for (const View& item : view->items(expected)) {
        Fields fields{item};
        AdminToken token;
        if (const auto name = fields.need("name")) read_name(*name, out, token.name);
        read_word(fields.need("role"), token.role, roles);
        if (const auto digest = fields.need("digest")) read_digest(*digest, out, token.digest);
        fields.done();
        out.push_back(std::move(token));
    }
    if (view->is_list() && view->node().items.empty())
        view->complain("lists no token; leave `tokens` out");
}

void read_hosts(const std::optional<View>& view, std::vector<std::string>& out) {
    if (!view) return;
    for (const View& item : view->items("a list of hosts such as [keygate.internal]")) {
        const std::string* text = item.text("a host such as keygate.internal");
        if (!text) continue;
        Judged<std::string> host = parse_host(*text);
        if (!host.value)
            item.complain("found " + item.seen() + "; " + host.wrong);
        else if (*text != ascii::lowered(*text))
            item.refuse("lower case");
        else if (std::find(out.begin(), out.end(), *host.value) != out.end())
            item.complain(item.seen() + " is listed twice");
        else
            out.push_back(std::move(*host.value));
    }
    if (view->is_list() && view->node().items.empty())
        view->complain("lists no host; leave `hosts` out");
}

} // namespace

std::string_view to_string(Role role) {
    const auto is_same = [&](const Word<Role>& word) { return word.second == role; };
    return std::find_if(roles.begin(), roles.end(), is_same)->first;
}

void read_admin_socket(const View& view, std::string_view folder, Admin& out) {
    const std::string_view path = std::string_view{view.node().text}.substr(5); // `unix:`
    if (path.empty() || path.ends_with('/')) return view.refuse("`unix:` and a file's path");
    out.socket = below(folder, path);
    if (out.socket.size() >= sizeof(sockaddr_un::sun_path))
        view.complain("a socket's path has at most 107 bytes; this one has " +
                      std::to_string(out.socket.size()) + ", with the folder of the configuration");
}

void read_admin_access(const View& section, Fields& fields, std::string_view folder, Admin& out) {
    const auto file = fields.take("token_file");
    const auto tokens = fields.take("tokens");
    const auto hosts = fields.take("hosts");
    std::string token_file;
    read_text(file, token_file, "a path");
    if (!token_file.empty()) out.token_file = below(folder, token_file);
    read_tokens(tokens, out.tokens);
    read_hosts(hosts, out.hosts);
    if (out.address && !file && !tokens)
        section.complain_of_name("`token_file` or `tokens` is missing: over TCP nobody is let in "
                                 "without a token");
    if (!out.socket.empty() && hosts)
        hosts->complain("has no meaning on a unix socket: `Host` is not looked at there");
}

} // namespace keygate::config
