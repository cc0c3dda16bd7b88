#include "admin/import_api.hpp"

#include "admin/json.hpp"
#include "admin/new_key.hpp"
#include "admin/owner_room.hpp"
#include "admin/plan_rules.hpp"
#include "admin/replies.hpp"
#include "admin/write.hpp"
#include "keys/format.hpp"
#include "keys/owner_keys.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace asio = boost::asio;
namespace json = boost::json;

namespace keygate::admin {

namespace {

/// One row of an import that cannot be taken.
struct RowMistake {
    std::size_t row;
    Problem problem;
};

struct ImportRows {
    std::vector<NewKey> keys;
    std::vector<std::size_t> rows; // where each key stood
    std::vector<RowMistake> mistakes;
};

std::string row_prefix(std::size_t row) {
    return "keys[" + std::to_string(row) + "].";
}

/// The member that says what a key is found by.
const char* digest_member(const keys::KeyRecord& key) {
    return key.secret_digest ? "prefix" : "digest";
}

ImportRows read_rows(const json::array& rows, const Context& context) {
    ImportRows read;
    std::map<std::string, std::size_t> ids;
    std::map<std::array<unsigned char, 32>, std::size_t> digests;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto prefix = row_prefix(row);
        const auto refuse = [&](Problem problem) {
            read.mistakes.push_back({row, std::move(problem)});
        };
        const auto* body = rows[row].if_object();
        if (body == nullptr) {
            refuse(unprocessable("keys[" + std::to_string(row) + "]", "must be an object"));
            continue;
        }
        auto key = read_new_key(*body, context.catalog, context.now(), prefix);
        if (!key) {
            refuse(key.error());
            continue;
        }
        if (!key->has_digest) {
            refuse(unprocessable(prefix + "digest", "missing", "member_missing"));
            continue;
        }
        if (key->replaces_all) {
            refuse(unprocessable(prefix + "regenerate", "not in an import"));
            continue;
        }
        if (key->record.id.empty()) key->record.id = keys::mint_id();
        const auto [same_id, is_new_id] = ids.emplace(key->record.id, row);
        const auto [same_digest, is_new_digest] = digests.emplace(key->record.digest.bytes, row);
        if (!is_new_id || !is_new_digest) {
            const bool by_id = !is_new_id;
            const auto first = by_id ? same_id->second : same_digest->second;
            refuse(unprocessable(prefix + (by_id ? "id" : digest_member(key->record)),
                                 "the same as in keys[" + std::to_string(first) + "]"));
            continue;
        }
        read.keys.push_back(std::move(*key));
        read.rows.push_back(row);
    }
    return read;
}

/// Owners, plans and what exists already.
Checked<void> judge_row(NewKey& key, const PlanFacts& facts, const std::string& prefix,
                        keys::KeyStore& store) {
    const auto owner = owner_of(store, key.record);
    if (!owner) return owner.error();
    const auto* record = *owner ? &**owner : nullptr;
    if (auto judged = judge_owner(key, record, facts, prefix); !judged) return judged;
    const auto known = store.find_same(key.record);
    if (!known) return store_problem(known.error());
    if (!*known) return {};
    const bool by_id = **known == key.record.id;
    auto problem = unprocessable(prefix + (by_id ? "id" : digest_member(key.record)),
                                 "exists already", "conflict");
    problem.status = 409;
    problem.code = "CONFLICT";
    return problem;
}

Response import_reply(std::size_t imported, const std::vector<RowMistake>& mistakes, bool is_dry) {
    json::object body;
    body["object"] = "import";
    body["imported"] = imported;
    if (is_dry) {
        json::array list;
        for (const auto& mistake : mistakes)
            list.push_back(json::object{{"row", mistake.row},
                                        {"reason", mistake.problem.reason},
                                        {"message", mistake.problem.message}});
        body["dry_run"] = true;
        body["mistakes"] = std::move(list);
    }
    return reply(200, body);
}

/// What of one API an import needs.
struct ApiFacts {
    PlanFacts plans;
    OwnerRoom room;
};

/// The whole import on the store's thread.
struct Import {
    ImportRows rows;
    std::map<std::string, ApiFacts> facts; // by API
    bool is_dry = false;

    Checked<Decided> operator()(keys::KeyStore& store) {
        auto mistakes = rows.mistakes;
        Decided decided;
        std::map<keys::OwnerName, std::size_t> taken; // room, by the rows before
        for (std::size_t i = 0; i < rows.keys.size(); ++i) {
            NewKey key = rows.keys[i];
            const ApiFacts& api = facts[key.record.api];
            auto judged = judge_row(key, api.plans, row_prefix(rows.rows[i]), store);
            std::size_t& before = taken[{key.record.api, key.record.owner}];
            // Last: of a key that is there already that is what is to be said.
            if (judged) judged = has_room(key, api.room, row_prefix(rows.rows[i]), store, before);
            if (judged && keys::counts_for_owner(key.record, api.room.now)) ++before;
            if (!judged && judged.error().status >= 500) return judged.error();
            if (!judged) mistakes.push_back({rows.rows[i], judged.error()});
            decided.change.insert.push_back(std::move(key.record));
        }
        std::sort(mistakes.begin(), mistakes.end(),
                  [](const RowMistake& a, const RowMistake& b) { return a.row < b.row; });
        if (!is_dry && !mistakes.empty()) return first_of(mistakes);
        const std::size_t imported = is_dry ? 0 : decided.change.insert.size();
        decided.response = import_reply(imported, mistakes, is_dry);
        return decided;
    }

    /// @param before  keys of the same owner in rows before.
    static Checked<void> has_room(const NewKey& key, const OwnerRoom& room,
                                  const std::string& prefix, keys::KeyStore& store,
                                  std::size_t before) {
        const auto judged = room.has_room_for(key.record, store, before);
        if (judged) return {};
        Problem problem = judged.error();
        if (problem.status < 500) problem.message = "`" + prefix + "owner`: " + problem.message;
        return problem;
    }

    static Problem first_of(const std::vector<RowMistake>& mistakes) {
        Problem problem = mistakes.front().problem;
        if (mistakes.size() > 1)
            problem.message +=
                "; and mistakes in " + std::to_string(mistakes.size() - 1) + " more rows";
        return problem;
    }
};

} // namespace

asio::awaitable<Checked<Response>> import_keys(const Context& context, std::string,
                                               Request request) {
    const auto is_dry = read_flag(request, "dry_run");
    if (!is_dry) co_return is_dry.error();
    const auto body = parse_object(request.body);
    if (!body) co_return body.error();
    const Members in(*body, "", {"keys"});
    if (in.problem()) co_return *in.problem();
    const auto* list = body->if_contains("keys");
    if (list == nullptr || !list->is_array() || list->get_array().empty() ||
        list->get_array().size() > max_import_rows)
        co_return unprocessable("keys", "must be a list of 1 to 1000 keys");

    Import work;
    work.rows = read_rows(list->get_array(), context);
    for (const auto& api : context.settings.apis)
        work.facts[api.name] = {plan_facts(context.settings, api.name),
                                {api.profile.max_keys_per_owner, context.now()}};
    work.is_dry = *is_dry;
    auto waiting = write(context, std::move(request), std::move(work));
    auto written = co_await std::move(waiting);
    if (!written) co_return written.error();
    co_return std::move(written->response);
}

} // namespace keygate::admin
