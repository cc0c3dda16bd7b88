#include "keys/redis_records.hpp"

#include "base/ascii.hpp"
#include "keys/texts.hpp"
#include "redis/error.hpp"
#include "redis/sha1.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace keygate::keys {
namespace {

constexpr std::string_view version = "1";
constexpr std::string_view none = "{}";

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

/// A field's name, if it can stand in a log.
std::string shown(std::string_view field) {
    const bool is_plain =
        !field.empty() && field.size() <= 64 && std::all_of(field.begin(), field.end(), [](char c) {
            return ascii::is_alnum(c) || c == '_' || c == '-' || c == '.';
        });
    return is_plain ? "`" + std::string{field} + "`" : "a strange name";
}

bool is_object(std::string_view text) {
    boost::json::error_code error;
    return boost::json::parse(boost::json::string_view{text.data(), text.size()}, error)
               .is_object() &&
           !error;
}

constexpr std::size_t most_fields = 64;

/// In bytes: what is kept of records has a bound.
std::size_t longest(std::string_view field) {
    constexpr std::array<std::string_view, 7> lists{
        "metadata", "attributes", "scopes", "addresses", "referrers", "endpoints", "bind"};
    const bool is_list = std::find(lists.begin(), lists.end(), field) != lists.end();
    const bool is_limit = field == "rate" || field == "quota";
    return is_list ? std::size_t{64} * 1024 : is_limit ? 4096 : 1024;
}

/// Takes a hash apart; the first complaint is the reason.
class Reader {
  public:
    explicit Reader(const redis::Reply& reply) { take(reply); }

    /// The value, unless the field is absent.
    const std::string_view* get(std::string_view field) const {
        const auto found = std::find_if(fields_.begin(), fields_.end(),
                                        [&](const auto& each) { return each.first == field; });
        return found == fields_.end() ? nullptr : &found->second;
    }

    void version_is_known() {
        const auto* const found = get("v");
        if (found == nullptr)
            complain("has no `v`");
        else if (*found != version)
            complain("has another version `v` than 1");
    }

    void required(std::string_view field, std::string& to) {
        text(field, to);
        if (to.empty()) complain("has no " + shown(field));
    }

    void text(std::string_view field, std::string& to) {
        if (const auto* const found = get(field)) to = *found;
    }

    void text(std::string_view field, std::optional<std::string>& to) {
        const auto* const found = get(field);
        if (found == nullptr) return;
        to = *found;
        if (found->empty()) complain("has an empty " + shown(field));
    }

    /// A word of few, or a time; absent is fine.
    template <class T, class From> bool value(std::string_view field, T& to, From from) {
        const auto* const found = get(field);
        if (found == nullptr) return false;
        if (const auto read = from(*found))
            to = *read;
        else
            complain("has a " + shown(field) + " that is none");
        return true;
    }

    /// A text that says nothing is no text: whoever wrote it meant something.
    void unless_empty(std::string_view field, std::string& to) {
        text(field, to);
        if (get(field) != nullptr && to.empty()) complain("has an empty " + shown(field));
    }

    void list(std::string_view field, std::vector<std::string>& to) {
        const auto* const found = get(field);
        if (found == nullptr) return;
        if (auto read = texts_from(*found))
            to = std::move(*read);
        else
            complain("has a " + shown(field) + " that is no JSON array of texts");
    }

    void map(std::string_view field, TextMap& to) {
        const auto* const found = get(field);
        if (found == nullptr) return;
        if (auto read = text_map_from(*found))
            to = std::move(*read);
        else
            complain("has a " + shown(field) + " that is no JSON object of texts");
    }

    void object(std::string_view field, std::string& to) {
        const auto* const found = get(field);
        if (found == nullptr) return;
        if (is_object(*found))
            to = *found;
        else
            complain("has a " + shown(field) + " that is no JSON object");
    }

    template <class Known> void only(const Known& known) {
        for (const auto& [field, value] : fields_)
            if (std::find(std::begin(known), std::end(known), field) == std::end(known))
                complain("has a field that is unknown: " + shown(field));
    }

    void complain(std::string why) {
        if (why_.empty()) why_ = std::move(why);
    }

    [[nodiscard]] const std::string& why() const { return why_; }

  private:
    void take(const redis::Reply& reply) {
        using Kind = redis::Reply::Kind;
        if (reply.is(Kind::error)) return complain("is not a hash");
        if (!reply.is(Kind::list) || reply.list.size() % 2 != 0)
            return complain("is not a list of fields and values");
        if (reply.list.size() > 2 * most_fields) return complain("has too many fields");
        for (std::size_t i = 0; i < reply.list.size(); i += 2) {
            if (!reply.list[i].is(Kind::text) || !reply.list[i + 1].is(Kind::text))
                return complain("is not a list of fields and values");
            const std::string_view field = reply.list[i].text;
            if (get(field) != nullptr) complain("has the field " + shown(field) + " twice");
            if (reply.list[i + 1].text.size() > longest(field))
                complain("has a " + shown(field) + " that is too long");
            fields_.emplace_back(field, reply.list[i + 1].text);
        }
    }

