#include "net/tls_ends.hpp"

#include <boost/asio/ssl/error.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/ioctl.h>

using namespace keygate;
using namespace net::test;
using namespace std::string_literals;

using net::TlsTickets;
using net::Transfer;

BOOST_AUTO_TEST_SUITE(net_tls)

// --- bytes ---

BOOST_AUTO_TEST_CASE(what_is_sent_arrives_in_both_directions) {
    Loop loop;
    Pair pair{loop, plain_server(), client_of(trusting(made().authority))};
    BOOST_TEST_REQUIRE(pair.shake_hands(), pair.ours.problem + pair.theirs.problem);
    BOOST_TEST(!pair.theirs.channel.tls()->is_resumed());
    BOOST_TEST(pair.theirs.channel.tls()->server_name() == "api.test");
    BOOST_TEST(pair.theirs.channel.tls()->peer_certificate().empty());
    const std::string asked = text_of(1'000'000);
    const std::string answered = text_of(777'777);
    BOOST_TEST(pair.ours.out.send({"head", asked}));
    BOOST_TEST(pair.theirs.out.send({answered, "tail"}));
    BOOST_TEST(loop.run([&] {
        return pair.theirs.received.size() == asked.size() + 4 &&
               pair.ours.received.size() == answered.size() + 4;
    }));
    BOOST_TEST((pair.theirs.received == "head" + asked));
    BOOST_TEST((pair.ours.received == answered + "tail"));
    BOOST_TEST(pair.ours.out.sent() == asked.size() + 4);
    // All is read, and nobody is called for nothing.
    BOOST_TEST(!pair.ours.channel.is_readable());
    BOOST_TEST(!pair.theirs.channel.is_readable());
}

BOOST_AUTO_TEST_CASE(a_read_takes_as_many_records_as_its_space_holds) {
    Loop loop;
    RawPair pair{loop, plain_server()};
    BOOST_TEST_REQUIRE(pair.shake_hands());
    pair.theirs.reads = false;
    for (const char* const piece : {"one ", "two ", "three"})
        BOOST_TEST(pair.ours.write(piece));
    BOOST_TEST_REQUIRE(loop.run([&] { return pair.theirs.channel.is_readable(); }));
    std::array<char, 10> space{};
    const auto whole = std::string{"one two three"};
    Transfer transfer = pair.theirs.channel.read(space);
    BOOST_TEST((std::string{space.data(), transfer.bytes} == whole.substr(0, transfer.bytes)));
    std::size_t got = transfer.bytes;
    BOOST_TEST(loop.run([&] {
        transfer = pair.theirs.channel.read(space);
        if (transfer.state == Transfer::State::moved) got += transfer.bytes;
        return got == whole.size();
    }));
    // The rest of a record that is decrypted already needs no event.
    BOOST_TEST(pair.ours.write("0123456789abcde"));
    BOOST_TEST_REQUIRE(loop.run([&] { return pair.theirs.channel.is_readable(); }));
    BOOST_TEST(pair.theirs.channel.read(space).bytes == 10U);
    BOOST_TEST(pair.theirs.channel.is_readable());
    BOOST_TEST(pair.theirs.channel.read(space).bytes == 5U);
    BOOST_TEST(!pair.theirs.channel.is_readable());
    BOOST_TEST((pair.theirs.channel.read(space).state == Transfer::State::would_block));
}

BOOST_AUTO_TEST_CASE(small_pieces_share_a_record) {
    Loop loop;
    RawPair pair{loop, plain_server()};
    BOOST_TEST_REQUIRE(pair.shake_hands());
    BOOST_TEST_REQUIRE(loop.run([&] { return pair.theirs.channel.tls()->is_established(); }));
    const std::string large = text_of(20'000);
    BOOST_TEST(pair.theirs.out.send({"HTTP/1.1 200 OK\r\n", "", "A: b\r\n", "\r\n", large, "end"}));
    const std::string whole = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + large + "end";
    std::vector<std::size_t> records;
    BOOST_TEST(loop.run([&] { return pair.ours.received.size() >= whole.size(); },
                        [&] {
                            pair.ours.read();
                            if (!pair.ours.last.empty()) records.push_back(pair.ours.last.size());
                        }));
    BOOST_TEST((pair.ours.received == whole));
    const std::vector<std::size_t> expected{16 * 1024, whole.size() - std::size_t{16} * 1024};
    BOOST_TEST(records == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_the_kernel_does_not_take_is_tried_again) {
    for (const std::size_t size : {std::size_t{100}, std::size_t{5'000}, std::size_t{16'384},
                                   std::size_t{70'000}, std::size_t{1'000'000}}) {
        Loop loop;
        Pair pair{loop, plain_server(), client_of(trusting(made().authority)), "api.test", true};
        BOOST_TEST_REQUIRE(pair.shake_hands());
        pair.ours.reads = false;
        // Until nothing goes any more, then more of all sizes behind it.
        std::string expected;
        const std::string piece = text_of(size);
        for (int i = 0; i < 20'000 && pair.theirs.out.is_empty(); ++i) {
            BOOST_TEST_REQUIRE(pair.theirs.out.send({"<", piece, ">"}));
            expected += "<" + piece + ">";
        }
        BOOST_TEST(!pair.theirs.out.is_empty());
        for (const std::size_t more : {std::size_t{1}, std::size_t{20'000}, std::size_t{3}}) {
            const std::string text = text_of(more);
            BOOST_TEST_REQUIRE(pair.theirs.out.send({text, "."}));
            expected += text + ".";
        }
        pair.ours.reads = true;
        pair.ours.channel.call_again();
        BOOST_TEST(loop.run([&] { return pair.ours.received.size() >= expected.size(); }));
        BOOST_TEST((pair.ours.received == expected));
        BOOST_TEST(!pair.theirs.failure.has_value());
        BOOST_TEST(pair.theirs.out.is_empty());
        BOOST_TEST(pair.theirs.out.sent() == expected.size());
    }
}

// --- ends ---

BOOST_AUTO_TEST_CASE(an_end_is_one_only_where_the_peer_says_so) {
    Loop loop;
    {
        RawPair pair{loop, plain_server()};
        BOOST_TEST_REQUIRE(pair.shake_hands());
        BOOST_TEST(pair.ours.write("all of it"));
        pair.ours.shut_down();
        ::shutdown(pair.ours.descriptor(), SHUT_WR);
        BOOST_TEST(loop.run([&] { return pair.theirs.ends > 0; }));
        BOOST_TEST(pair.theirs.received == "all of it");
        BOOST_TEST(!pair.theirs.failure.has_value());
        // The other direction goes on, and ends by itself.
        BOOST_TEST(pair.theirs.out.send({"an answer"}));
        BOOST_TEST(pair.read_until(9));
        BOOST_TEST(pair.theirs.ends == 1); // the end of the socket is no other one
        pair.theirs.channel.shutdown_write();
        BOOST_TEST(!pair.theirs.channel.is_ending());
        BOOST_TEST(loop.run([&] { return pair.ours.has_failed; }, [&] { pair.ours.read(); }));
        BOOST_TEST(pair.ours.received == "an answer");
        BOOST_TEST((SSL_get_shutdown(pair.ours.get()) & SSL_RECEIVED_SHUTDOWN) != 0);
    }
    {
        RawPair pair{loop, plain_server()};
        BOOST_TEST_REQUIRE(pair.shake_hands());
        BOOST_TEST(pair.ours.write("a part of it"));
        ::shutdown(pair.ours.descriptor(), SHUT_WR);
        BOOST_TEST(loop.run([&] { return pair.theirs.failure.has_value(); }));
        BOOST_TEST(pair.theirs.received == "a part of it");
        BOOST_TEST((*pair.theirs.failure == boost::asio::ssl::error::stream_truncated));
        BOOST_TEST(pair.theirs.problem == no_close_notify);
    }
}

BOOST_AUTO_TEST_CASE(a_close_is_told_and_a_reset_is_not) {
    for (const bool is_reset : {false, true}) {
        Loop loop;
        RawPair pair{loop, plain_server()};
        BOOST_TEST_REQUIRE(pair.shake_hands());
        BOOST_TEST_REQUIRE(loop.run([&] { return pair.theirs.channel.tls()->is_established(); }));
        if (is_reset)
            pair.theirs.channel.reset();
        else
            pair.theirs.channel.close();
        BOOST_TEST(loop.run([&] { return pair.ours.has_failed; }, [&] { pair.ours.read(); }));
        const bool is_told = (SSL_get_shutdown(pair.ours.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
        BOOST_TEST(is_told == !is_reset);
    }
}

BOOST_AUTO_TEST_CASE(an_end_waits_for_the_kernel_to_take_it) {
    Loop loop;
    RawPair pair{loop, plain_server(), TLS1_3_VERSION, true};
    BOOST_TEST_REQUIRE(pair.shake_hands());
    BOOST_TEST_REQUIRE(loop.run([&] { return pair.theirs.channel.tls()->is_established(); }));
    // Below TLS, so that no record is left half sent.
    const std::string filling(1'000, 'x');
    while (::send(pair.theirs.channel.descriptor(), filling.data(), filling.size(), MSG_DONTWAIT) >
           0) {
    }
    pair.theirs.channel.shutdown_write();
    BOOST_TEST(pair.theirs.channel.is_ending());
    std::string seen;
    bool has_ended = false;
    BOOST_TEST(loop.run([&] { return has_ended; },
                        [&] {
                            char space[4096];
                            const ssize_t count =
                                ::recv(pair.ours.descriptor(), space, sizeof space, MSG_DONTWAIT);
                            if (count > 0) seen.append(space, static_cast<std::size_t>(count));
                            has_ended = count == 0;
                        }));
    BOOST_TEST(!pair.theirs.channel.is_ending());
    // An alert, as TLS 1.3 sends it: 2 bytes, their type and 16 of the tag.
    BOOST_TEST_REQUIRE(seen.size() > 24U);
    BOOST_TEST(seen.substr(seen.size() - 25, 6) == "x\x17\x03\x03\x00\x13"s);
}

BOOST_AUTO_TEST_CASE(what_was_sent_before_a_broken_write_is_still_read) {
    Loop loop;
    RawPair pair{loop, plain_server()};
    BOOST_TEST_REQUIRE(pair.shake_hands());
    pair.theirs.reads = false;
    BOOST_TEST_REQUIRE(loop.run([&] { return pair.theirs.channel.tls()->is_established(); }));
    BOOST_TEST(pair.ours.write("too large, go away"));
    // Closed with unread bytes: a reset.
    BOOST_TEST(pair.theirs.out.send({"some"}));
    BOOST_TEST_REQUIRE(loop.run([&] {
        int waiting = 0;
        return ::ioctl(pair.ours.descriptor(), FIONREAD, &waiting) == 0 && waiting > 0;
    }));
    pair.ours.close();
    const std::string more = text_of(100'000);
    loop.run([&] { return !pair.theirs.out.send({more}) || !pair.theirs.out.is_empty(); });
    pair.theirs.out.drop();
    pair.theirs.reads = true;
    pair.theirs.channel.expect_end();
    BOOST_TEST(loop.run([&] { return pair.theirs.failure.has_value(); }));
    BOOST_TEST(pair.theirs.received == "too large, go away");
}

// --- silence ---

BOOST_AUTO_TEST_CASE(tickets_are_silence_and_nothing_else_is) {
    enum class Row { nothing, data, part_of_a_record, end, cut, garbage };
    for (const Row row :
         {Row::nothing, Row::data, Row::part_of_a_record, Row::end, Row::cut, Row::garbage}) {
        Loop loop;
        const ClientRef client = client_of(trusting(made().authority));
        Pair pair{loop, plain_server(), client};
        pair.ours.reads = false;
        pair.theirs.reads = true;
        BOOST_TEST_REQUIRE(pair.shake_hands());
        // Two tickets come behind the handshake.
        BOOST_TEST_REQUIRE(loop.run([&] { return pair.ours.channel.is_readable(); }));
        BOOST_TEST(pair.ours.channel.is_silent());
        BOOST_TEST(!pair.ours.channel.is_readable());
        BOOST_TEST(pair.ours.channel.is_silent());
        const int theirs = pair.theirs.channel.descriptor();
        switch (row) {
        case Row::nothing:
            break;
        case Row::data:
            BOOST_TEST(pair.theirs.out.send({"x"}));
            break;
        case Row::part_of_a_record:
            BOOST_TEST(::send(theirs, "\x17\x03", 2, 0) == 2);
            break;
        case Row::end:
            pair.theirs.channel.shutdown_write();
            break;
        case Row::cut:
            ::shutdown(theirs, SHUT_WR);
            break;
        case Row::garbage:
            BOOST_TEST(::send(theirs, "HTTP/1.1 200 OK\r\n\r\n", 19, 0) == 19);
            break;
        }
        BOOST_TEST(pair.ours.channel.is_silent() == (row == Row::nothing));
        BOOST_TEST(pair.ours.channel.is_readable() == (row != Row::nothing));
        if (row != Row::data) continue;
        // It is still there.
        pair.ours.reads = true;
        pair.ours.channel.call_again();
        BOOST_TEST(loop.run([&] { return pair.ours.received == "x"; }));
    }
}

BOOST_AUTO_TEST_CASE(before_a_handshake_silence_is_that_of_the_socket) {
    Loop loop;
    const auto ends = connected_pair();
    End server{loop, ends.second, plain_server()->session()};
    BOOST_TEST(server.channel.is_silent());
    BOOST_TEST(::send(ends.first, "\x16", 1, 0) == 1);
    BOOST_TEST(!server.channel.is_silent());
    ::close(ends.first);
}

BOOST_AUTO_TEST_CASE(who_sends_nothing_but_messages_of_tls_has_no_thread_for_himself) {
    Loop loop;
    RawPair pair{loop, plain_server(), TLS1_3_VERSION};
    BOOST_TEST_REQUIRE(pair.shake_hands());
    BOOST_TEST_REQUIRE(loop.run([&] { return pair.theirs.channel.tls()->is_established(); }));
    pair.theirs.reads = false;
    // 27 bytes each, more than a call may take; as long as they fit.
    int updates = 0;
    for (; updates < 30'000; ++updates) {
        BOOST_TEST_REQUIRE(SSL_key_update(pair.ours.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
        if (!pair.ours.shake_hands()) break;
    }
    loop.run([&] { return pair.theirs.channel.is_readable(); });
    pair.theirs.reads = true;
    const int before = pair.theirs.calls;
    pair.theirs.channel.call_again();
    bool is_written = false;
    BOOST_TEST(loop.run([&] { return pair.theirs.received == "data" || pair.theirs.failure; },
                        [&] {
                            if (!is_written) is_written = pair.ours.write("data");
                        }));
    BOOST_TEST(pair.theirs.received == "data");
    BOOST_TEST(pair.theirs.calls - before >= updates * 22 / (256 * 1024));
}

// --- what is not spoken ---

BOOST_AUTO_TEST_CASE(only_http_1_1_is_spoken) {
    struct Row {
        std::string_view offered;
        bool is_spoken;
    };

    for (const Row row :
         {Row{"", true}, Row{"\x08http/1.1", true}, Row{"\x02h2\x08http/1.1", true},
          Row{"\x02h2", false}, Row{"\x08http/1.0", false}, Row{"\x08HTTP/1.1", false}}) {
        Loop loop;
        RawPair pair{loop, plain_server()};
        if (!row.offered.empty())
            SSL_set_alpn_protos(pair.ours.get(),
                                reinterpret_cast<const unsigned char*>(row.offered.data()),
                                static_cast<unsigned int>(row.offered.size()));
        BOOST_TEST(pair.shake_hands() == row.is_spoken);
        const unsigned char* chosen = nullptr;
        unsigned int size = 0;
        SSL_get0_alpn_selected(pair.ours.get(), &chosen, &size);
        BOOST_TEST((size != 0) == (row.is_spoken && !row.offered.empty()));
        if (!row.is_spoken) BOOST_TEST(pair.ours.reason == "tlsv1 alert no application protocol");
    }
}

BOOST_AUTO_TEST_CASE(old_versions_and_weak_ciphers_are_not_spoken) {
    config::ListenerTls newest = tls_of({made().api});
    newest.min_version = config::TlsVersion::tls_1_3;

    struct Row {
        ServerRef server;
        int version;
        const char* ciphers;
        bool is_spoken;
    };

    const ServerRef strict = server_of(newest);
    for (const Row& row :
         {Row{plain_server(), TLS1_1_VERSION, "ALL:@SECLEVEL=0", false},
          Row{plain_server(), TLS1_2_VERSION, "ALL", true},
          Row{plain_server(), TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false},
          Row{plain_server(), TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true},
          Row{strict, TLS1_2_VERSION, "ALL", false}, Row{strict, TLS1_3_VERSION, "ALL", true}}) {
        Loop loop;
        RawPair pair{loop, row.server, row.version};
        SSL_set_min_proto_version(pair.ours.get(), 0);
        SSL_set_cipher_list(pair.ours.get(), row.ciphers);
        BOOST_TEST(pair.shake_hands() == row.is_spoken);
        if (row.is_spoken) continue;
        BOOST_TEST(loop.run([&] { return pair.theirs.failure.has_value(); }));
        BOOST_TEST(!pair.theirs.problem.empty());
    }
}

BOOST_AUTO_TEST_CASE(nobody_negotiates_again) {
    Loop loop;
    RawPair pair{loop, plain_server(), TLS1_2_VERSION};
    BOOST_TEST_REQUIRE(pair.shake_hands());
    SSL_set_options(pair.ours.get(), SSL_OP_LEGACY_SERVER_CONNECT);
    BOOST_TEST_REQUIRE(SSL_renegotiate(pair.ours.get()) == 1);
    BOOST_TEST(loop.run([&] { return pair.ours.shake_hands(); }));
    BOOST_TEST(pair.ours.has_failed);
    BOOST_TEST(pair.ours.reason == "no renegotiation");
}

BOOST_AUTO_TEST_CASE(what_is_no_tls_fails_at_once) {
    struct Row {
        std::string_view bytes;
        std::string_view problem;
    };

    for (const Row row : {Row{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http request"},
                          Row{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "wrong version number"},
                          Row{"\x16\x03\x01\x02\x01\xff\xff\xff\xff", ""}}) {
        Loop loop;
        const auto ends = connected_pair();
        End server{loop, ends.second, plain_server()->session()};
        BOOST_TEST(::send(ends.first, row.bytes.data(), row.bytes.size(), 0) > 0);
        if (row.problem.empty()) ::shutdown(ends.first, SHUT_WR);
        BOOST_TEST(loop.run([&] { return server.failure.has_value(); }));
        if (!row.problem.empty()) BOOST_TEST(server.problem == row.problem);
        BOOST_TEST((server.channel.read(loop.poller.buffer()).state == Transfer::State::failed));
        ::close(ends.first);
    }
}

BOOST_AUTO_TEST_SUITE_END()
