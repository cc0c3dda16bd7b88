// route_*: which line of the route-to-scope map takes a request.
//
// Each host has a tree of path segments. A node has literal children, one child for `{name}`, the
// routes whose pattern ends here, and the routes whose pattern ends here in `/**`. The search goes
// depth first, the more specific child first, and comes back where no route below takes the
// request, so the order of the file means nothing. It cannot blow up: in a tree there is one way to
// each node, so a search visits each node at most once, whatever the path is; it is as deep as the
// longest pattern, not as the path.
//
// Some upstreams cut `;…` off a segment or decode escapes that RFC 3986 keeps apart (`%3A` and
// `:`). They would read `/v1/admin;x=1` as `/v1/admin`, while the map sees a segment that only
// `{name}` or `/**` takes, perhaps a weaker route. So where such a segment reads like a literal at
// that place, nothing matches. Where it does not, the segment and its other reading go the same way
// through the tree.

#include "policy/route.hpp"

#include "base/ascii.hpp"
#include "policy/path.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace keygate::policy {
namespace {

/// One bit for each method that the configuration names, in the order of MethodNames.
using Methods = std::uint64_t;

class MethodNames {
  public:
    /// The methods that an `ANY` route names in an `Allow` list; HEAD comes along with GET.
    static constexpr Methods head = 2, usual = 127;

    Methods bit_of(const std::string& method) {
        auto found = std::find(names_.begin(), names_.end(), method);
        if (found == names_.end()) found = names_.insert(names_.end(), method);
        const auto position = static_cast<std::size_t>(found - names_.begin());
        // Such a map can be served all the same; its last methods are missing in `Allow`.
        return position < 64 ? Methods{1} << position : 0;
    }

    [[nodiscard]] std::string list(Methods methods) const {
        std::string text;
        for (std::size_t i = 0; i < names_.size() && i < 64; ++i)
            if (methods & Methods{1} << i) text += (text.empty() ? "" : ", ") + names_[i];
        return text;
    }

  private:
    std::vector<std::string> names_{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
};

/// Whether a route stands in the file with this very pattern, or is here because its API ignores a
/// trailing slash.
enum class Origin : std::uint8_t { written, implied };

/// The routes of one pattern.
class Leaves {
  public:
    /// Throws where two routes tie; config::load refuses such a map.
    void add(const std::string& method, const Route& route, Origin origin, MethodNames& names) {
        const auto same = std::find_if(named_.begin(), named_.end(),
                                       [&](const Named& leaf) { return leaf.method == method; });
        if (same == named_.end()) {
            named_.push_back({method, {&route, origin}});
        } else {
            replace(same->leaf, {&route, origin});
        }
        methods_ |= names.bit_of(method);
        if (method == "GET") methods_ |= MethodNames::head;
    }

    void add_any(const Route& route, Origin origin) {
        replace(any_, {&route, origin});
        methods_ |= MethodNames::usual;
    }

    [[nodiscard]] const Route* taking(std::string_view method) const {
        const Route* get = nullptr;
        for (const auto& [name, leaf] : named_) {
            if (name == method) return leaf.route;
            if (name == "GET") get = leaf.route;
        }
        return get != nullptr && method == "HEAD" ? get : any_.route;
    }

    [[nodiscard]] bool empty() const { return named_.empty() && any_.route == nullptr; }

    [[nodiscard]] Methods methods() const { return methods_; }

  private:
    struct Leaf {
        const Route* route = nullptr;
        Origin origin = Origin::implied;
    };

    struct Named {
        std::string method;
        Leaf leaf;
    };

    static void replace(Leaf& old, const Leaf& leaf) {
        if (old.route == nullptr || old.origin == Origin::implied) {
            if (old.route == nullptr || leaf.origin == Origin::written) old = leaf;
        } else if (leaf.origin == Origin::written) {
            throw std::invalid_argument("two routes take the same requests: `" + old.route->name +
                                        "` and `" + leaf.route->name + "`");
        }
    }