    Fields fields_; // few: looked through one by one
    std::string why_;
};

constexpr std::array<std::string_view, 25> key_fields{
    "v",         "id",         "api",           "owner", "status",     "mode",       "plan",
    "scopes",    "name",       "prefix",        "hint",  "created_at", "expires_at", "owner_record",
    "pepper",    "rotated_to", "metadata",      "rate",  "quota",      "addresses",  "referrers",
    "endpoints", "bind",       "secret_digest", "sealed"};
constexpr std::array<std::string_view, 5> owner_fields{"v", "name", "plan", "status", "attributes"};

bool is_api(std::string_view name) {
    return !name.empty() && name.find(':') == std::string_view::npos;
}

std::vector<std::string> split(std::string_view words) {
    std::vector<std::string> list;
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(' '), words.size());
        if (end > 0) list.emplace_back(words.substr(0, end));
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return list;
}

KeyRecord read_key(Reader& in, const Digest& digest) {
    KeyRecord key;
    key.digest = digest;
    in.version_is_known();
    in.required("id", key.id);
    in.required("api", key.api);
    if (!is_api(key.api)) in.complain("has an `api` that is no name");
    in.required("owner", key.owner);
    if (!in.value("status", key.status, key_status_from)) in.complain("has no `status`");
    in.value("mode", key.mode, mode_from);
    in.text("plan", key.plan);
    if (const auto* const scopes = in.get("scopes")) key.scopes = split(*scopes);
    in.text("name", key.name);
    in.text("prefix", key.prefix);
    in.text("hint", key.hint);
    in.value("created_at", key.created_at, time_from);
    // Damaged, it is shown as one that has ended.
    if (in.get("expires_at") != nullptr)
        in.value("expires_at", key.expires_at.emplace(), time_from);
    in.value("owner_record", key.owner_record_required,
             [](std::string_view text) -> std::optional<bool> {
                 if (text != "required") return std::nullopt;
                 return true;
             });
    in.text("pepper", key.pepper);
    in.text("rotated_to", key.rotated_to);
    in.object("metadata", key.metadata);
    in.text("rate", key.rate);
    in.text("quota", key.quota);
    in.list("addresses", key.addresses);
    in.list("referrers", key.referrers);
    in.list("endpoints", key.endpoints);
    in.map("bind", key.bind);
    if (in.get("secret_digest") != nullptr)
        in.value("secret_digest", key.secret_digest.emplace(), digest_from_hex);
    in.unless_empty("sealed", key.sealed);
    in.only(key_fields);
    return key;
}

OwnerRecord read_owner(Reader& in, const OwnerName& name) {
    OwnerRecord owner;
    owner.api = name.api;
    owner.id = name.id;
    in.version_is_known();
    in.text("name", owner.name);
    in.text("plan", owner.plan);
    if (!in.value("status", owner.status, owner_status_from)) in.complain("has no `status`");
    in.object("attributes", owner.attributes);
    in.only(owner_fields);
    return owner;
}

bool is_absent(const redis::Reply& reply) {
    return reply.is(redis::Reply::Kind::list) && reply.list.empty();
}

/// Gathers fields and their values.
class Writer {
  public:
    void add(std::string_view field, std::string value) {
        command_.emplace_back(field);
        command_.push_back(std::move(value));
    }

    void add(std::string_view field, const std::optional<std::string>& value) {
        if (value) add(field, *value);
    }

    void add_unless_empty(std::string_view field, const std::string& value) {
        if (!value.empty()) add(field, value);
    }

    template <class Texts> void add_json_unless_empty(std::string_view field, const Texts& texts) {
        if (!texts.empty()) add(field, json_of(texts));
    }

    /// What was written, as HGETALL would tell it.
    [[nodiscard]] redis::Reply as_reply() const {
        redis::Reply reply;
        reply.kind = redis::Reply::Kind::list;
        for (const std::string& word : command_) {
            reply.list.emplace_back();
            reply.list.back().kind = redis::Reply::Kind::text;
            reply.list.back().text = word;
        }
        return reply;
    }

    redis::Command command_;
};

Fault not_writable(const std::string& what) {
    return {make_error_code(boost::system::errc::invalid_argument),
            what + " has members that could not be read back"};
}

} // namespace

std::string key_name(const Digest& digest) {
    return std::string{redis_key_prefix} + to_hex(digest);
}

