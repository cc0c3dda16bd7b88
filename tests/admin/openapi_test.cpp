#include "admin/openapi.hpp"
#include "support/operator.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

// The description and the calls say the same, in both directions. What answers look like is seen
// by tests/admin_api on a whole gateway.
namespace keygate::admin {
namespace {

namespace json = boost::json;
using test::World;
using Names = std::set<std::string>;

std::string text(json::string_view view) {
    return {view.data(), view.size()};
}

const json::object& document() {
    static const json::value parsed =
        json::parse(json::string_view{openapi_document().data(), openapi_document().size()});
    return parsed.as_object();
}

/// The value, or what its `$ref` leads to.
const json::object& resolved(const json::value& value) {
    const auto& object = value.as_object();
    const auto* ref = object.if_contains("$ref");
    if (ref == nullptr) return object;
    return document().at("components").at_pointer(ref->as_string().subview(12)).as_object();
}

struct Operation {
    std::string method;
    std::string path;
    const json::object* item;
    const json::object* operation;
};

std::vector<Operation> operations() {
    std::vector<Operation> all;
    for (const auto& [path, item] : document().at("paths").as_object())
        for (const auto& [name, operation] : item.as_object()) {
            if (name == "parameters") continue;
            std::string method = text(name);
            for (char& c : method)
                c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
            all.push_back({method, text(path), &item.as_object(), &operation.as_object()});
        }
    return all;
}

/// Names of the parameters that stand in `place`.
Names parameters(const Operation& call, std::string_view place) {
    Names names;
    for (const json::object* holder : {call.item, call.operation}) {
        const auto* list = holder->if_contains("parameters");
        if (list == nullptr) continue;
        for (const auto& one : list->as_array())
            if (resolved(one).at("in").as_string() == json::string_view{place.data(), place.size()})
                names.insert(text(resolved(one).at("name").as_string()));
    }
    return names;
}

const json::object* request_content(const Operation& call) {
    const auto* body = call.operation->if_contains("requestBody");
    if (body == nullptr) return nullptr;
    return &body->at("content").at("application/json").as_object();
}

Names members_of(const json::object& schema) {
    Names names;
    for (const auto& [name, value] : schema.at("properties").as_object())
        names.insert(text(name));
    return names;
}

std::vector<json::object> examples(const Operation& call) {
    std::vector<json::object> all;
    if (const auto* content = request_content(call))
        for (const auto& [name, example] : content->at("examples").as_object())
            all.push_back(example.at("value").as_object());
    return all;
}

/// What a message says is allowed: `… one of: a, b, c`, or `there are none`.
Names allowed_by(const std::string& body) {
    constexpr std::string_view begin = "one of: ";
    const auto message = json::parse(body).at("error").at("message").as_string();
    std::string list = text(message);
    const auto at = list.find(begin);
    if (at == std::string::npos) {
        BOOST_TEST(list.find("there are none") != std::string::npos, list);
        return {};
    }
    list = list.substr(at + begin.size());
    list = list.substr(0, list.find(';'));
    Names names;
    while (!list.empty()) {
        const auto end = std::min(list.find(", "), list.size());
        names.insert(list.substr(0, end));
        list.erase(0, end + 2);
    }
    return names;
}

/// One API with which every example can be done.
config::Settings shop() {
    auto made = test::settings();
    made.apis.resize(1);
    made.apis[0].scopes = {{"orders:read", "orders:write"}};
    made.apis[0].default_plan = "pro";
    made.apis[0].bind = {{"store_id", false, "store"}};
    return made;
}

struct Described : World {
    Described()
        : World(shop()) {
        const auto put = call("PUT", "/admin/v1/owners/acme", R"({"api":"shop","plan":"pro"})");
        BOOST_TEST_REQUIRE(put.status == 201u, put.body);
        const auto idle = call("PUT", "/admin/v1/owners/idle", R"({"api":"shop"})");
        BOOST_TEST_REQUIRE(idle.status == 201u, idle.body);
        const auto made = call("POST", "/admin/v1/keys",
                               R"({"api":"shop","owner":"acme","id":"known","digest":"sha256:)" +
                                   std::string(64, 'c') + "\"}");
        BOOST_TEST_REQUIRE(made.status == 201u, made.body);
    }

    /// The path with an id that exists.
    static std::string target(const Operation& call) {
        std::string path = call.path;
        const auto hole = path.find("{id}");
        if (hole == std::string::npos) return path;
        if (path.find("/keys/") != std::string::npos) return path.replace(hole, 4, "known");
        return path.replace(hole, 4, call.method == "DELETE" ? "idle" : "acme");
    }