    std::vector<Named> named_;
    Leaf any_;
    Methods methods_ = 0;
};

// FNV-1a. The keys of all tables here are the operator's, so nobody can choose collisions.
constexpr std::size_t fnv_start = 14695981039346656037U;

constexpr std::size_t fnv_step(std::size_t hash, char c) {
    return (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
}

/// A segment as the most generous upstream reads it, byte by byte: up to the first `;`, escapes
/// decoded.
class GenerousReader {
  public:
    explicit GenerousReader(std::string_view segment)
        : rest_(segment.substr(0, segment.find(';'))) {}

    [[nodiscard]] bool done() const { return rest_.empty(); }

    char next() {
        const char c = rest_.front();
        if (c == '%' && rest_.size() >= 3) {
            const int high = ascii::hex_value(rest_[1]);
            const int low = ascii::hex_value(rest_[2]);
            if (high >= 0 && low >= 0) {
                rest_.remove_prefix(3);
                return static_cast<char>(high * 16 + low);
            }
        }
        rest_.remove_prefix(1);
        return c;
    }

  private:
    std::string_view rest_;
};

struct GenerousHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view segment) const {
        std::size_t hash = fnv_start;
        for (GenerousReader reader{segment}; !reader.done();)
            hash = fnv_step(hash, reader.next());
        return hash;
    }
};

struct GenerousEqual {
    using is_transparent = void;

    bool operator()(std::string_view a, std::string_view b) const {
        GenerousReader left{a};
        GenerousReader right{b};
        while (!left.done() && !right.done())
            if (left.next() != right.next()) return false;
        return left.done() && right.done();
    }
};

struct ExactHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view segment) const {
        return std::hash<std::string_view>{}(segment);
    }
};

struct Node {
    std::unordered_map<std::string, std::unique_ptr<Node>, ExactHash, std::equal_to<>> literals;
    std::unordered_set<std::string, GenerousHash, GenerousEqual>
        read_as;                // how literals can be read
    std::unique_ptr<Node> name; // the child for `{name}`
    Leaves here;                // patterns that end here
    Leaves below;               // patterns that end in `/**` here

    [[nodiscard]] const Node* literal(std::string_view segment) const {
        const auto found = literals.find(segment);
        return found != literals.end() ? found->second.get() : nullptr;
    }

    Node& child(std::string_view segment) {
        const bool is_name = segment.starts_with('{') && segment.ends_with('}');
        auto& place = is_name ? name : literals[std::string{segment}];
        if (!place) place = std::make_unique<Node>();
        if (!is_name) read_as.emplace(segment);
        return *place;
    }
};

/// One look-up on its way through a tree.
class Search {
  public:
    Search(std::string_view method, std::string_view path)
        : method_(method)
        , path_(path)
        , is_odd_(path.find(';') != path.npos || path.find('%') != path.npos)
        , is_forwardable_(!ascii::equal_ignoring_case(method, "CONNECT") &&
                          !ascii::equal_ignoring_case(method, "TRACE")) {}

    /// @param from  where the segment after `node` begins; npos at the end of the path.
    const Route* walk(const Node& node, std::size_t from) {
        if (from == std::string_view::npos) {
            const Route* route = take(node.here);
            return route != nullptr ? route : take(node.below);
        }
        const std::size_t slash = path_.find('/', from);
        const auto segment = path_.substr(from, slash - from);
        const std::size_t next = slash == std::string_view::npos ? slash : slash + 1;

        const Node* literal = node.literal(segment);
        if (literal == nullptr && is_odd_ && is_veiled(node, segment)) return nullptr;
        const Node* name = segment.empty() ? nullptr : node.name.get();
        for (const Node* child : {literal, name}) {
            if (child == nullptr) continue;
            const Route* route = walk(*child, next);
            if (route != nullptr || veiled_) return route;
        }
        return take(node.below);
    }

    /// A segment reads like a literal that it is not.
    [[nodiscard]] bool veiled() const { return veiled_; }

