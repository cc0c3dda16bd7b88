// The head of a request: a line, fields, an end. What two servers could read in two ways is
// refused, what has one reading arrives written anew.
#include "wire/requests.hpp"

using namespace keygate;
using namespace std::string_literals;
using namespace keygate::wire;

namespace {

std::string counted_fields(std::size_t count) {
    std::string fields;
    for (std::size_t i = 0; i < count; ++i)
        fields += "F" + std::to_string(i) + ": x\r\n";
    return fields;
}

/// A GET whose head has exactly that many bytes.
std::string get_of_size(std::size_t size) {
    const std::string rest = get("Fill: \r\n");
    return get("Fill: " + std::string(size - rest.size(), 'f') + "\r\n");
}

/// `line` stands for the whole request line.
std::string with_line(const std::string& line) {
    return line + "\r\n" + host + "\r\n";
}

std::string with_method(const std::string& method) {
    return with_line(method + " /open/x HTTP/1.1");
}

std::string with_host(const std::string& value) {
    return "GET /open/x HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}

RequestRow at_its_end(RequestRow row) {
    row.ends = true;
    return row;
}

/// An HTTP/1.0 request that is refused, on a connection that was to stay open.
RequestRow refuses_old(std::string name, std::string source, std::string bytes,
                       std::string_view reason) {
    RequestRow row = refuses(std::move(name), std::move(source), std::move(bytes));
    row.answers = {refused(reason, After::open_1_0)};
    row.after = After::open_1_0;
    return row;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(wire_heads, BetweenRequests)

BOOST_AUTO_TEST_CASE(control_bytes_have_no_place_in_a_head) {
    std::vector<RequestRow> rows;
    for (const char c : control_bytes()) {
        rows.push_back(refuses(named(c) + " in a value", "9110 5.5", get("X: y"s + c + "z\r\n")));
        rows.push_back(refuses(named(c) + " in a name", "9110 5.1", get("X"s + c + "Y: z\r\n")));
        rows.push_back(refuses(named(c) + " before a value", "9110 5.5", get("X:"s + c + "\r\n")));
        rows.push_back(
            refuses(named(c) + " in the method", "9112 3.1", with_method("G"s + c + "T")));
        rows.push_back(refuses(named(c) + " in the version", "9112 2.3",
                               with_line("GET /open/x HTTP/1"s + c + ".1")));
        rows.push_back(refuses(named(c) + " behind the version", "9112 3",
                               with_line("GET /open/x HTTP/1.1"s + c)));
        rows.push_back(refuses(named(c) + " in Host", "9110 7.2", with_host("a"s + c)));
        rows.push_back(
            refuses(named(c) + " in the target", "9112 3.2", get("", "/open/"s + c + "x")));
    }
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(names_are_tokens) {
    std::vector<RequestRow> rows;
    for (const char c : "(),/:;<=>?@[\\]{}\" \x80\xe9\xff"s) {
        if (c != ':')
            rows.push_back(
                refuses(named(c) + " in a name", "9110 5.6.2", get("X"s + c + "Y: z\r\n")));
        rows.push_back(
            refuses(named(c) + " in the method", "9112 3.1", with_method("G"s + c + "T")));
    }
    rows.push_back(passes("every other byte in a name", "9110 5.6.2",
                          get("!#$%&'*+-.^_`|~09azAZ: y\r\n"),
                          seen_get("!#$%&'*+-.^_`|~09azAZ: y\r\n")));
    rows.push_back(passes("a name of 1000 bytes", "9110 5.4",
                          get(std::string(1000, 'n') + ": y\r\n"),
                          seen_get(std::string(1000, 'n') + ": y\r\n")));
    rows.push_back(
        passes("a colon in a value", "9112 5.1", get("X::y:\r\n"), seen_get("X: :y:\r\n")));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(lines_end_in_one_way) {
    check_all({
        refuses("LF ends the request line", "9112 2.2", "GET /open/x HTTP/1.1\n" + host + "\r\n"),
        refuses("LF ends Host", "9112 2.2", "GET /open/x HTTP/1.1\r\nHost: a\n\r\n"),
        refuses("LF ends a field", "9112 2.2", get("X: y\nZ: 1\r\n")),
        refuses("LF ends the head", "9112 2.2", "GET /open/x HTTP/1.1\r\n" + host + "\n"),
        refuses("only LF", "9112 2.2", "GET /open/x HTTP/1.1\nHost: a\n\n"),
        refuses("CR ends a field", "9112 2.2", get("X: y\rZ: 1\r\n")),
        refuses("CR ends the request line", "9112 2.2", "GET /open/x HTTP/1.1\r" + host + "\r\n"),
        refuses("CR in a name", "9112 2.2", get("X\rZ: 1\r\n")),
        refuses("CR CR LF ends a field", "9112 2.2", get("X: y\r\r\n")),
        refuses("CR CR LF ends the head", "9112 2.2", "GET /open/x HTTP/1.1\r\n" + host + "\r\r\n"),
        refuses("CR in a value that smuggles a length", "9112 2.2",
                get("X: y\rContent-Length: 5\r\n") + "hello"),
        refuses("CR for a blank", "9112 3", with_line("GET\r/open/x HTTP/1.1")),
        refuses("a folded line", "9112 5.2", get("X: y\r\n z\r\n")),
        refuses("a line folded with a tab", "9112 5.2", get("X: y\r\n\tz\r\n")),
        refuses("a line folded twice", "9112 5.2", get("X: y\r\n z\r\n z\r\n")),
        refuses("a line folded with nothing", "9112 5.2", get("X: y\r\n \r\n")),
        refuses("a folded empty value", "9112 5.2", get("X:\r\n y\r\n")),
        refuses("a folded credential", "9112 5.2",
                get("Authorization:\r\n Bearer " + wire::key + "\r\n", "/things/1")),
        refuses("a folded Connection", "9112 5.2", get("Connection:\r\n close\r\n")),
        refuses("a folded Host", "9112 5.2", "GET /open/x HTTP/1.1\r\nHost:\r\n a\r\n\r\n"),
        refuses("a fold after Host", "9112 5.2", "GET /open/x HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
        refuses("a fold in HTTP/1.0", "9112 5.2",
                "GET /open/x HTTP/1.0\r\n" + host + "X: y\r\n z\r\n\r\n"),
        refuses("a blank before the first field", "9112 2.2",
                "GET /open/x HTTP/1.1\r\n " + host + "\r\n"),
        refuses("a tab before the first field", "9112 2.2",
                "GET /open/x HTTP/1.1\r\n\tX: y\r\n" + host + "\r\n"),
        refuses("a line of blanks before the first field", "9112 2.2",
                "GET /open/x HTTP/1.1\r\n \r\n" + host + "\r\n"),
        refuses("a blank before the colon", "9112 5.1", get("X : y\r\n")),
        refuses("a tab before the colon", "9112 5.1", get("X\t: y\r\n")),
        refuses("a blank before Host's colon", "9112 5.1",
                "GET /open/x HTTP/1.1\r\nHost : a\r\n\r\n"),
        refuses("a blank before the credential's colon", "9112 5.1",
                get("Authorization : Bearer " + wire::key + "\r\n", "/things/1")),
        refuses("an empty name", "9110 5.1", get(": y\r\n")),
        refuses("only a colon", "9110 5.1", get(":\r\n")),
        refuses("no colon", "9112 5.1", get("X\r\n")),
        refuses("a request line for a field", "9112 5.1", get("GET /open/hidden HTTP/1.1\r\n")),
        refuses("two empty lines first", "9112 2.2", "\r\n\r\n" + get("")),
        refuses("LF first", "9112 2.2", "\n" + get("")),
        refuses("CR first", "9112 2.2", "\r" + get("")),
        refuses("CR CR LF first", "9112 2.2", "\r\r\n" + get("")),
        refuses("a blank line first", "9112 2.2", " \r\n" + get("")),
        passes("an empty line first", "9112 2.2", "\r\n" + get(""), seen_get("")),
        passes("white space round a value", "9112 5.1", get("X: \t y z \t\r\n"),
               seen_get("X: y z\r\n")),
        passes("an empty value", "9110 5.5", get("X:\r\n"), seen_get("X: \r\n")),
        passes("a value of blanks", "9110 5.5", get("X: \t \r\n"), seen_get("X: \r\n")),
        passes("a tab inside a value", "9110 5.5", get("X: y\tz\r\n"), seen_get("X: y\tz\r\n")),
        passes("8-bit bytes in a value", "9110 5.5", get("X: \xc3\xa9\x80\xff\r\n"),
               seen_get("X: \xc3\xa9\x80\xff\r\n")),
        passes("two fields of one name", "9110 5.3", get("X: 1\r\nY: 2\r\nx: 3\r\n"),
               seen_get("X: 1\r\nY: 2\r\nx: 3\r\n")),
    });
}

BOOST_AUTO_TEST_CASE(other_protocols_are_refused) {
    check_all({
        refuses("HTTP/0.9", "1945 4.1", "GET /open/x\r\n\r\n"),
        refuses("HTTP/0.9 with one line end", "1945 4.1", "GET /open/x\r\n" + hidden),
        refuses("HTTP/0.9, named", "9112 2.3", with_line("GET /open/x HTTP/0.9")),
        refuses("HTTP/1.2", "9112 2.3", with_line("GET /open/x HTTP/1.2")),
        refuses("HTTP/1.9", "9112 2.3", with_line("GET /open/x HTTP/1.9")),
        refuses("HTTP/2.0", "9112 2.3", with_line("GET /open/x HTTP/2.0")),
        refuses("HTTP/3.0", "9112 2.3", with_line("GET /open/x HTTP/3.0")),
        refuses("HTTP/1.10", "9112 2.3", with_line("GET /open/x HTTP/1.10")),
        refuses("HTTP/01.1", "9112 2.3", with_line("GET /open/x HTTP/01.1")),
        refuses("HTTP/11", "9112 2.3", with_line("GET /open/x HTTP/11")),
        refuses("HTTP/1", "9112 2.3", with_line("GET /open/x HTTP/1")),
        refuses("HTTP/1.", "9112 2.3", with_line("GET /open/x HTTP/1.")),
        refuses("HTTP/1,1", "9112 2.3", with_line("GET /open/x HTTP/1,1")),
        refuses("HTTP/-1.1", "9112 2.3", with_line("GET /open/x HTTP/-1.1")),
        refuses("HTTP/1.1 with letters", "9112 2.3", with_line("GET /open/x HTTP/1.1x")),
        refuses("HTTP 1.1", "9112 2.3", with_line("GET /open/x HTTP 1.1")),
        refuses("http in small letters", "9112 2.3", with_line("GET /open/x http/1.1")),
        refuses("Http", "9112 2.3", with_line("GET /open/x Http/1.1")),
        refuses("another name", "9112 2.3", with_line("GET /open/x ICY/1.1")),
        refuses("a longer name", "9112 2.3", with_line("GET /open/x XHTTP/1.1")),
        refuses("the preface of HTTP/2", "9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        refuses("the preface and a frame", "9113 3.4",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"s),
        refuses("TLS on the plain port", "8446 5.1",
                "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s),
        refuses("the PROXY line", "9112 3", "PROXY TCP4 10.0.0.1 10.0.0.2 1 80\r\n" + get("")),
        refuses("the binary PROXY header", "9112 3",
                "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"s + std::string(12, '\1') + get("")),
        refuses("SSH", "9112 3", "SSH-2.0-OpenSSH_9.2\r\n"s + "\r\n"),
        refuses("SOCKS", "9112 3", "\x05\x01\x00"s),
        refuses("an answer", "9112 2.1", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        refuses("a blank after the version", "9112 3", with_line("GET /open/x HTTP/1.1 ")),
        refuses("two blanks", "9112 3", with_line("GET  /open/x HTTP/1.1")),
        refuses("two blanks before the version", "9112 3", with_line("GET /open/x  HTTP/1.1")),
        refuses("a tab for a blank", "9112 3", with_line("GET\t/open/x HTTP/1.1")),
        refuses("a tab before the version", "9112 3", with_line("GET /open/x\tHTTP/1.1")),
        refuses("a no-break space for a blank", "9112 3", with_line("GET\xc2\xa0/open/x HTTP/1.1")),
        refuses("a blank first", "9112 3", with_line(" GET /open/x HTTP/1.1")),
        refuses("NUL first", "9112 3", "\0"s + with_line("GET /open/x HTTP/1.1")),
        refuses("a byte order mark first", "9112 3",
                "\xef\xbb\xbf" + with_line("GET /open/x HTTP/1.1")),
        refuses("no target", "9112 3", with_line("GET HTTP/1.1")),
        refuses("an empty target", "9112 3", with_line("GET  HTTP/1.1")),
        refuses("only a method", "9112 3", with_line("GET")),
        refuses("no method", "9112 3", with_line("/open/x HTTP/1.1")),
        refuses("a blank inside the target", "9112 3.2", get("", "/open/x y")),
        refuses("a second request line inside the target", "9112 11.2",
                with_line("GET /open/x HTTP/1.1 GET /open/hidden HTTP/1.1")),
    });
}

BOOST_AUTO_TEST_CASE(a_host_is_one_name) {
    std::vector<RequestRow> rows{
        refuses("no Host", "9112 3.2", "GET /open/x HTTP/1.1\r\n\r\n"),
        refuses("no Host but a double of it", "9112 3.2",
                "GET /open/x HTTP/1.1\r\nX-Forwarded-Host: a\r\n\r\n"),
        refuses("no Host with absolute-form", "9112 3.2", "GET http://a/open/x HTTP/1.1\r\n\r\n"),
        refuses("two Hosts", "9112 3.2", get("Host: b\r\n")),
        refuses("two Hosts that are equal", "9112 3.2", get(host)),
        refuses("two Hosts in two cases", "9112 3.2", get("HOST: a\r\n")),
        refuses("a Host and an empty one", "9112 3.2", get("Host:\r\n")),
        refuses("no Host in HTTP/1.0, and absolute-form with a user", "9110 4.2.4",
                "GET http://u@a/open/x HTTP/1.0\r\n\r\n", "target_invalid"),
        refuses("two Hosts in HTTP/1.0", "9112 3.2",
                "GET /open/x HTTP/1.0\r\n" + host + host + "\r\n"),
        refuses("a bad Host in HTTP/1.0", "9112 3.2", "GET /open/x HTTP/1.0\r\nHost: a/b\r\n\r\n"),
        refuses("an empty Host", "9110 4.2.1", with_host("")),
        refuses("a Host of blanks", "9110 4.2.1", with_host(" \t")),
        refuses("only a port", "9110 4.2.1", with_host(":80")),
    };
    const std::vector<std::pair<std::string, std::string>> values{
        {"a list", "a, b"},
        {"a list without a blank", "a,b"},
        {"a blank inside", "a b"},
        {"a tab inside", "a\tb"},
        {"a path", "a/b"},
        {"a slash", "a/"},
        {"a backslash", "a\\b"},
        {"a query", "a?b"},
        {"a fragment", "a#b"},
        {"a scheme", "http://a"},
        {"quotes", "\"a\""},
        {"angle brackets", "<a>"},
        {"an escape", "%61"},
        {"a bad escape", "a%zz"},
        {"8-bit bytes", "\xc3\xa9"},
        {"a fullwidth dot", "a\xef\xbc\x8e"
                            "b"},
    };
    for (const auto& [name, value] : values)
        rows.push_back(refuses("Host with " + name, "3986 3.2.2", with_host(value)));
    for (const std::string value : {"[::1", "::1]", "[::1]x", "[]", "[:::g]", "[a", "::1",
                                    "[::1]:x", "[::1%25eth0]", "[[::1]]"})
        rows.push_back(refuses("Host with an address " + value, "3986 3.2.2", with_host(value)));
    for (const std::string user : {"u@a", "u:p@a", "@a", "a@b@c", "a:80@b"})
        rows.push_back(refuses("Host with a user " + user, "9110 4.2.4", with_host(user)));
    for (const std::string value : {"a:x", "a:65536", "a:1:2", "a:-1", "a:+80", "a: 80", "a:80 ;",
                                    "a:0x50", "a:99999999999", "a:\xef\xbc\x98"})
        rows.push_back(refuses("Host with a port " + value, "3986 3.2.3", with_host(value)));
    for (const std::string value :
         {"a", "A.B", "a.", "a-b", "a_b", "127.0.0.1", "a:80", "a:", "a:0", "a:65535", "[::1]",
          "[::1]:8080", "[2001:db8::1.2.3.4]", "xn--caf-dma.example", "a!$&'()*+;=~"})
        rows.push_back(passes("Host " + value, "3986 3.2.2", with_host(value),
                              "GET /open/x HTTP/1.1\r\nHost: " + value + "\r\n" +
                                  ours_without_host + "X-Forwarded-Host: " + value +
                                  "\r\nX-Request-Id: ID\r\nVia: 1.1 keygate\r\n\r\n"));
    rows.push_back(passes("white space round Host", "9112 5.1",
                          "GET /open/x HTTP/1.1\r\nhOST:\t a \t\r\n\r\n", seen_get("")));
    rows.push_back(passes("Host behind other fields", "9110 7.2",
                          "GET /open/x HTTP/1.1\r\nX: y\r\n" + host + "\r\n",
                          seen_get("X: y\r\n")));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(a_target_has_one_form) {
    std::vector<RequestRow> rows;
    const auto invalid = [&](std::string name, std::string source, const std::string& target) {
        rows.push_back(refuses_and_stays(std::move(name), std::move(source), get("", target),
                                         "target_invalid"));
    };
    invalid("absolute-form of another host", "9112 3.2.2", "http://b/open/x");
    invalid("absolute-form of another port", "9112 3.2.2", "http://a:81/open/x");
    invalid("absolute-form of a longer host", "9112 3.2.2", "http://a.b/open/x");
    invalid("absolute-form with a user", "9110 4.2.4", "http://u@a/open/x");
    invalid("absolute-form with an empty user", "9110 4.2.4", "http://@a/open/x");
    invalid("absolute-form without a host", "9110 4.2.1", "http:///open/x");
    invalid("absolute-form with one slash", "9112 3.2.2", "http:/a/open/x");
    invalid("absolute-form without slashes", "9112 3.2.2", "http:a");
    invalid("absolute-form with a backslash", "9112 3.2.2", "http://a\\open/x");
    invalid("absolute-form with a fragment", "3986 3.5", "http://a#x");
    invalid("absolute-form with dots", "3986 3.3", "http://a/open/../things/1");
    invalid("absolute-form in absolute-form", "9112 3.2.2", "http://a//http://a/open/x");
    invalid("absolute-form of another scheme", "9112 3.2.2", "ftp://a/open/x");
    invalid("a file", "9112 3.2.2", "file:///open/x");
    invalid("network-path", "9112 3.2.1", "//a/open/x");
    invalid("asterisk with GET", "9112 3.2.4", "*");
    invalid("authority with GET", "9112 3.2.3", "a:80");
    invalid("a path without a slash", "9112 3.2.1", "open/x");
    invalid("only a query", "9112 3.2.1", "?x");
    invalid("a fragment", "3986 3.5", "/open/x#y");
    invalid("an empty fragment", "3986 3.5", "/open/x#");
    invalid("a fragment in the query", "3986 3.5", "/open/x?a#y");
    invalid("an 8-bit byte", "3986 3.3", "/open/\xc3\xa9");
    invalid("an 8-bit byte in the query", "3986 3.4", "/open/x?\xc3\xa9");
    invalid("a bad escape in the query", "3986 3.4", "/open/x?%zz");
    invalid("a backslash", "3986 3.3", "/open\\x");
    invalid("a backslash in the query", "3986 3.4", "/open/x?a\\b");
    for (const std::string target :
         {"/open/..",        "/open/../things/1", "/open/.",        "/open/./x",
          "/open/..;/x",     "/open//x",          "/open/%2e%2e/x", "/open/%2E/x",
          "/open/%2fx",      "/open/%5cx",        "/open/%00",      "/open/%0d%0a",
          "/open/%25",       "/open/%252e",       "/open/%3b",      "/open/%3f",
          "/open/%23",       "/open/%7f",         "/open/%",        "/open/%4",
          "/open/%zz",       "/open/%u002e",      "/open/%c0%ae",   "/open/%c0%af",
          "/open/%e0%80%af", "/open/%ed%a0%80",   "/open/%ff",      "/open/%ef%bc%8f",
          "/open/%ef%bc%8e", "/open/<x>",         "/open/\"x\"",    "/open/{x}",
          "/open/x|y",       "/open/x^y",         "/open/`x`",      "/open/[x]"})
        invalid("path " + target, "3986 3.3", target);
    const auto valid = [&](const std::string& target, const std::string& expected) {
        rows.push_back(
            passes("target " + target, "9112 3.2.1", get("", target), seen_get("", expected)));
    };
    valid("/open/x?a=%20b&c", "/open/x?a=%20b&c");
    valid("/open/x?", "/open/x?");
    valid("/open/x?a=/../b//c;d", "/open/x?a=/../b//c;d");
    valid("/open/x;v=1", "/open/x;v=1");
    valid("/open/a%20b", "/open/a%20b");
    valid("/open/%C3%A9", "/open/%C3%A9");
    valid("/open/%c3%a9", "/open/%C3%A9");
    valid("/open/%41%7e", "/open/A~");
    valid("/open/!$&'()*+,=:@", "/open/!$&'()*+,=:@");
    valid("/open/...", "/open/...");
    valid("/open/x/", "/open/x/");
    valid("/", "/");
    valid("http://a/open/x?y", "/open/x?y");
    valid("HTTP://A/open/x", "/open/x");
    valid("https://a/open/x", "/open/x");
    valid("http://a", "/");
    valid("http://a?y", "/?y");
    rows.push_back(passes("absolute-form with a port", "9112 3.2.2",
                          "GET http://a:80/open/x HTTP/1.1\r\nHost: a:80\r\n\r\n",
                          "GET /open/x HTTP/1.1\r\nHost: a:80\r\n" + ours_without_host +
                              "X-Forwarded-Host: a:80\r\nX-Request-Id: ID\r\n"
                              "Via: 1.1 keygate\r\n\r\n"));
    rows.push_back(refuses_and_stays("a path that no route has", "9110 15.5.5", get("", "/openx"),
                                     "route_unknown"));
    rows.push_back(refuses_and_stays("a path in other letters", "3986 3.3", get("", "/OPEN/x"),
                                     "route_unknown"));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(methods_are_tokens_and_two_are_never_forwarded) {
    std::vector<RequestRow> rows;
    for (const std::string method :
         {"PUT", "DELETE", "OPTIONS", "PATCH", "PURGE", "M-SEARCH", "PROPFIND", "PRI", "get", "Get",
          "GETX", "X", "!#$%&'*+-.^_`|~"})
        rows.push_back(passes("method " + method, "9110 9.1", with_method(method),
                              seen(method + " /open/x", "")));
    rows.push_back(passes("HEAD", "9110 9.3.2", with_method("HEAD"), seen("HEAD /open/x", "")));
    rows.push_back(passes("a method of 1000 letters", "9110 9.1",
                          with_method(std::string(1000, 'M')),
                          seen(std::string(1000, 'M') + " /open/x", "")));
    const auto never = [&](std::string name, std::string source, std::string bytes) {
        rows.push_back(refuses_and_stays(std::move(name), std::move(source), std::move(bytes),
                                         "route_method", "Allow: \r\n"));
    };
    never("CONNECT", "9110 9.3.6", with_line("CONNECT a:80 HTTP/1.1"));
    never("CONNECT of another host", "9110 9.3.6", with_line("CONNECT b:443 HTTP/1.1"));
    never("CONNECT of a path", "9110 9.3.6", with_line("CONNECT /open/x HTTP/1.1"));
    never("connect", "9110 9.3.6", with_line("connect a:80 HTTP/1.1"));
    never("TRACE", "9110 9.3.8", with_line("TRACE /open/x HTTP/1.1"));
    never("Trace", "9110 9.3.8", with_line("Trace /open/x HTTP/1.1"));
    never("TRACE of nothing there", "9110 9.3.8", with_line("TRACE /nothing HTTP/1.1"));
    never("OPTIONS *", "9110 9.3.7", with_line("OPTIONS * HTTP/1.1"));
    never("OPTIONS of a host", "9112 3.2.4", with_line("OPTIONS http://a HTTP/1.1"));
    rows.push_back(refuses(
        "CONNECT with what was meant for the tunnel", "9110 9.3.6",
        "CONNECT a:80 HTTP/1.1\r\n" + host + "Content-Length: 9\r\n\r\n" + hidden, "route_method"));
    rows.back().answers = {refused("route_method", After::closes, "Allow: \r\n")};
    rows.push_back(refuses_and_stays("a method that a route does not take", "9110 10.2.1",
                                     with_line("POST /pass HTTP/1.1"), "route_method",
                                     "Allow: GET, HEAD\r\n"));
    rows.push_back(refuses_and_stays("a method in small letters on a route that names it",
                                     "9110 9.1", with_line("get /pass HTTP/1.1"), "route_method",
                                     "Allow: GET, HEAD\r\n"));
    rows.push_back(refuses_and_stays("OPTIONS without a key", "9110 9.3.7",
                                     with_line("OPTIONS /things/1 HTTP/1.1"), "auth_missing"));
    rows.push_back(refuses_and_stays("HEAD without a key", "9110 9.3.2",
                                     with_line("HEAD /things/1 HTTP/1.1"), "auth_missing"));
    rows.push_back(
        refuses("HEAD that is none", "9110 9.3.2", "HEAD /open/x HTTP/1.1\r\nHost: a b\r\n\r\n"));
    check_all(rows);
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_refused_at_a_fixed_bound) {
    std::string largest = get_of_size(4096);
    largest.erase(largest.size() - 2);
    check_all({
        passes("a head of the largest size", "9110 5.4", get_of_size(4096), largest + ours_1_1),
        refuses("a head of one byte more", "6585 5", get_of_size(4097), "head_too_large"),
        refuses("a head without an end", "6585 5",
                get("X: ").substr(0, 40) + std::string(5000, 'x'), "head_too_large"),
        refuses("a request line without an end", "6585 5", "GET /" + std::string(5000, 'x'),
                "head_too_large"),
        refuses("a method without an end", "6585 5", std::string(5000, 'G'), "head_too_large"),
        refuses("lines without an end", "6585 5", get(repeated("X: y\r\n", 1000)),
                "head_too_large"),
        refuses("HEAD that is too large", "9110 9.3.2",
                "HEAD /open/x HTTP/1.1\r\n" + host + "X: " + std::string(5000, 'x') + "\r\n\r\n",
                "head_too_large"),
        refuses("a bad line behind the bound", "6585 5",
                get("X: " + std::string(5000, 'x') + "\nY: z\r\n"), "head_too_large"),
        passes("100 fields", "9110 5.4", get(counted_fields(99)), seen_get(counted_fields(99))),
        refuses("101 fields", "6585 5", get(counted_fields(100)), "head_too_large"),
        passes("a target of the largest size", "9110 15.5.15",
               get("", "/open/" + std::string(1018, 'x')),
               seen_get("", "/open/" + std::string(1018, 'x'))),
        refuses("a target of one byte more", "9110 15.5.15",
                get("", "/open/" + std::string(1019, 'x')), "target_too_long"),
        refuses("a query of one byte more", "9110 15.5.15",
                get("", "/open/x?" + std::string(1017, 'x')), "target_too_long"),
        refuses("absolute-form of one byte more", "9110 15.5.15",
                get("", "http://a/open/" + std::string(1011, 'x')), "target_too_long"),
    });
}

BOOST_AUTO_TEST_CASE(connections_stay_open_as_the_version_and_the_client_say) {
    const auto old = [](const std::string& fields) {
        return "GET /open/x HTTP/1.0\r\n" + host + fields + "\r\n";
    };
    const std::string seen_old = seen("GET /open/x", "", "", ours_1_0);
    std::vector<RequestRow> rows{
        passes_and_closes("HTTP/1.0", "9112 9.3", old(""), seen_old),
        passes_and_closes("HTTP/1.0, absolute-form, no Host", "9112 3.2.2",
                          "GET http://a/open/x HTTP/1.0\r\n\r\n", seen_old),
        passes_and_closes("HTTP/1.0 and Proxy-Connection", "9112 9.3",
                          old("Proxy-Connection: keep-alive\r\n"), seen_old),
        passes_and_closes("HTTP/1.0 and both", "9112 9.3", old("Connection: keep-alive, close\r\n"),
                          seen_old),
        passes_and_closes("HTTP/1.0 and both in two fields", "9112 9.3",
                          old("Connection: keep-alive\r\nConnection: close\r\n"), seen_old),
        passes_and_closes("HTTP/1.0 and Keep-Alive alone", "9112 9.3",
                          old("Keep-Alive: timeout=60\r\n"), seen_old),
        passes_and_closes("HTTP/1.0 that pipelines", "9112 9.3", old("") + hidden, seen_old),
        passes("HTTP/1.0 that stays open", "9112 9.3", old("Connection: Keep-Alive\r\n"), seen_old,
               After::open_1_0),
        passes("HTTP/1.0 that stays open, in a list", "9112 9.3",
               old("Connection: x, KEEP-ALIVE ,\r\n"), seen_old, After::open_1_0),
        passes_and_closes(
            "HTTP/1.0 without Host", "9112 3.2", "GET /open/x HTTP/1.0\r\n\r\n",
            "GET /open/x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(origin.port()) + "\r\n" +
                ours_without_host + "X-Request-Id: ID\r\nVia: 1.0 keygate\r\n\r\n"),
        passes_and_closes("HTTP/1.0 HEAD", "9110 9.3.2",
                          "HEAD /open/x HTTP/1.0\r\n" + host + "\r\n",
                          seen("HEAD /open/x", "", "", ours_1_0)),
        refuses("HTTP/1.0 without a key", "9112 9.3", "GET /things/1 HTTP/1.0\r\n" + host + "\r\n",
                "auth_missing"),
        refuses_old("HTTP/1.0 without a key that stays open", "9112 9.3",
                    "GET /things/1 HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n",
                    "auth_missing"),
        passes("HTTP/1.1 and keep-alive", "9112 9.3", get("Connection: keep-alive\r\n"),
               seen_get("")),
        passes("words like close", "9112 9.6", get("Connection: closed, x-close, clos\r\n"),
               seen_get("")),
        refuses("close in quotes", "9110 7.6.1", get("Connection: \"close\"\r\n")),
        refuses("options without a comma", "9110 7.6.1", get("Connection: keep-alive close\r\n")),
        passes("an empty Connection", "9110 7.6.1", get("Connection:\r\nConnection: ,, ,\r\n"),
               seen_get("")),
        at_its_end(passes("a client that ends its direction", "9112 9.6", get(""), seen_get(""))),
    };
    for (const std::string value :
         {"close", "CLOSE", "x, close", "close,x", ",\tclose ,", "keep-alive, close"})
        rows.push_back(passes_and_closes("Connection: " + value, "9112 9.6",
                                         get("Connection: " + value + "\r\n") + hidden,
                                         seen_get("")));
    check_all(rows);
}

BOOST_AUTO_TEST_SUITE_END()
