// One request, told from top to bottom: what it asks for, who asks, whether they may, how often
// they did. Its way to the upstream is in exchange_forward.cpp, the answer's way back in
// exchange_answer.cpp.
//
// The order of the decisions is the order that users are told, and never changes: framing, target,
// route, credential, key, owner and plan, scope, limits. Limits come last, so that a refused
// request spends nothing.
#include "gate/exchange.hpp"

#include "auth/key.hpp"
#include "base/release.hpp"
#include "base/secret.hpp"
#include "http/limits.hpp"
#include "http/query.hpp"

namespace keygate::gate {

namespace {

// Buffers of an idle connection: what is larger is given back.
constexpr std::size_t kept_capacity = 4096;
constexpr std::size_t kept_word = 256;

constexpr std::chrono::milliseconds keeper_patience{1000};

/// RFC 9110 9.2.2.
bool is_idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
           method == "OPTIONS";
}

/// RFC 9110 9.3.2: an answer to HEAD has no body, also where no more of the request could be
/// understood.
bool is_head_method(std::string_view bytes) {
    return bytes.starts_with("HEAD ");
}

} // namespace

Exchange::Exchange(Lane& lane, net::Outgoing& client, const ClientSide& side, ExchangeOwner& owner)
    : lane_(lane)
    , client_(client)
    , side_(side)
    , owner_(owner)
    , deadline_(lane.poller.wheel(), *this)
    , whole_deadline_(lane.poller.wheel(), whole_) {}

Exchange::~Exchange() {
    cancel();
}

// ---- the request
// ------------------------------------------------------------------------------------

std::size_t Exchange::begin(std::span<char> bytes, std::span<char> rest) {
    start(lane_.poller.now().wall);
    const auto head = epoch_->request_reader.read({bytes.data(), bytes.size()});
    if (!head) {
        keeps_alive_ = false;
        is_head_request_ = is_head_method({bytes.data(), bytes.size()});
        refuse(head.error());
        wipe(bytes);
        wipe_stack(); // where the parser joins folded lines
        return 0;
    }
    rest_ = rest;
    head_size_ = bytes.size();
    head_text_ = {bytes.data(), bytes.size()};
    on_head(**head);
    rest_ = {};
    head_text_ = {};
    head_ = nullptr;
    wipe(bytes);
    return rest_taken_;
}

void Exchange::begin_refused(const Refusal& refusal, std::string_view bytes) {
    start(lane_.poller.now().wall);
    is_head_request_ = is_head_method(bytes);
    refuse(refusal);
}

void Exchange::start(WallTime now) {
    is_running_ = true;
    epoch_ = lane_.epoch;
    started_ = lane_.poller.now();
    lane_.request_ids.next(now, id_);
    told_ = http::Told{side_.address, side_.scheme};
    head_ = nullptr;
    rest_taken_ = 0;
    target_ = {};
    route_ = nullptr;
    caller_.reset();
    permit_.reset();
    server_.reset();
    journey_.tried.clear();
    pass_.reset();
    dials_ = 0;
    retries_ = 0;
    body_ = {};
    request_head_.clear();
    is_stale_ = is_prepared_ = false;
    rechecks_ = 0;
    limit_fields_.clear();
    notice_.clear();
    notice_kind_ = auth::Notice::none;
    cors_fields_.clear();
    owns_cors_ = false;
    websocket_name_ = {};
    limited_by_ = dry_limit_ = nullptr;
    is_chunked_ = is_head_request_ = is_repeatable_ = keeps_alive_ = is_last_ = false;
    expects_continue_ = waits_for_continue_ = is_upgrade_ = is_tunnel_ = false;
    minor_version_ = 1;
    is_upload_broken_ = is_request_sent_ = is_retried_ = is_answer_started_ = has_answer_bytes_ =
        false;
    interim_answers_ = 0;
    answer_scanned_ = 0;
    method_.clear();
    host_.clear();
    path_.clear();
    status_ = 0;
    received_ = 0;
    sent_before_ = client_.sent();
}