    /// A route would take the path with another method.
    [[nodiscard]] bool met() const { return met_; }

    /// All methods that the path could have been asked with; those of its most specific pattern.
    [[nodiscard]] Methods allowed() const { return allowed_; }

    [[nodiscard]] Methods allowed_first() const { return allowed_first_; }

  private:
    const Route* take(const Leaves& leaves) {
        if (leaves.empty()) return nullptr;
        if (const Route* route = is_forwardable_ ? leaves.taking(method_) : nullptr) return route;
        if (!met_) allowed_first_ = leaves.methods();
        met_ = true;
        allowed_ |= leaves.methods();
        return nullptr;
    }

    bool is_veiled(const Node& node, std::string_view segment) {
        const bool is_plain =
            segment.find(';') == segment.npos && segment.find('%') == segment.npos;
        veiled_ = !is_plain && node.read_as.contains(segment);
        return veiled_;
    }

    std::string_view method_;
    std::string_view path_;
    bool is_odd_; // some segment may have a second reading
    bool is_forwardable_;
    bool veiled_ = false;
    bool met_ = false;
    Methods allowed_ = 0;
    Methods allowed_first_ = 0;
};

/// All routes that one host has.
struct Site {
    Node root;
    std::vector<std::uint16_t> apis;
};

/// Host names, any case (RFC 9110 4.2.3).
struct HostHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view host) const {
        std::size_t hash = fnv_start;
        for (const char c : host)
            hash = fnv_step(hash, ascii::to_lower(c));
        return hash;
    }
};

struct HostEqual {
    using is_transparent = void;

    bool operator()(std::string_view a, std::string_view b) const {
        return ascii::equal_ignoring_case(a, b);
    }
};

