#include "config/read_settings.hpp"

#include "config/addresses.hpp"
#include "config/paths.hpp"
#include "config/read_admin.hpp"
#include "config/read_api.hpp"
#include "config/read_endpoint.hpp"
#include "config/read_listeners.hpp"
#include "config/read_network.hpp"
#include "config/read_recoverable.hpp"
#include "config/read_store.hpp"
#include "config/scalars.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t tebibyte = 1ULL << 40U;
constexpr milliseconds hour{3'600'000};
constexpr std::string_view a_path = "a path";

void read_version(const std::optional<View>& view) {
    if (!view) return;
    const std::string* text = view->text("1, the only version there is");
    if (text && *text != "1") view->refuse("1, the only version there is");
}

void read_client(const std::optional<View>& view, ClientLimits& out) {
    if (!view) return;
    Fields fields{*view};
    read_number(fields.take("max_connections"), out.max_connections, 1, 1'000'000);
    if (const auto bound = fields.take("max_connections_per_address"))
        if (const auto number = number_in(*bound, 1, 1'000'000))
            out.max_connections_per_address = static_cast<std::uint32_t>(*number);
    read_size(fields.take("max_head"), out.max_head, kibibyte, 64 * kibibyte);
    read_number(fields.take("max_fields"), out.max_fields, 1, 100);
    const auto target = fields.take("max_target");
    read_size(target, out.max_target, 64, 64 * kibibyte);
    if (const auto body = fields.take("max_body")) out.max_body = size_in(*body, 0, tebibyte);
    read_duration(fields.take("head_timeout"), out.head_timeout, milliseconds{1}, hour);
    read_duration(fields.take("idle_timeout"), out.idle_timeout, milliseconds{1}, hour);
    read_duration(fields.take("body_timeout"), out.body_timeout, milliseconds{1}, hour);
    read_duration(fields.take("write_timeout"), out.write_timeout, milliseconds{1}, hour);
    static constexpr std::array<Word<Expect>, 2> expect_words{
        {{"forward", Expect::forward}, {"answer", Expect::answer}}};
    read_word(fields.take("expect"), out.expect, expect_words);
    fields.done();
    // A target is part of the head: a larger bound would never be the one that counts.
    if (out.max_target <= out.max_head) return;
    if (target)
        target->complain(target->seen() + " is more than `max_head`, which is " +
                         size_text(out.max_head));
    else
        out.max_target = out.max_head;
}

void read_peppers(const std::optional<View>& view, Settings& settings) {
    if (!view) return;
    for (const View& item : view->items("a list such as [{name: \"2026\", file: pepper-2026}]")) {
        Pepper pepper;
        pepper.place = item.place();
        Fields fields{item};
        const auto name = fields.need("name");
        read_text(name, pepper.name, "a name");
        if (name && !pepper.name.empty() && !is_plain_name(pepper.name))
            name->complain("a pepper's name has 1 to 64 letters, digits, `.`, `_` or `-`");
        const auto is_same = [&](const Pepper& other) { return other.name == pepper.name; };
        if (name && std::any_of(settings.peppers.begin(), settings.peppers.end(), is_same))
            name->complain(name->seen() + " is listed twice");
        std::string file;
        read_text(fields.need("file"), file, a_path);
        fields.done();
        pepper.file = below(folder_of(settings.file), file);
        settings.peppers.push_back(std::move(pepper));
    }
    if (settings.peppers.size() > most_peppers)
        view->complain("at most " + std::to_string(most_peppers) + " peppers are possible");
}

void read_admin(const std::optional<View>& view, Settings& settings, std::vector<Taken>& taken) {
    if (!view) return;
    Fields fields{*view};
    Admin admin;
    const std::string folder = folder_of(settings.file);
    const auto address = fields.need("address");
    if (address && address->is_scalar() && address->node().text.starts_with("unix:")) {
        read_admin_socket(*address, folder, admin);
    } else if (address) {
        admin.address = read_endpoint(address, taken);
        // Whoever reaches this address and has the token can make keys, and the token travels in
        // clear.
        if (admin.address && !is_loopback(*admin.address))
            address->refuse("a loopback address (127.0.0.1 or [::1]), or unix:PATH: the admin API "
                            "speaks no TLS");
    }
    read_admin_access(*view, fields, folder, admin);
    fields.later({"tls"});
    fields.done();
    settings.admin = std::move(admin);
}

void read_status(const std::optional<View>& view, Settings& settings, std::vector<Taken>& taken) {
    if (!view) return;
    Fields fields{*view};
    settings.status = read_endpoint(fields.need("address"), taken);
    fields.done();
}

void read_log(const std::optional<View>& view, Settings& settings) {
    static constexpr std::array<Word<std::string_view>, 4> levels{
        {{"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}}};
    if (!view) return;
    Fields fields{*view};
    std::string_view level = settings.log.level;
    read_word(fields.take("level"), level, levels);
    settings.log.level = std::string{level};
    std::string access = settings.log.access;
    read_text(fields.take("access"), access, "stdout, off or a file's path");
    const bool is_word = access == "stdout" || access == "off";
    settings.log.access = is_word ? access : below(folder_of(settings.file), access);
    fields.later({"format", "fields"});
    fields.done();
}

void read_drain(const std::optional<View>& view, Drain& out) {
    if (!view) return;
    Fields fields{*view};
    read_duration(fields.take("delay"), out.delay, milliseconds{0}, hour);
    read_duration(fields.take("timeout"), out.timeout, milliseconds{0}, hour);
    fields.done();
}

void read_identity(const std::optional<View>& view, Identity& out) {
    if (!view) return;
    Fields fields{*view};
    read_token(fields.take("prefix"), out.prefix);
    fields.done();
}

} // namespace

void read_settings(const Node& root, Profiles& profiles, Settings& settings, Report& report) {
    const View view{root, {}, root.place, report};
    Fields top{view};
    const std::string folder = folder_of(settings.file);
    std::vector<Taken> taken; // addresses, across all sections
    read_version(top.need("version"));
    read_number(top.take("threads"), settings.threads, 0, 256);
    read_listeners(top.need("listeners"), folder, settings.listeners, taken);
    read_networks(top.take("trusted_proxies"), "trusted_proxies", settings.forwarded.trusted);
    read_forwarded(top.take("forwarded"), settings.forwarded);
    read_word(top.take("proxy_status"), settings.proxy_status, proxy_status_words);
    read_dns(top.take("dns"), settings.dns);
    read_client(top.take("client"), settings.client);
    read_store(top.take("store"), settings.file, settings.store);
    read_peppers(top.take("peppers"), settings);
    read_admin(top.take("admin"), settings, taken);
    read_status(top.take("status"), settings, taken);
    read_log(top.take("log"), settings);
    read_drain(top.take("drain"), settings.drain);
    read_identity(top.take("identity"), settings.identity);
    read_token(top.take("via"), settings.via);
    read_apis(top.need("apis"), profiles, {folder, settings.identity.prefix}, settings.apis);
    place_key_files(folder, settings.apis);
    top.later({"include", "failed_auth", "limits"});
    top.done();
}

} // namespace keygate::config
