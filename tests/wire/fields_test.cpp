// Fields by which a client could speak for the gateway: its credential, its identity headers, its
// word on where a request came from, and what ends at this hop.
#include "wire/requests.hpp"

using namespace keygate;
using namespace std::string_literals;
using namespace keygate::wire;

namespace {

RequestRow removed(std::string name, std::string source, const std::string& fields) {
    return passes(std::move(name), std::move(source), get(fields), seen_get(""));
}

/// A request to a route that wants a key.
RequestRow with_credential(std::string name, std::string source, const std::string& fields,
                           std::string_view reason, const std::string& field = {}) {
    return refuses_and_stays(std::move(name), std::move(source), get(fields, "/things/1"), reason,
                             field);
}

const std::string good = "Authorization: Bearer " + wire::key + "\r\n";

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_fields, BetweenRequests)

BOOST_AUTO_TEST_CASE(a_client_cannot_set_who_it_is) {
    std::vector<RequestRow> rows;
    for (const std::string word : {"Id", "Owner", "Plan", "Scopes", "Mode", "Name"}) {
        rows.push_back(removed("spoofed " + word, "7239 8.1", "X-Key-" + word + ": boss\r\n"));
        rows.push_back(removed("Connection names " + word, "9110 7.6.1",
                               "Connection: X-Key-" + word + "\r\nX-Key-" + word + ": boss\r\n"));
    }
    for (const std::string name :
         {"x-key-id", "X-KEY-ID", "X_Key_Id", "x_key_id", "X.Key.Id", "X-Key_Id", "x~key~id",
          "X|KEY|ID", "X!Key!Id", "X'Key`Id", "X+Key+Id", "X^Key%Id", "X*Key#Id", "X$Key&Id"})
        rows.push_back(removed("spoofed " + name, "3875 4.1.18", name + ": boss\r\n"));
    const std::string spoof =
        "X-Key-Id: boss\r\nX_Key_Owner: boss\r\nx-key-plan: gold\r\nX-Key-Name: boss\r\n"
        "X-Key-Mode: test\r\nX-Key-Scopes: admin\r\n";
    for (const std::string word : {"Bearer ", "bearer ", "BEARER   "})
        rows.push_back(
            passes("the caller's identity, " + word, "6750 2.1",
                   get(spoof + "Authorization: \t" + word + wire::key + " \t\r\n", "/things/1"),
                   seen("GET /things/1", identity)));
    rows.push_back(passes("spoofed twice round the credential", "9110 5.3",
                          get(spoof + good + spoof, "/things/1"), seen("GET /things/1", identity)));
    rows.push_back(passes(
        "Connection cannot take the identity away", "9110 7.6.1",
        get("Connection: X-Key-Id, X-Key-Owner, X-Key-Scopes, X-Key-Mode\r\n" + good, "/things/1"),
        seen("GET /things/1", identity)));
    rows.push_back(passes("Connection cannot take the credential away", "9110 7.6.1",
                          get("Connection: Authorization, Host\r\n" + good, "/things/1"),
                          seen("GET /things/1", identity)));
    rows.push_back(passes("names that only begin like ours", "9110 5.1",
                          get("X-Key-Idx: y\r\nX-Key: y\r\nXKeyId: y\r\nX--Key-Id: y\r\n"),
                          seen_get("X-Key-Idx: y\r\nX-Key: y\r\nXKeyId: y\r\nX--Key-Id: y\r\n")));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(a_credential_is_one_word_behind_bearer) {
    check_all({
        with_credential("no credential", "9110 15.5.2", "", "auth_missing"),
        with_credential("an empty credential", "9110 11.6.2", "Authorization:\r\n",
                        "auth_malformed"),
        with_credential("another scheme", "9110 11.1", "Authorization: Basic eDp5\r\n",
                        "auth_missing"),
        with_credential("a key without a scheme", "9110 11.6.2",
                        "Authorization: " + wire::key + "\r\n", "auth_missing"),
        with_credential("only the scheme", "6750 2.1", "Authorization: Bearer\r\n",
                        "auth_malformed"),
        with_credential("a tab behind the scheme", "6750 2.1",
                        "Authorization: Bearer\t" + wire::key + "\r\n", "auth_malformed"),
        with_credential("two words", "6750 2.1", "Authorization: Bearer " + wire::key + " x\r\n",
                        "auth_malformed"),
        with_credential("a parameter", "6750 2.1",
                        "Authorization: Bearer " + wire::key + ";x=1\r\n", "key_bad_format"),
        with_credential("quotes", "6750 2.1", "Authorization: Bearer \"" + wire::key + "\"\r\n",
                        "key_bad_format"),
        with_credential("an 8-bit byte", "6750 2.1",
                        "Authorization: Bearer " + wire::key + "\xc3\xa9\r\n", "key_bad_format"),
        with_credential("a key that nobody has", "6750 3.1",
                        "Authorization: Bearer kg_live_" + std::string(40, '9') + "\r\n",
                        "key_unknown"),
        with_credential("two credentials", "9110 11.6.2", good + good, "auth_duplicate"),
        with_credential("two credentials in two cases", "9110 11.6.2",
                        good + "AUTHORIZATION: Bearer " + wire::key + "\r\n", "auth_duplicate"),
        with_credential("a credential and an empty one", "9110 11.6.2", good + "Authorization:\r\n",
                        "auth_duplicate"),
        with_credential("two credentials in a list", "9110 11.6.2",
                        "Authorization: Bearer " + wire::key + ", Bearer " + wire::key + "\r\n",
                        "auth_malformed"),
        with_credential("a credential for a proxy", "9110 11.7.2",
                        "Proxy-Authorization: Bearer " + wire::key + "\r\n", "auth_missing"),
        with_credential("a double of the credential's name", "3875 4.1.18",
                        "Authorization_: Bearer " + wire::key + "\r\n", "auth_missing"),
        with_credential("a credential in a cookie", "6750 2.1",
                        "Cookie: access_token=" + wire::key + "\r\n", "auth_missing"),
        refuses_and_stays("a credential in the query", "6750 2.1",
                          get("", "/things/1?access_token=" + wire::key), "auth_missing"),
        refuses("a credential with a NUL", "9110 5.5",
                get("Authorization: Bearer " + wire::key + "\0\r\n"s, "/things/1")),
    });
}

BOOST_AUTO_TEST_CASE(what_ends_at_this_hop_is_not_passed_on) {
    check_all({
        removed("the credential on a public route", "9110 11.6.2", good),
        removed("two credentials on a public route", "9110 11.6.2", good + good),
        removed("a credential that Connection names", "9110 7.6.1",
                "Connection: authorization\r\n" + good),
        removed("a proxy's credential", "9110 11.7.2", "Proxy-Authorization: Basic eDp5\r\n"),
        removed("a proxy's challenge", "9110 11.7.1", "Proxy-Authenticate: Basic\r\n"),
        removed("Keep-Alive", "9110 7.6.1", "Keep-Alive: timeout=5, max=100\r\n"),
        removed("Proxy-Connection", "9110 7.6.1", "Proxy-Connection: keep-alive\r\n"),
        removed("TE", "9110 7.6.1", "TE: trailers, deflate;q=0.5\r\n"),
        removed("TE that Connection names", "9110 7.6.1", "Connection: TE\r\nTE: trailers\r\n"),
        removed("Trailer", "9110 6.5.1", "Trailer: X\r\n"),
        removed("fields that Connection names", "9110 7.6.1",
                "Connection: x-one, X-Two\r\nConnection: X-Three\r\nX-One: 1\r\nx-two: "
                "2\r\nX-THREE: 3\r\n"),
        removed("a field that Connection names behind it", "9110 7.6.1",
                "X-One: 1\r\nConnection: ,, \tx-one\t,\r\n"),
        removed("a cookie that Connection names", "9110 7.6.1",
                "Connection: Cookie\r\nCookie: a=b\r\n"),
        removed("Connection names what frames and routes", "9110 7.6.1",
                "Connection: Host, Content-Length, X-Forwarded-For, Via, X-Request-Id\r\n"),
        removed("Connection names Connection", "9110 7.6.1", "Connection: Connection\r\n"),
        passes("Connection names nothing that is there", "9110 7.6.1",
               get("Connection: Y\r\nX: y\r\n"), seen_get("X: y\r\n")),
        passes("Connection names a part of a name", "9110 7.6.1",
               get("Connection: X-On, One\r\nX-One: 1\r\n"), seen_get("X-One: 1\r\n")),
        passes("Connection names the chain of proxies", "9110 7.6.3",
               get("Connection: Via\r\nVia: 1.0 fred\r\n"), seen_get("")),
        passes("the chain of proxies", "9110 7.6.3", get("Via: 1.0 fred, 1.1 keygate\r\n"),
               seen_get("Via: 1.0 fred, 1.1 keygate\r\n")),
        passes("names like ours in the chain", "9110 7.6.3",
               get("Via: 1.1 keygate2, 1.1 akeygate, keygate 1.1, 1.1 keygate\r\n"),
               seen_get("Via: 1.1 keygate2, 1.1 akeygate, keygate 1.1, 1.1 keygate\r\n")),
        refuses("a circle of gateways", "5842 7.2",
                get("Via: 1.1 keygate, 1.1 other, 1.1 keygate\r\n"), "head_loop"),
        refuses("a circle of gateways, two fields", "9110 7.6.3",
                get("Via: 1.1 keygate\r\nVia: HTTP/1.1 keygate (again)\r\n"), "head_loop"),
        refuses("a circle of gateways, many times", "9110 7.6.3",
                get("Via: " + repeated("1 keygate,", 255) + "\r\nVia: 1 keygate\r\n"), "head_loop"),
        refuses("a circle that Connection hides", "9110 7.6.3",
                get("Connection: Via\r\nVia: 1.1 keygate, 1.1 keygate\r\n"), "head_loop"),
        passes("a credential that may pass", "9110 11.6.2",
               "GET /pass HTTP/1.1\r\n" + host + "Authorization: Basic eDp5\r\n\r\n",
               seen("GET /pass", "Authorization: Basic eDp5\r\n")),
        passes("a key never passes", "9110 11.6.2", "GET /pass HTTP/1.1\r\n" + host + good + "\r\n",
               seen("GET /pass", "")),
        passes("a key never passes, under another scheme", "9110 11.6.2",
               "GET /pass HTTP/1.1\r\n" + host + "Authorization: Key key=\"" + wire::key +
                   "\"\r\n\r\n",
               seen("GET /pass", "")),
        passes("two credentials never pass", "9110 11.6.2",
               "GET /pass HTTP/1.1\r\n" + host +
                   "Authorization: Basic eDp5\r\nAuthorization: Basic eDp5\r\n\r\n",
               seen("GET /pass", "")),
    });
}

/// What the upstream believes of where a request came from and what it asked for.
BOOST_AUTO_TEST_CASE(another_request_than_the_one_that_was_judged) {
    std::vector<RequestRow> rows;
    for (const std::string name : {"Forwarded",          "X-Forwarded-For",
                                   "X-Forwarded-Host",   "X-Forwarded-Port",
                                   "X-Forwarded-Proto",  "X-Forwarded-Scheme",
                                   "X-Forwarded-Server", "X-Forwarded-Ssl",
                                   "X-Real-IP",          "X-Request-Id",
                                   "X-Forwarded-Method", "X-Forwarded-Path",
                                   "X-Forwarded-Prefix", "X-Forwarded-Uri",
                                   "X-HTTP-Method",      "X-HTTP-Method-Override",
                                   "X-Method-Override",  "X-Original-Method",
                                   "X-Original-URI",     "X-Original-URL",
                                   "X-Rewrite-URL"}) {
        rows.push_back(removed(name, "7239 8.1", name + ": /things/1\r\n"));
        std::string folded = name;
        std::replace(folded.begin(), folded.end(), '-', '_');
        if (folded != name)
            rows.push_back(removed(folded, "3875 4.1.18", folded + ": /things/1\r\n"));
    }
    rows.push_back(removed("a second address", "7239 8.1",
                           "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n"));
    rows.push_back(removed("doubles of framing", "3875 4.1.18",
                           "Content_Length: 5\r\nTransfer_Encoding: x\r\nCONTENT_LENGTH: 7\r\n"));
    rows.push_back(removed("misspelt doubles", "3875 4.1.18",
                           "Content.Length: 5\r\nTransfer~Encoding: chunked\r\n"));
    RequestRow body = removed("a double of the coding, and a body", "9112 11.2",
                              "Transfer_Encoding: chunked\r\n");
    body.bytes += "0\r\n\r\n";
    body.answers = {answer_to(body.bytes, After::open), refused("head_invalid")};
    body.after = After::closes;
    rows.push_back(body);
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(no_upgrade_but_a_proper_one) {
    const auto with_method = [](const std::string& method, const std::string& fields) {
        return method + " /open/x HTTP/1.1\r\n" + host + fields + "\r\n";
    };
    check_all({
        removed("h2c", "7540 3.2",
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"),
        removed("h2c without its Connection", "9110 7.8", "Upgrade: h2c\r\n"),
        removed("HTTP2-Settings alone", "7540 3.2", "HTTP2-Settings: AAMAAABkAAQ\r\n"),
        removed("TLS", "9110 7.8", "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n"),
        removed("an empty upgrade", "9110 7.8", "Connection: Upgrade\r\nUpgrade:\r\n"),
        removed("a list", "9110 7.8", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
        removed("a list the other way round", "9110 7.8",
                "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n"),
        removed("two fields", "9110 7.8",
                "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"),
        removed("websocket without its Connection", "9110 7.8", "Upgrade: websocket\r\n"),
        removed("websocket with another Connection", "9110 7.8",
                "Connection: keep-alive\r\nUpgrade: websocket\r\n"),
        removed("websocket with a version", "9110 7.8",
                "Connection: Upgrade\r\nUpgrade: websocket/13\r\n"),
        passes("websocket by POST", "9110 7.8",
               with_method("POST", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
               seen("POST /open/x", "")),
        passes("websocket by get", "9110 7.8",
               with_method("get", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
               seen("get /open/x", "")),
        passes("websocket by HEAD", "9110 7.8",
               with_method("HEAD", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
               seen("HEAD /open/x", "")),
        passes("websocket with a body", "9110 7.8",
               get("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n") + "hello",
               seen_get("Content-Length: 5\r\n") + "hello"),
        passes_and_closes("websocket in HTTP/1.0", "9110 7.8",
                          "GET /open/x HTTP/1.0\r\n" + host +
                              "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                          seen("GET /open/x", "", "", ours_1_0)),
        refuses_and_stays("websocket without a key", "9110 15.5.2",
                          get("Connection: Upgrade\r\nUpgrade: websocket\r\n", "/things/1"),
                          "auth_missing"),
        passes("h2c and a request behind it", "9112 11.2",
               get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n"),
               seen_get("")),
    });
}

BOOST_AUTO_TEST_CASE(one_expectation_is_known) {
    std::vector<RequestRow> rows;
    for (const std::string value : {"200-maybe", "100", "100-continue, 200-maybe", "100-continue;x",
                                    "\"100-continue\"", "", "100 continue", "101-continue"})
        rows.push_back(refuses("Expect: " + value, "9110 10.1.1", get("Expect: " + value + "\r\n"),
                               "head_expectation"));
    rows.push_back(refuses("one that is known and one that is not", "9110 10.1.1",
                           get("Expect: 100-continue\r\nExpect: x\r\n"), "head_expectation"));
    rows.push_back(refuses("an unknown one before a body", "9110 10.1.1",
                           post("Expect: x\r\nContent-Length: 5\r\n", "hello"),
                           "head_expectation"));
    rows.push_back(refuses("refused before the body", "9110 10.1.1",
                           "POST /things/1 HTTP/1.1\r\n" + host +
                               "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
                           "auth_missing"));
    rows.push_back(refuses("too large before the body", "9110 10.1.1",
                           post("Expect: 100-continue\r\nContent-Length: 1048577\r\n", ""),
                           "body_too_large"));
    check_all(rows);
}

BOOST_AUTO_TEST_SUITE_END()