void Exchange::on_head(const http::RequestHead& head) {
    head_ = &head;
    body_ = http::BodyReader{head};
    is_chunked_ = head.framing == http::Framing::chunked;
    is_head_request_ = head.method == "HEAD";
    is_repeatable_ = body_.is_done() && is_idempotent(head.method);
    keeps_alive_ = head.keep_alive;
    is_last_ = !head.keep_alive;
    minor_version_ = head.minor_version;
    // Whoever has begun its body waits for nobody.
    expects_continue_ = head.expects_continue && rest_.empty();
    is_upgrade_ = head.upgrades_to_websocket;
    told_ = epoch_->snapshot->forwarded.tell(head, side_.address, side_.scheme);
    if (lane_.access_log.is_on()) {
        method_ = head.method;
        host_ = head.host;
    }
    if (const auto refusal = http::check_body_length(head, epoch_->snapshot->max_body))
        return refuse(*refusal); // body_too_large

    const auto target = http::judge_target(head, epoch_->snapshot->settings.client.max_target,
                                           lane_.target_scratch); // target_*, route_method
    if (!target) return refuse(target.error());
    target_ = *target;
    if (lane_.access_log.is_on()) path_ = target_.path;

    if (take_preflight(head)) return;
    const auto route =
        epoch_->snapshot->routes.find(head.host, head.method, target_.path); // route_*
    if (!route) {
        note_origin(epoch_->snapshot->cors_for(head.host));
        return refuse(route.error());
    }
    route_ = *route;
    const auto& cors = epoch_->snapshot->ways[route_->number].cors;
    note_origin(cors ? &*cors : nullptr);
    if (const auto refusal = http::check_body_length(head, max_body()))
        return refuse(*refusal); // body_too_large
    if (route_->access == config::Access::open) return admit_anonymous();

    const auto credential =
        auth::read_credential(head, target_.query, api()->profile,
                              epoch_->snapshot->peppers); // auth_*, key_bad_format
    if (credential) return find_key(*credential);
    // `auth: optional`: who sent nothing is let in, who sent something wrong is not.
    if (route_->is_optional && credential.error().reason == Reason::auth_missing)
        return admit_anonymous();
    refuse(credential.error());
}

/// A browser asks before it sends a request with a key, and this question never has one (Fetch
/// 3.2.2): it is of the route that the request would take. False if it is none, or nobody has said
/// how it is answered.
bool Exchange::take_preflight(const http::RequestHead& head) {
    if (head.method != "OPTIONS" || !http::CorsRules::is_preflight(head)) return false;
    const std::string_view asked = http::value_of(head, "Access-Control-Request-Method");
    const auto route = epoch_->snapshot->routes.find(head.host, asked, target_.path);
    if (!route) return false;
    const auto& cors = epoch_->snapshot->ways[(*route)->number].cors;
    if (!cors) return false;
    route_ = *route;
    if (cors->answers_preflight() || route_->reply != config::Reply::none) {
        answer_preflight(*cors);
    } else {
        note_origin(&*cors);
        permit_ = policy::admit_preflight(*route_);
        charge();
    }
    return true;
}

void Exchange::answer_preflight(const http::CorsRules& rules) {
    const bool closes = !keeps_alive_ || lane_.is_draining || !body_.is_done();
    after_ = closes ? http::AfterAnswer::close : http::AfterAnswer::keep_alive;
    std::string& out = lane_.head_scratch;
    out.clear();
    rules.write_preflight(out, *head_,
                          {.after = after_,
                           .minor_version = minor_version_,
                           .date = lane_.date.at(lane_.poller.now().wall),
                           .request_id = id_.text()});
    status_ = 204;
    is_answer_started_ = true;
    if (!client_.send({out})) return cut(observe::Outcome::canceled());
    finish(observe::Outcome::allowed(), after_);
}

/// Who may read the answer is known as soon as the route is, whatever the answer will be.
void Exchange::note_origin(const http::CorsRules* rules) {
    if (rules == nullptr) return;
    owns_cors_ = rules->answers_preflight();
    rules->write_fields(cors_fields_, http::CorsRules::origin_of(*head_));
}

void Exchange::admit_anonymous() {
    permit_ = policy::admit_public(*route_);
    charge();
}

