#include "policy/entries.hpp"
#include "policy/tenant.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace keygate;

namespace {

config::Api stores() {
    config::Api api;
    api.name = "stores";
    api.bind = {{.parameter = "store_id", .is_owner = false, .name = "store"},
                {.parameter = "org", .is_owner = true, .name = {}}};
    api.routes = {testing::route_of("ANY /v1/stores/{store_id}/orders/**"),
                  testing::route_of("ANY /v1/orgs/{org}/stores/{store_id}"),
                  testing::route_of("ANY /v1/status/{other}"),
                  testing::route_of("ANY /v1/orgs/{org}")};
    return api;
}

std::string answer(const testing::Compiled& api, std::size_t route, std::string_view path,
                   const keys::Identity& identity) {
    const testing::Request request{"GET", path};
    const auto refusal = policy::check_tenant(identity, api.route(route), request.facts);
    return refusal ? std::string{name(refusal->reason)} : "ok";
}

struct Case {
    std::size_t route;
    std::string path;
    std::string store; // empty: the key has no `bind`
    std::string owner;
    bool is_its_own;
};

} // namespace

BOOST_AUTO_TEST_SUITE(policy_tenant)

BOOST_AUTO_TEST_CASE(a_path_names_the_tenant_of_the_key_or_it_does_not) {
    const testing::Compiled api{stores()};
    for (const Case& one : std::vector<Case>{
             {0, "/v1/stores/267418190/orders/", "267418190", "acme", true},
             {0, "/v1/stores/267418190/orders", "267418190", "acme", true},
             {0, "/v1/stores/267418190/orders/7/267418191", "267418190", "acme", true},
             {0, "/v1/stores/267418191/orders/", "267418190", "acme", false},
             {0, "/v1/stores/26741819/orders/", "267418190", "acme", false},
             {0, "/v1/stores/2674181900/orders/", "267418190", "acme", false},
             {0, "/v1/stores/0267418190/orders/", "267418190", "acme", false},
             {0, "/v1/stores/other/orders/267418190", "267418190", "acme", false},
             // Some upstreams cut it off, and some do not.
             {0, "/v1/stores/267418190;x=1/orders/", "267418190", "acme", false},
             {0, "/v1/stores/267418190;/orders/", "267418190", "acme", false},
             {0, "/v1/stores/a;b/orders/", "a;b", "acme", false},
             // Escapes that the canonical form keeps are decoded.
             {0, "/v1/stores/a%20b/orders/", "a b", "acme", true},
             {0, "/v1/stores/a%3Ab/orders/", "a:b", "acme", true},
             {0, "/v1/stores/a:b/orders/", "a:b", "acme", true},
             {0, "/v1/stores/a%3Ab/orders/", "a%3Ab", "acme", false},
             {0, "/v1/stores/%C3%A9/orders/", "\xC3\xA9", "acme", true},
             {0, "/v1/stores/ACME/orders/", "acme", "acme", false},
             {0, "/v1/stores//orders/", "267418190", "acme", false},
             // A key of no store is none of this one's, either.
             {0, "/v1/stores/267418190/orders/", "", "acme", false},
             {0, "/v1/stores/acme/orders/", "", "acme", false},
             // Every parameter that is bound must be right.
             {1, "/v1/orgs/acme/stores/7", "7", "acme", true},
             {1, "/v1/orgs/other/stores/7", "7", "acme", false},
             {1, "/v1/orgs/acme/stores/8", "7", "acme", false},
             {1, "/v1/orgs/7/stores/acme", "7", "acme", false},
             {3, "/v1/orgs/acme", "", "acme", true},
             {3, "/v1/orgs/Acme", "", "acme", false},
             {3, "/v1/orgs/acme%2Einc", "", "acme.inc", true},
             // No parameter of this route is bound.
             {2, "/v1/status/8", "7", "acme", true},
             {2, "/v1/status/8", "", "acme", true},
         })
        BOOST_TEST_CONTEXT(one.route << " " << one.path << " for " << one.store) {
            keys::Restrictions restrictions;
            if (!one.store.empty()) restrictions.bind = {{"store", one.store}, {"shelf", "9"}};
            const auto identity = testing::identity_within(restrictions, one.owner);
            BOOST_TEST(answer(api, one.route, one.path, identity) ==
                       (one.is_its_own ? "ok" : "tenant_mismatch"));
        }
}

BOOST_AUTO_TEST_CASE(a_key_without_anything_of_its_own_belongs_to_no_tenant) {
    const testing::Compiled api{stores()};
    const auto plain = testing::identity_of([](keys::Entry& entry) { entry.owner = "acme"; });
    BOOST_TEST(answer(api, 0, "/v1/stores/7/orders/", plain) == "tenant_mismatch");
    BOOST_TEST(answer(api, 3, "/v1/orgs/acme", plain) == "ok");
    const auto other = testing::identity_within(testing::bound_to("shelf", "7"));
    BOOST_TEST(answer(api, 0, "/v1/stores/7/orders/", other) == "tenant_mismatch");
}

BOOST_AUTO_TEST_CASE(an_owner_without_a_name_is_nobody) {
    const testing::Compiled api{stores()};
    const auto nobody = testing::identity_of([](keys::Entry&) {});
    BOOST_TEST(answer(api, 3, "/v1/orgs/", nobody) == "tenant_mismatch");
}

BOOST_AUTO_TEST_SUITE_END()