std::string record_mark(const redis::Reply& hgetall) {
    std::string all;
    for (const redis::Reply& one : hgetall.list)
        all.append(std::to_string(one.text.size())).append(":").append(one.text);
    return redis::sha1_of(all);
}

std::string owner_name(const OwnerName& owner) {
    return std::string{redis_owner_prefix} + owner.api + ':' + owner.id;
}

std::optional<Digest> digest_in(std::string_view redis_key) {
    if (!redis_key.starts_with(redis_key_prefix)) return std::nullopt;
    return digest_from_hex(redis_key.substr(redis_key_prefix.size()));
}

std::optional<OwnerName> owner_in(std::string_view redis_key) {
    if (!redis_key.starts_with(redis_owner_prefix)) return std::nullopt;
    redis_key.remove_prefix(redis_owner_prefix.size());
    const std::size_t colon = redis_key.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == redis_key.size())
        return std::nullopt;
    return OwnerName{std::string{redis_key.substr(0, colon)},
                     std::string{redis_key.substr(colon + 1)}};
}

ReadKey read_key_record(const Digest& digest, const redis::Reply& hgetall) {
    if (is_absent(hgetall)) return std::monostate{};
    Reader in{hgetall};
    KeyRecord key = read_key(in, digest);
    if (!in.why().empty()) return Unreadable{in.why()};
    return key;
}

ReadOwner read_owner_record(const OwnerName& name, const redis::Reply& hgetall) {
    if (is_absent(hgetall)) return std::monostate{};
    Reader in{hgetall};
    OwnerRecord owner = read_owner(in, name);
    if (!in.why().empty()) return Unreadable{in.why()};
    return owner;
}

KeyRecord damaged_key_record(const Digest& digest, const redis::Reply& hgetall) {
    Reader in{hgetall};
    KeyRecord key = read_key(in, digest);
    key.readable = false;
    return key;
}

OwnerRecord damaged_owner_record(const OwnerName& name, const redis::Reply& hgetall) {
    Reader in{hgetall};
    OwnerRecord owner = read_owner(in, name);
    owner.readable = false;
    return owner;
}

Result<redis::Command> fields_of(const KeyRecord& key) {
    Writer out;
    out.add("v", std::string{version});
    out.add("id", key.id);
    out.add("api", key.api);
    out.add("owner", key.owner);
    out.add("status", std::string{to_string(key.status)});
    out.add("mode", std::string{to_string(key.mode)});
    out.add("plan", key.plan);
    if (key.scopes) {
        std::string words;
        for (std::size_t i = 0; i < key.scopes->size(); ++i)
            words.append(i > 0 ? " " : "").append((*key.scopes)[i]);
        out.add("scopes", std::move(words));
    }
    out.add_unless_empty("name", key.name);
    out.add_unless_empty("prefix", key.prefix);
    out.add_unless_empty("hint", key.hint);
    if (key.created_at != Time{}) out.add("created_at", to_text(key.created_at));
    if (key.expires_at) out.add("expires_at", to_text(*key.expires_at));
    if (key.owner_record_required) out.add("owner_record", std::string{"required"});
    out.add_unless_empty("pepper", key.pepper);
    out.add("rotated_to", key.rotated_to);
    if (key.metadata != none) out.add("metadata", key.metadata);
    out.add_unless_empty("rate", key.rate);
    out.add_unless_empty("quota", key.quota);
    out.add_json_unless_empty("addresses", key.addresses);
    out.add_json_unless_empty("referrers", key.referrers);
    out.add_json_unless_empty("endpoints", key.endpoints);
    out.add_json_unless_empty("bind", key.bind);
    if (key.secret_digest) out.add("secret_digest", to_hex(*key.secret_digest));
    out.add_unless_empty("sealed", key.sealed);

    const auto read = read_key_record(key.digest, out.as_reply());
    const auto* const same = std::get_if<KeyRecord>(&read);
    if (same == nullptr || *same != key) return not_writable("key " + key.id);
    return std::move(out.command_);
}

Result<redis::Command> fields_of(const OwnerRecord& owner) {
    Writer out;
    out.add("v", std::string{version});
    out.add_unless_empty("name", owner.name);
    out.add("plan", owner.plan);
    out.add("status", std::string{to_string(owner.status)});
    if (owner.attributes != none) out.add("attributes", owner.attributes);

    const OwnerName name{owner.api, owner.id};
    const auto read = read_owner_record(name, out.as_reply());
    const auto* const same = std::get_if<OwnerRecord>(&read);
    if (same == nullptr || *same != owner || owner_in(owner_name(name)) != name)
        return not_writable("owner " + owner.id);
    return std::move(out.command_);
}

} // namespace keygate::keys