void Exchange::find_key(const auth::Credential& credential) {
    if (epoch_->keys.cache) {
        // Once, before anything is waited for: what is kept is as good as it was then.
        read_at_ = BootClock::now();
        return look_up(epoch_->keys.cache, credential, 0);
    }
    // The table is complete: a key that is not there does not exist.
    keys::EntryRef entry;
    for (std::size_t i = 0; i < credential.count && !entry; ++i)
        entry = epoch_->keys.table->find(credential.digests[i]);
    on_key(credential, std::move(entry));
}

/// The digests of a key one after the other (each pepper makes one), until there is a record.
void Exchange::look_up(const std::shared_ptr<keys::Cache>& cache,
                       const auth::Credential& credential, std::size_t place) {
    using Found = keys::Cache::Found::Kind;
    std::optional<std::size_t> undecided;
    for (; place < credential.count; ++place) {
        auto found = cache->find(credential.digests[place], read_at_);
        switch (found.kind) {
        case Found::known:
            is_stale_ = found.is_stale;
            return on_key(credential, std::move(found.entry));
        case Found::invalid:
            return refuse(Refusal{Reason::store_invalid});
        case Found::ask:
            return ask(cache, credential, place, std::move(found.entry));
        case Found::unknown:
            if (found.is_stale && !undecided) undecided = place;
        }
    }
    if (undecided) return ask(cache, credential, *undecided, nullptr);
    on_key(credential, nullptr);
}

/// The head is kept for what comes after the answer; the key in it is not.
void Exchange::ask(const std::shared_ptr<keys::Cache>& cache, const auth::Credential& credential,
                   std::size_t place, keys::EntryRef last_known) {
    // Whoever was known a moment ago is not what this is for.
    if (!last_known)
        if (const auto refusal = check_lockout()) return refuse(*refusal); // lockout
    asking_ = std::make_unique<Asking>();
    asking_->cache = cache;
    asking_->credential = credential;
    asking_->place = place;
    asking_->head = head_without_keys();
    asking_->ticket =
        lane_.desk->ask(credential.digests[place], read_at_, cache, std::move(last_known), *this);
    // The keeper answers much earlier; this is for one that does not.
    deadline_.set(epoch_->snapshot->settings.store.redis->timeout + keeper_patience);
}

/// What may hold a key is overwritten, not left out: everything else stays where it was.
WipingString Exchange::head_without_keys() const {
    WipingString text;
    text.reserve(head_text_.size());
    const char* next = head_text_.data();
    for (const std::string_view key :
         auth::credentials_in(*head_, target_.query, api()->profile.sources)) {
        text.append(next, key.data());
        text.append(key.size(), 'x');
        next = key.data() + key.size();
    }
    text.append(next, head_text_.data() + head_text_.size());
    return text;
}

void Exchange::on_answer(const keys::Answer& answer) {
    deadline_.clear();
    std::unique_ptr<Asking> asked = std::move(asking_);
    if (!restore_head(*asked)) return;
    on_told(answer, *asked);
    head_ = nullptr;
    head_text_ = {};
    if (charging_) charging_->asked = std::move(asked);
    if (is_running_ && wants_body()) owner_.on_body_wanted();
}

/// Head and target were accepted before, and are again. False when it was refused all the same.
bool Exchange::restore_head(const Asking& asked) {
    head_text_ = {asked.head.data(), asked.head.size()};
    const auto head = epoch_->request_reader.read(head_text_);
    if (!head) {
        refuse(head.error());
        return false;
    }
    head_ = *head;
    const auto target = http::judge_target(*head_, epoch_->snapshot->settings.client.max_target,
                                           lane_.target_scratch);
    if (!target) {
        refuse(target.error());
        return false;
    }
    target_ = *target;
    return true;
}

void Exchange::on_told(const keys::Answer& answer, const Asking& asked) {
    switch (answer.kind) {
    case keys::Answer::Kind::known:
        is_stale_ = answer.is_stale;
        return on_key(asked.credential, answer.entry);
    case keys::Answer::Kind::unknown:
        return look_up(asked.cache, asked.credential, asked.place + 1);
    case keys::Answer::Kind::invalid:
        return refuse(Refusal{Reason::store_invalid});
    case keys::Answer::Kind::unavailable:
        // Closed, and said so: nobody knows whether the key is one.
        return refuse(Refusal{Reason::store_unavailable});
    }
}

