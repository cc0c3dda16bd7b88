#include "http/fields.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace keygate;

BOOST_AUTO_TEST_SUITE(http_fields)

BOOST_AUTO_TEST_CASE(every_spelling_of_a_reserved_name_is_reserved) {
    const http::ReservedNames names{"X-Key-"};
    for (const std::string_view name : {"X-Key-Id",
                                        "x-key-id",
                                        "X_Key_Id",
                                        "x_KEY-id",
                                        "x.key.id",
                                        "X~Key!Id",
                                        "X-Key-Owner",
                                        "X-Key-Plan",
                                        "x-key-scopes",
                                        "X_KEY_MODE",
                                        "X-Key-Name",
                                        "Authorization",
                                        "authorization",
                                        "Proxy_Authorization",
                                        "X-Forwarded-For",
                                        "x_forwarded_for",
                                        "Forwarded",
                                        "X-Real-IP",
                                        "X-Original-URL",
                                        "X.Rewrite.Url",
                                        "X-HTTP-Method-Override",
                                        "X-Method-Override",
                                        "Content-Length",
                                        "Content_Length",
                                        "Transfer.Encoding",
                                        "Host",
                                        "X-Request-Id",
                                        "Client-Cert",
                                        "client_cert",
                                        "Client-Cert-Chain",
                                        "CLIENT.CERT_CHAIN"})
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(names.contains(name));
        }
    for (const std::string_view name :
         {"X-Key", "X-Key-", "X-Key-Idx", "X-Key-Secret", "XKeyId", "X--Key-Id", "Accept", "Cookie",
          "Via", "Hos", "Hosts", "", "X-Forwarded", "Content-Type", "Content-Lengthy",
          "Client-Certs", "Client"})
        BOOST_TEST_CONTEXT(name) {
            BOOST_TEST(!names.contains(name));
        }
}

BOOST_AUTO_TEST_CASE(the_prefix_of_the_identity_is_as_configured) {
    const http::ReservedNames names{"Shop.Caller_"};
    BOOST_TEST(names.contains("shop-caller-id"));
    BOOST_TEST(names.contains("SHOP_CALLER_NAME"));
    BOOST_TEST(!names.contains("X-Key-Id"));
    const http::ReservedNames long_names{"X-" + std::string(80, 'a') + "-"};
    BOOST_TEST(long_names.contains("x_" + std::string(80, 'A') + "_id"));
    BOOST_TEST(!long_names.contains("x_" + std::string(81, 'A') + "_id"));
}

BOOST_AUTO_TEST_CASE(hop_by_hop_fields_are_known_by_name) {
    using http::FieldName;
    for (const auto id : {FieldName::connection, FieldName::keep_alive, FieldName::te,
                          FieldName::trailer, FieldName::transfer_encoding, FieldName::upgrade,
                          FieldName::http2_settings, FieldName::proxy_authenticate,
                          FieldName::proxy_authorization, FieldName::proxy_connection})
        BOOST_TEST(http::is_hop_by_hop({.id = id, .name = {}, .value = {}}));
    for (const auto id :
         {FieldName::unknown, FieldName::accept, FieldName::via, FieldName::authorization})
        BOOST_TEST(!http::is_hop_by_hop({.id = id, .name = {}, .value = {}}));
}

BOOST_AUTO_TEST_CASE(options_of_all_connection_fields_count) {
    using http::FieldName;
    http::Head head;
    head.fields[0] = {
        .id = FieldName::connection, .name = "Connection", .value = "x-one , X-Two,,"};
    head.fields[1] = {.id = FieldName::unknown, .name = "X-Four", .value = "X-Five"};
    head.fields[2] = {.id = FieldName::connection, .name = "connection", .value = "\tX-THREE"};
    head.field_count = 3;
    for (const std::string_view name : {"X-One", "x-two", "x-Three"})
        BOOST_TEST(http::is_connection_option(head, name));
    for (const std::string_view name : {"X-Four", "X-Five", "X", "X-On", "X-One "})
        BOOST_TEST(!http::is_connection_option(head, name));
}

BOOST_AUTO_TEST_SUITE_END()