/// Without a port, and without the dot that ends an absolute DNS name: `api.example.` is the same
/// host as `api.example` and must not slip into the APIs for every other host.
std::string_view bare_host(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    host = host.substr(0, host.find(':'));
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

/// The segments of `/a/{b}/`: `a`, `{b}`, and an empty one for the slash at the end.
std::vector<std::string_view> segments_of(std::string_view pattern) {
    std::vector<std::string_view> segments;
    for (std::size_t from = 1; from != 0;) {
        const std::size_t slash = pattern.find('/', from);
        segments.push_back(pattern.substr(from, slash - from));
        from = slash + 1; // npos + 1 is 0
    }
    return segments;
}

/// The number of a parameter's segment; nothing if the pattern has no such parameter.
std::optional<std::size_t> number_of(std::string_view pattern, std::string_view parameter) {
    const auto segments = segments_of(pattern);
    for (std::size_t i = 0; i < segments.size(); ++i)
        if (segments[i].starts_with('{') &&
            segments[i].substr(1, segments[i].size() - 2) == parameter)
            return i;
    return std::nullopt;
}

/// What the scopes of one API are made of.
struct Compiler {
    const config::Api& api;
    const keys::ApiNames& names;

    [[nodiscard]] Route compiled(const config::Route& route) const {
        Route out;
        out.access = route.access;
        out.need = route.need;
        out.is_optional = route.is_optional;
        out.reply = route.reply;
        out.id_segment = number_of(route.pattern, "id");
        out.pass_authorization = route.pass_authorization;
        out.weight = route.weight;
        out.meter = route.meter;
        out.live_upstream = route.live_upstream;
        out.test_upstream = route.test_upstream;
        out.takes_test_keys =
            route.live_upstream.empty() ? api.test.has_value() : !route.test_upstream.empty();
        out.rewrite = route.rewrite;
        out.timeouts = route.timeouts;
        out.max_body = route.max_body;
        out.cors = route.cors;
        out.limits = route.limits;
        out.name = route.text;
        for (const config::Binding& binding : api.bind)
            if (const auto segment = number_of(route.pattern, binding.parameter))
                out.tenants.push_back({*segment, binding.is_owner, binding.name});
        for (const std::string& scope : route.scopes)
            add_scope(out, route, scope);
        return out;
    }

  private:
    void add_scope(Route& out, const config::Route& route, const std::string& scope) const {
        if (scope.find('{') != std::string::npos) {
            out.derived.push_back(derived(route, scope));
            return;
        }
        const auto number = names.scope_number(scope);
        if (!number) refuse(route, "unknown scope `" + scope + "`");
        out.scopes.add(*number);
        out.scope_names += (out.scope_names.empty() ? "" : " ") + scope;
    }

    /// All scopes that `{resource}:read` may become, so that a request only looks its segment up.
    [[nodiscard]] DerivedScope derived(const config::Route& route, const std::string& form) const {
        const std::size_t open = form.find('{');
        const std::size_t close = form.find('}', open);
        const std::string_view before = std::string_view{form}.substr(0, open);
        const std::string_view behind = close == std::string::npos
                                            ? std::string_view{}
                                            : std::string_view{form}.substr(close + 1);
        const auto segment = number_of(route.pattern, form.substr(open + 1, close - open - 1));
        if (!segment) refuse(route, "no such parameter as in `" + form + "`");

        DerivedScope made;
        made.segment = *segment;
        for (std::size_t i = 0; i < names.scopes.size(); ++i) {
            const std::string& scope = names.scopes[i];
            if (scope.size() <= before.size() + behind.size() || !scope.starts_with(before) ||
                !scope.ends_with(behind))
                continue;
            made.scopes.push_back(
                {scope.substr(before.size(), scope.size() - before.size() - behind.size()),
                 static_cast<std::uint16_t>(i), scope});
        }
        std::sort(made.scopes.begin(), made.scopes.end(),
                  [](const auto& a, const auto& b) { return a.segment < b.segment; });
        return made;
    }

    [[noreturn]] void refuse(const config::Route& route, const std::string& why) const {
        throw std::invalid_argument("api `" + api.name + "`, route `" + route.text + "`: " + why);
    }
};

struct Builder {
    Node& root;
    MethodNames& names;

    void add(const config::Route& written, const Route& route, config::TrailingSlash slash) const {
        auto segments = segments_of(written.pattern);
        if (segments.back() == "**") {
            segments.pop_back();
            return put(node_of(segments).below, written, route, Origin::written);
        }
        put(node_of(segments).here, written, route, Origin::written);
        if (slash == config::TrailingSlash::strict || written.pattern == "/") return;
        // The same place with or without its last slash; a route written for that place wins.
        if (segments.back().empty()) {
            segments.pop_back();
        } else {
            segments.emplace_back();
        }
        put(node_of(segments).here, written, route, Origin::implied);
    }

  private:
    [[nodiscard]] Node& node_of(const std::vector<std::string_view>& segments) const {
        Node* node = &root;
        for (const auto segment : segments)
            node = &node->child(segment);
        return *node;
    }

    void put(Leaves& leaves, const config::Route& written, const Route& route,
             Origin origin) const {
        if (written.methods.empty()) leaves.add_any(route, origin);
        for (const auto& method : written.methods)
            leaves.add(method, route, origin, names);
    }
};

void collect_methods(const Node& node, std::set<Methods>& all) {
    all.insert(node.here.methods());
    all.insert(node.below.methods());
    for (const auto& [text, child] : node.literals)
        collect_methods(*child, all);
    if (node.name) collect_methods(*node.name, all);
}

} // namespace

const DerivedScope::Scope* DerivedScope::scope_in(std::string_view path) const {
    const std::string_view wanted = segment_of(path, segment);
    const auto found = std::lower_bound(
        scopes.begin(), scopes.end(), wanted,
        [](const Scope& scope, std::string_view text) { return scope.segment < text; });
    return found != scopes.end() && found->segment == wanted ? &*found : nullptr;
}

std::string_view Route::id_in(std::string_view path) const {
    return id_segment ? segment_of(path, *id_segment) : std::string_view{};
}