void Exchange::stop_asking() {
    if (asking_) lane_.desk->cancel(asking_->ticket);
    asking_.reset();
}

void Exchange::on_key(const auth::Credential& credential, keys::EntryRef found) {
    // Whoever knows no more than the public part of a key has found nothing.
    if (found && !auth::proves(credential, *found)) found = nullptr;
    if (found) {
        // Among many keys what follows is in no cache: fetched now, it is there when it is needed.
        lane_.counters.prefetch(found->number);
        __builtin_prefetch(found->subject.get(), 1);
        __builtin_prefetch(found->identity.data());
        __builtin_prefetch(found->identity.data() + 64);
    } else {
        count_failure();
    }
    caller_ = std::move(found);
    const keys::ApiNames& names = epoch_->snapshot->catalog->apis[route_->api];
    auto identity = auth::identify(caller_, credential, route_->api, names, route_->takes_test_keys,
                                   lane_.poller.now().wall); // key_*, store_invalid
    if (!identity) return refuse(identity.error());
    // From here on the request has an owner: whatever happens next is booked to that key.
    auto permit =
        policy::admit(std::move(*identity), *route_,
                      {.head = *head_, .path = target_.path, .address = told_.client()},
                      {.plans = api()->plans,
                       .names = names}); // owner_*, plan_*, tenant_*, restriction_*, scope_*
    if (!permit) return refuse(permit.error());
    permit_ = std::move(*permit);
    note_age(names);
    charge();
}

/// Who may use the API is told when the key should be replaced; others learn nothing of it.
void Exchange::note_age(const keys::ApiNames& names) {
    if (!caller_->particulars && !names.max_age.warn) return;
    notice_kind_ =
        auth::write_notice(notice_, *caller_, names.max_age,
                           epoch_->snapshot->settings.identity.prefix, lane_.poller.now().wall);
}

/// What the upstream will get is written before anything is waited for: the client's head is gone
/// then.
void Exchange::prepare() {
    if (std::exchange(is_prepared_, true)) return;
    if (route_->reply != config::Reply::none) return prepare_reply();
    const Snapshot::Api& compiled = epoch_->snapshot->apis[route_->api];
    const keys::Entry* const caller = permit_->caller();
    const bool is_test = caller != nullptr && caller->mode == keys::Mode::test;
    const Snapshot::Way& way = epoch_->snapshot->ways[route_->number];
    pool_ = epoch_->pools[is_test ? way.test.value() : way.live].get();
    prepare_request(compiled, *permit_);
}

void Exchange::forward() {
    if (route_->reply != config::Reply::none) return reply();
    prepare();
    if (permit_->caller() != nullptr)
        lane_.used.count(caller_, epoch_->snapshot->catalog, lane_.poller.now().wall);
    const auto pass = pool_->upstream().ask_breaker(lane_.poller.now().steady);
    if (pass.is_open)
        return refuse(
            Refusal{.reason = Reason::upstream_unavailable,
                    .retry_after = std::chrono::ceil<std::chrono::seconds>(pass.opens_in)});
    pass_ = pass;
    pool_->budget().count_request();
    if (const auto total = total_timeout()) whole_deadline_.set(*total);
    dial(proxy::Pool::Kind::any);
}

void Exchange::prepare_request(const Snapshot::Api& compiled, const policy::Permit& permit) {
    const Snapshot& snapshot = *epoch_->snapshot;
    const keys::Entry* const caller = permit.caller();
    if (!compiled.trailers.empty()) body_.keep_trailers(compiled.trailers);
    const bool forwards_expect =
        snapshot.settings.client.expect == config::Expect::forward && !body_.is_done();
    waits_for_continue_ = expects_continue_ && forwards_expect;
    passes_authorization_ =
        permit.route().pass_authorization && auth::may_pass(*head_, api()->profile.key);
    // Room for all of it at once, the host three times: a text that grows leaves copies behind.
    if (passes_authorization_) request_head_.reserve(3 * head_size_ + 2048);
    const config::Upstream& upstream = pool_->settings();
    const bool is_each_its_own = upstream.host.kind == config::HostPolicy::Kind::server;
    written_host_ = is_each_its_own ? pool_->upstream().host() : std::string{};
    const auto& rewrite = route_->rewrite;
    std::optional<std::string_view> protocols;
    if (compiled.has_websocket_keys) protocols = protocols_without_keys();
    http::write_request(request_head_, *head_,
                        {.before_path = rewrite ? std::string_view{rewrite->with} : "",
                         .path = path_for_upstream(),
                         .query = query_without_keys(compiled),
                         .host = is_each_its_own ? written_host_ : upstream.host.name,
                         .default_host = pool_->upstream().host(),
                         .identity = caller == nullptr ? std::string_view{} : caller->identity,
                         .forwarded = &snapshot.forwarded,
                         .told = &told_,
                         .prefix = rewrite && snapshot.forwarded.writes_x_forwarded()
                                       ? std::string_view{rewrite->prefix}
                                       : "",
                         .client_cert = side_.certificate,
                         .websocket_protocols = protocols,
                         .request_id = id_.text(),
                         .via = snapshot.settings.via,
                         .trailers = &compiled.trailers,
                         .pass_authorization = passes_authorization_,
                         .forwards_expect = forwards_expect},
                        compiled.reserved);
}