    static std::string first_body(const Operation& call) {
        const auto all = examples(call);
        return all.empty() ? "" : json::serialize(all.front());
    }
};

BOOST_FIXTURE_TEST_SUITE(admin_openapi, Described)

BOOST_AUTO_TEST_CASE(the_served_document_is_the_one_in_the_tree) {
    std::ifstream file(KEYGATE_SOURCE_DIR "/gateway/admin/openapi.json");
    const std::string written{std::istreambuf_iterator<char>(file), {}};
    BOOST_TEST(json::parse(written) == json::value(document()));
    const auto served = call("GET", "/admin/v1/openapi.json");
    BOOST_TEST(served.status == 200u);
    BOOST_TEST(json::parse(served.body) == json::value(document()));
}

BOOST_AUTO_TEST_CASE(it_names_the_calls_that_there_are) {
    Names described;
    for (const auto& call : operations())
        described.insert(call.method + " " + call.path);
    Names there;
    for (const auto& call : Api::calls())
        there.insert(std::string{call.method} + " " + std::string{call.path});
    BOOST_TEST(described == there, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(it_names_the_roles) {
    for (const auto& call : operations())
        for (const auto& known : Api::calls())
            if (known.method == call.method && known.path == call.path) {
                const auto says = text(call.operation->at("description").as_string());
                const auto role = "Role: " + std::string{to_string(known.role)} + ".";
                BOOST_TEST(says.find(role) != std::string::npos, call.method + " " + call.path);
            }
}

BOOST_AUTO_TEST_CASE(every_reference_leads_somewhere_and_every_part_is_used) {
    const std::string all{openapi_document()};
    for (const auto& [kind, parts] : document().at("components").as_object())
        for (const auto& [name, part] : parts.as_object()) {
            const auto ref = "\"#/components/" + text(kind) + "/" + text(name) + "\"";
            const bool is_used = all.find(ref) != std::string::npos || kind == "securitySchemes";
            BOOST_TEST(is_used, ref);
        }
    const json::value whole(document());
    for (std::size_t at = 0; (at = all.find("\"#/components/", at)) != std::string::npos; ++at) {
        const auto pointer = all.substr(at + 2, all.find('"', at + 1) - at - 2);
        json::error_code error;
        BOOST_TEST((whole.find_pointer(pointer, error) != nullptr), pointer);
    }
}

BOOST_AUTO_TEST_CASE(a_path_names_its_id) {
    for (const auto& call : operations()) {
        const bool has_id = call.path.find("{id}") != std::string::npos;
        const Names expected = has_id ? Names{"id"} : Names{};
        BOOST_TEST(parameters(call, "path") == expected, call.path);
    }
}

BOOST_AUTO_TEST_CASE(parameters_are_those_that_the_calls_take) {
    for (const auto& one : operations()) {
        const auto response = call(one.method, target(one) + "?zz-unknown=1", first_body(one));
        BOOST_TEST_CONTEXT(one.method << " " << one.path << ": " << response.body) {
            BOOST_TEST(response.status == 400u);
            BOOST_TEST(allowed_by(response.body) == parameters(one, "query"),
                       boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(members_are_those_that_the_calls_take) {
    for (const auto& one : operations()) {
        const auto* content = request_content(one);
        if (content == nullptr) continue;
        const auto& schema = resolved(content->at("schema"));
        BOOST_TEST_CONTEXT(one.method << " " << one.path) {
            BOOST_TEST(schema.at("additionalProperties") == false);
            auto body = examples(one).front();
            body["zz-unknown"] = 1;
            const auto response = call(one.method, target(one), json::serialize(body));
            BOOST_TEST(response.status == 422u, response.body);
            BOOST_TEST(allowed_by(response.body) == members_of(schema),
                       boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(the_rows_of_an_import_are_new_keys) {
    const auto response = call("POST", "/admin/v1/keys:import", R"({"keys":[{"zz-unknown":1}]})");
    const auto& schema =
        resolved(document().at("components").at_pointer("/schemas/Import/properties/keys/items"));
    BOOST_TEST(allowed_by(response.body) == members_of(schema), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_member_stands_in_an_example_that_is_accepted) {
    for (const auto& one : operations()) {
        const auto* content = request_content(one);
        if (content == nullptr || one.path.ends_with(":backup") || one.path.ends_with(":reload"))
            continue; // they need a gateway: tests/admin_api
        Names seen;
        for (const auto& example : examples(one)) {
            for (const auto& [name, value] : example)
                seen.insert(text(name));
            const auto query = parameters(one, "query").contains("dry_run") ? "?dry_run=true" : "";
            const auto response = call(one.method, target(one) + query, json::serialize(example));
            BOOST_TEST(response.status < 300, one.path << ": " << response.body);
        }
        BOOST_TEST(seen == members_of(resolved(content->at("schema"))),
                   boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(a_shown_key_has_no_secret_and_a_made_one_has_nothing_else_beside_it) {
    const auto& schemas = document().at("components").at("schemas");
    auto shown = members_of(schemas.at("Key").as_object());
    BOOST_TEST(!shown.contains("key"));
    shown.insert({"key", "rotated_from"});
    BOOST_TEST(members_of(schemas.at("MadeKey").as_object()) == shown,
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_store_that_is_away_is_503_where_that_is_described) {
    fault = Fault{boost::system::errc::make_error_code(boost::system::errc::io_error), "read"};
    for (const auto& one : operations()) {
        if (one.path.ends_with(":reload")) continue; // needs no store
        const bool needs_store = one.operation->at("responses").as_object().contains("503");
        const auto query = one.path.ends_with("/usage") ? "?owner=acme" : "";
        const auto response = call(one.method, target(one) + query, first_body(one));
        BOOST_TEST(response.status == (needs_store ? 503u : 200u),
                   one.method << " " << one.path << ": " << response.body);
    }
}

BOOST_AUTO_TEST_CASE(writes_say_what_they_have_in_common) {
    for (const auto& one : operations()) {
        if (!parameters(one, "query").contains("dry_run")) continue;
        const auto headers = parameters(one, "header");
        BOOST_TEST(headers.contains("Idempotency-Key"), one.path);
        // What has a state of its own can be asked to be in it.
        const bool has_id = one.path.find("{id}") != std::string::npos;
        BOOST_TEST(headers.contains("If-Match") == has_id, one.path);
        BOOST_TEST(headers.contains("If-None-Match") == has_id, one.path);
        BOOST_TEST(one.operation->at("responses").as_object().contains("412") == has_id, one.path);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace keygate::admin
