#pragma once

#include "base/networks.hpp"
#include "config/settings.hpp"
#include "http/head.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keygate::http {

enum class Scheme : std::uint8_t { http, https };

/// `http`, `https`.
[[nodiscard]] std::string_view to_string(Scheme scheme);

/// Who the client is and how it has come. Its address is text of its own, or the peer's.
class Told {
  public:
    /// @param peer  the other end of the connection; outlives this.
    explicit Told(std::string_view peer = {}, Scheme scheme = Scheme::http)
        : peer_(peer)
        , scheme_(scheme) {}

    /// As `192.0.2.7` or `2001:db8::1`; where nobody else is believed, the peer as it was given.
    [[nodiscard]] std::string_view client() const { return client_ ? client_->view() : peer_; }

    [[nodiscard]] Scheme scheme() const { return scheme_; }

    /// The peer is one whose word counts, whether or not it said anything.
    [[nodiscard]] bool is_peer_trusted() const { return is_peer_trusted_; }

  private:
    friend class ForwardedRules;

    std::string_view peer_;
    std::optional<AddressText> client_;
    Scheme scheme_;
    bool is_peer_trusted_ = false;
};

/// What is believed of the way that a request has come, and what the upstream is told of it.
/// Immutable; any thread. Nothing is allocated where the peer is not trusted.
class ForwardedRules {
  public:
    /// How many hops are looked at, from the nearest on; what is behind them does not exist.
    static constexpr std::size_t most_hops = 64;

    /// @param settings  as config::load accepted them.
    explicit ForwardedRules(const config::Forwarded& settings);

    /// Nobody but a trusted peer is believed anything. What such a one says is read from the
    /// nearest hop on: trusted ones are passed over, the first other one is the client; if there
    /// is none, the farthest. A hop that is no address (`unknown`, `_hidden`, junk) ends this: the
    /// client is then the last one before it. Ports are dropped. Scheme and host are those that
    /// the peer names, if it does so properly; with `from: Forwarded` those beside the client.
    ///
    /// Fields count by their own names alone: `X_Forwarded_For` is nothing.
    /// @param peer   address of the connection's other end; outlives the result.
    /// @param own    what the connection itself is.
    [[nodiscard]] Told tell(const RequestHead& head, std::string_view peer, Scheme own) const;

    /// What the client has asked for as Host: the peer's word, if it is trusted, or the head's own.
    /// Empty only where HTTP/1.0 said nothing. A view into the head.
    [[nodiscard]] std::string_view host(const RequestHead& head, const Told& told) const;

    /// Appends the lines that tell the upstream: `X-Forwarded-For`, `-Proto` and `-Host`, or
    /// `Forwarded` (RFC 7239) with an element for each hop, or both or nothing, as configured.
    /// Addresses are written anew in their one spelling, up to the first hop that is none.
    /// @param told  of the same head, which may lie elsewhere now.
    void write_lines(std::string& out, const RequestHead& head, const Told& told) const;

    /// Is the upstream told by fields that begin with `X-Forwarded-`?
    [[nodiscard]] bool writes_x_forwarded() const {
        return fields_ == Fields::x_forwarded || fields_ == Fields::both;
    }

  private:
    using From = config::Forwarded::From;
    using Chain = config::Forwarded::Chain;
    using Fields = config::Forwarded::Fields;

    struct Way;
    struct Tale;
    enum class Depth : std::uint8_t { client, all };

    [[nodiscard]] Way walk(const RequestHead& head, Depth depth) const;
    [[nodiscard]] std::optional<Scheme> scheme_told(const RequestHead& head, const Way& way) const;
    [[nodiscard]] std::string_view host_told(const RequestHead& head, const Way& way) const;

    void write_tale(std::string& out, const Tale& tale) const;
    static void write_x_forwarded(std::string& out, const Tale& tale);
    static void write_forwarded(std::string& out, const Tale& tale);

    std::vector<Network> trusted_;
    From from_;
    Chain chain_;
    Fields fields_;
};

} // namespace keygate::http