std::string_view Exchange::query_without_keys(const Snapshot::Api& compiled) {
    if (compiled.key_parameters.empty() || target_.query.empty()) return target_.query;
    std::string& scratch = lane_.query_scratch;
    scratch.clear();
    http::append_without(scratch, target_.query, compiled.key_parameters);
    return scratch;
}

/// In place of what the client has sent; nothing where that may pass.
std::optional<std::string_view> Exchange::protocols_without_keys() {
    std::string& scratch = lane_.protocols_scratch;
    scratch.clear();
    const auto protocols =
        auth::websocket_protocols_without_keys(*head_, api()->profile.sources, scratch);
    if (!protocols.are_changed) return std::nullopt;
    websocket_name_ = protocols.name;
    return scratch;
}

/// What was matched, or what a rewrite leaves of it: the route's pattern begins with the same
/// segments as the rewrite, and what comes in their place is canonical as well.
std::string_view Exchange::path_for_upstream() const {
    if (!route_->rewrite) return target_.path;
    const std::string_view rest = target_.path.substr(route_->rewrite->prefix.size());
    return rest.empty() && route_->rewrite->with.empty() ? "/" : rest;
}

// ---- the end
// ----------------------------------------------------------------------------------------

void Exchange::refuse(const Refusal& refusal) {
    drop_link();
    const http::RefusalPages& pages =
        route_ != nullptr
            ? epoch_->snapshot->apis[route_->api].pages
            : epoch_->snapshot->pages_for(head_ != nullptr ? head_->host : std::string_view{});
    // A body that is still to come would be read as the next request: the connection ends with
    // this.
    const bool closes = !keeps_alive_ || lane_.is_draining || !body_.is_done();
    after_ = closes ? http::AfterAnswer::close : http::AfterAnswer::keep_alive;
    limit_fields_ += notice_;
    std::string& out = lane_.head_scratch;
    out.clear();
    pages.write(out, refusal,
                {.after = after_,
                 .is_head = is_head_request_,
                 .minor_version = minor_version_,
                 .date = lane_.date.at(lane_.poller.now().wall),
                 .request_id = id_.text(),
                 .limit_fields = limit_fields_,
                 .cors = cors_fields_});
    status_ = pages.status(refusal.reason);
    is_answer_started_ = true;
    if (!client_.send({out})) return cut(observe::Outcome::canceled());
    finish(refusal.reason, after_);
}

void Exchange::finish(observe::Outcome outcome, http::AfterAnswer after) {
    if (link_) pool_->judge(*link_, true);
    give_link_back();
    record(outcome);
    owner_.on_answered(after);
}

void Exchange::cut(observe::Outcome outcome) {
    const bool is_servers_doing = outcome.index() == index(Reason::upstream_invalid) ||
                                  outcome.index() == index(Reason::upstream_timeout);
    if (link_ && is_servers_doing) pool_->judge(*link_, false);
    drop_link();
    record(outcome);
    owner_.on_cut();
}

void Exchange::cancel() {
    if (!is_running_) return;
    drop_link();
    record(observe::Outcome::canceled());
}

