#include "config/read_replies.hpp"

#include "config/template.hpp"

namespace keygate::config {

namespace {

using Names = std::vector<std::string_view>;

/// The key that an answer is about.
constexpr std::array<std::string_view, 18> key_variables{
    "request_id",     "key.id",           "key.name",     "key.prefix",     "key.hint",
    "key.scopes",     "key.mode",         "key.livemode", "key.status",     "key.plan",
    "key.created_at", "key.expires_at",   "key.metadata", "key.rotated_to", "key.addresses",
    "key.referrers",  "key.last_used_at", "key.endpoints"};
/// Who owns it, and where it stands.
constexpr std::array<std::string_view, 15> caller_variables{
    "owner.id",         "owner.name",     "owner.plan",         "owner.status",
    "owner.attributes", "plan.name",      "owner.attributes.*", "meters.*.used",
    "meters.*.limit",   "gauges.*.used",  "meters.*.remaining", "meters.*.resets_at",
    "gauges.*.limit",   "requests.total", "requests.month"};
constexpr std::array<std::string_view, 4> list_variables{"keys", "has_more", "next_cursor",
                                                         "request_id"};

Names variables_of(Reply reply) {
    if (reply == Reply::list_keys) return {list_variables.begin(), list_variables.end()};
    Names names{key_variables.begin(), key_variables.end()};
    if (reply == Reply::create_key || reply == Reply::rotate_key) names.emplace_back("key.secret");
    if (reply == Reply::whoami)
        names.insert(names.end(), caller_variables.begin(), caller_variables.end());
    return names;
}

ReplyShape read_reply(const View& view, Reply reply) {
    ReplyShape shape;
    Fields fields{view};
    const auto status = fields.take("status");
    const auto body = fields.take("body");
    const auto key = reply == Reply::list_keys ? fields.need("key") : std::nullopt;
    fields.done();
    read_number(status, shape.status, 200, 299);
    // RFC 9110 15.3.6, 15.3.7: these say how a message is read.
    if (shape.status == 205 || shape.status == 206)
        status->refuse("another status from 200 to 299");
    if (body) shape.body = read_template(*body, variables_of(reply));
    if (key) shape.key = read_template(*key, key_variables);
    if (shape.status == 204 && body) body->complain("an answer with the status 204 has no body");
    if (shape.status != 204 && !body && view.is_map())
        view.complain_of_name("`body` is missing; without one the status is 204");
    return shape;
}

} // namespace

void read_replies(const View& view, EachReply each, Profile& profile) {
    std::array<bool, reply_count> is_there{};
    std::vector<std::string> names;
    for (const auto& [word, reply] : reply_words)
        names.emplace_back(word);
    for (const View::Member& member :
         view.members("a mapping such as {whoami: {body: {id: \"{key.id}\"}}}")) {
        bool is_known = false;
        for (const auto& [word, reply] : reply_words) {
            if (word != member.name) continue;
            is_known = is_there[static_cast<std::size_t>(reply)] = true;
            profile.replies[static_cast<std::size_t>(reply)] = read_reply(member.view, reply);
        }
        if (!is_known)
            member.view.complain_of_name("unknown answer " + quoted(member.name) + "; allowed: " +
                                         joined(names) + did_you_mean(member.name, names));
    }
    if (each == EachReply::optional || !view.is_map()) return;
    std::vector<std::string> missing;
    for (const auto& [word, reply] : reply_words)
        if (!is_there[static_cast<std::size_t>(reply)]) missing.emplace_back(word);
    if (!missing.empty())
        view.complain_of_name("every answer is needed; missing: " + joined(missing));
}

} // namespace keygate::config
