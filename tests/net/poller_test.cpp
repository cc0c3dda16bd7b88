#include "net/channel.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

using namespace keygate;
using net::Poller;

namespace {

/// One end of a socket pair, with bytes to read, that notes how much it may read at once.
struct Reader final : net::ReadyHandler {
    explicit Reader(Poller& of)
        : poller(of) {
        std::array<int, 2> ends{};
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
        peer = ends[1];
        BOOST_REQUIRE(::send(peer, "bytes", 5, 0) == 5);
        channel = std::make_unique<net::Channel>(poller, ends[0], *this);
    }

    ~Reader() { ::close(peer); }

    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void on_ready(Events) override {
        spaces.push_back(poller.buffer().size());
        if (spaces.size() == 1) channel->call_again();
    }

    Poller& poller;
    int peer = -1;
    std::unique_ptr<net::Channel> channel;
    std::vector<std::size_t> spaces; // when the event came, and when called again
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_poller)

BOOST_AUTO_TEST_CASE(the_more_are_ready_the_less_each_reads_at_once) {
    struct Row {
        std::size_t readers;
        std::size_t space;
    };

    for (const Row row : {Row{1, 128 * 1024}, Row{16, 128 * 1024}, Row{32, 64 * 1024},
                          Row{64, 32 * 1024}, Row{200, 16 * 1024}}) {
        boost::asio::io_context io{1};
        const SystemClock clock;
        Poller poller{io, clock};
        std::vector<std::unique_ptr<Reader>> readers;
        for (std::size_t i = 0; i < row.readers; ++i)
            readers.push_back(std::make_unique<Reader>(poller));
        poller.start();
        std::size_t told = 0;
        while (told < 2 * row.readers && io.run_one_for(std::chrono::seconds{10}) != 0) {
            told = 0;
            for (const auto& reader : readers)
                told += reader->spaces.size();
        }
        BOOST_TEST(told == 2 * row.readers);
        for (const auto& reader : readers)
            for (const std::size_t space : reader->spaces)
                BOOST_TEST(space == row.space);
        poller.stop();
    }
}

BOOST_AUTO_TEST_SUITE_END()