void Exchange::give_link_back() {
    deadline_.clear();
    if (!link_) return;
    if (can_reuse_link_ && body_.is_done() && link_->out().is_empty())
        pool_->give_back(std::move(link_));
    else
        pool_->drop(std::move(link_));
}

void Exchange::drop_link() {
    deadline_.clear();
    if (journey_.ticket) pool_->give_up(journey_);
    // Where nothing but the end of the connection ends a body, only a reset shows that it was cut.
    if (link_ && is_tunnel_ && !body_.is_done()) link_->channel().reset();
    if (link_) pool_->drop(std::move(link_));
}

void Exchange::record(observe::Outcome outcome) {
    is_running_ = false;
    stop_asking();
    stop_charging();
    stop_replying();
    whole_deadline_.clear();
    watch_.reset();
    if (pass_) pool_->upstream().abandon(*pass_);
    pass_.reset();
    settle_limits(outcome);
    const std::uint64_t sent = client_.sent() - sent_before_;
    const auto duration = lane_.poller.now().steady - started_.steady;
    lane_.metrics.sent_bytes.add(sent);
    if (is_answer_started_) count_notice();
    // How long a tunnel stays open says nothing of how long an answer takes.
    lane_.metrics.count(route_ != nullptr ? *epoch_->route_counters[route_->number]
                                          : lane_.metrics.no_route,
                        outcome, status_, is_tunnel_ ? tunnel_opened_ - started_.steady : duration);
    if (is_tunnel_) lane_.metrics.tunnels_closed.add();
    if (lane_.access_log.is_on()) {
        const keys::Entry* const caller = caller_.get();
        const std::string_view plan = caller != nullptr ? plan_of(*caller) : std::string_view{};
        lane_.access_log.write(
            {.time = started_.wall,
             .request_id = id_.text(),
             .client = told_.client(),
             .method = method_,
             .host = host_,
             .path = path_,
             .api = route_ != nullptr ? std::string_view{api()->name} : "",
             .route = route_ != nullptr ? std::string_view{route_->name} : "",
             .key_id = caller != nullptr ? std::string_view{caller->id} : "",
             .owner = caller != nullptr ? std::string_view{caller->owner} : "",
             .plan = plan,
             .mode = caller != nullptr ? to_string(caller->mode) : "",
             .limit = limited_by_ != nullptr ? std::string_view{limited_by_->name} : "",
             .dry_run = dry_limit_ != nullptr ? std::string_view{dry_limit_->name} : "",
             .is_stale = is_stale_,
             .upstream = server_ ? std::string_view{server_->name} : "",
             .outcome = outcome,
             .status = status_,
             .received = received_,
             .sent = sent,
             .duration = duration});
    }
    limited_by_ = dry_limit_ = nullptr;
    permit_.reset();
    caller_.reset();
    if (passes_authorization_) wipe(request_head_.data(), request_head_.size());
    passes_authorization_ = false;
    // All of these were the configuration's.
    route_ = nullptr;
    server_.reset();
    pool_ = nullptr;
    epoch_.reset();
    release_beyond(request_head_, kept_capacity);
    release_beyond(limit_fields_, kept_word);
    release_beyond(notice_, kept_word);
    release_beyond(cors_fields_, kept_word);
    for (std::string* const word : {&method_, &host_, &path_})
        release_beyond(*word, kept_word);
    release(answer_inbox_);
    body_.forget_trailers();
    answer_.forget_trailers();
}

void Exchange::count_notice() const {
    if (notice_kind_ == auth::Notice::rotated) lane_.metrics.notices_rotated.add();
    if (notice_kind_ == auth::Notice::old) lane_.metrics.notices_old.add();
}

/// A key that is unknown here may be one of another API, with that one's plans.
std::string_view Exchange::plan_of(const keys::Entry& caller) const {
    const auto& apis = epoch_->snapshot->settings.apis;
    if (caller.api >= apis.size() || caller.plan >= apis[caller.api].plans.size()) return {};
    return apis[caller.api].plans[caller.plan].name;
}

const config::ClientLimits& Exchange::client_limits() const {
    const Epoch& epoch = epoch_ ? *epoch_ : *lane_.epoch;
    return epoch.snapshot->settings.client;
}

const config::Api* Exchange::api() const {
    return &epoch_->snapshot->settings.apis[route_->api];
}

} // namespace keygate::gate