struct Routes::Tree {
    std::vector<Route> routes; // not resized once the sites point into it
    std::unordered_map<std::string, Site, HostHash, HostEqual> sites;
    Site every_other_host;
    MethodNames names;
    // `Allow` values by what they name. A refusal carries a view, so they are all made before:
    // those of each pattern, and of patterns together, as a path may match several.
    std::map<Methods, std::string> allow;

    [[nodiscard]] const Site& site_of(std::string_view host) const {
        if (!sites.empty()) {
            const auto found = sites.find(bare_host(host));
            if (found != sites.end()) return found->second;
        }
        return every_other_host;
    }

    /// The sites of an API, made where they are new.
    std::vector<Site*> sites_of(const config::Api& api) {
        if (api.hosts.empty()) return {&every_other_host};
        std::vector<Site*> out;
        for (const auto& host : api.hosts) {
            const bool is_bare_ipv6 = !host.starts_with('[') && host.find(':') != host.npos;
            Site& site = sites[is_bare_ipv6 ? '[' + host + ']' : std::string{bare_host(host)}];
            if (std::find(out.begin(), out.end(), &site) == out.end()) out.push_back(&site);
        }
        return out;
    }

    void write_allow_lists() {
        std::set<Methods> single;
        collect_methods(every_other_host.root, single);
        for (const auto& [host, site] : sites)
            collect_methods(site.root, single);
        // With the usual seven methods there are at most 128. The bound is for maps with dozens of
        // methods: what is left out falls back to the list of the most specific pattern.
        static constexpr std::size_t max_lists = 1024;
        std::set<Methods> unions = single;
        for (const Methods methods : single)
            for (const Methods other : std::set<Methods>{unions})
                if (unions.size() < max_lists) unions.insert(methods | other);
        for (const Methods methods : unions)
            allow.emplace(methods, names.list(methods));
    }

    [[nodiscard]] std::string_view allow_list(const Search& search) const {
        auto found = allow.find(search.allowed());
        if (found == allow.end()) found = allow.find(search.allowed_first());
        return found->second;
    }
};

Routes::Routes(const config::Settings& settings, const keys::Catalog& catalog)
    : tree_(std::make_unique<Tree>()) {
    std::size_t count = 0;
    for (const auto& api : settings.apis)
        count += api.routes.size();
    tree_->routes.reserve(count);

    for (std::size_t number = 0; number < settings.apis.size(); ++number) {
        const config::Api& api = settings.apis[number];
        const auto api_number = static_cast<std::uint16_t>(number);
        const auto sites = tree_->sites_of(api);
        for (Site* site : sites)
            site->apis.push_back(api_number);
        for (const auto& written : api.routes) {
            Route& route =
                tree_->routes.emplace_back(Compiler{api, catalog.apis[number]}.compiled(written));
            route.api = api_number;
            route.number = static_cast<std::uint32_t>(tree_->routes.size() - 1);
            for (Site* site : sites)
                Builder{site->root, tree_->names}.add(written, route, api.trailing_slash);
        }
    }
    tree_->write_allow_lists();
}

Routes::~Routes() = default;
Routes::Routes(Routes&&) noexcept = default;
Routes& Routes::operator=(Routes&&) noexcept = default;

Decision<const Route*> Routes::find(std::string_view host, std::string_view method,
                                    std::string_view path) const {
    if (!path.starts_with('/')) return Refusal{.reason = Reason::route_unknown};
    Search search{method, path};
    const Route* route = search.walk(tree_->site_of(host).root, 1);
    if (route != nullptr) return route;
    if (search.veiled() || !search.met()) return Refusal{.reason = Reason::route_unknown};
    return Refusal{.reason = Reason::route_method, .detail = tree_->allow_list(search)};
}

const std::uint16_t* Routes::api_of_host(std::string_view host) const {
    const auto& apis = tree_->site_of(host).apis;
    return apis.size() == 1 ? apis.data() : nullptr;
}

const std::vector<Route>& Routes::all() const {
    return tree_->routes;
}

} // namespace keygate::policy
