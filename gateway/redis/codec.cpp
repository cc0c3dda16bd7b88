// hiredis' reader finds the replies in the bytes; the replies themselves are built here, through
// its object functions. So an announced length is judged before anything is made for it, and a
// Reply is made once. hiredis owns none of our objects: the root of the reply under way lies in
// State, and what hiredis holds are pointers into its tree. An element's address changes only when
// its parent's list grows, and that happens after the element is complete and hiredis has forgotten
// it.

#include "redis/codec.hpp"

#include "redis/error.hpp"

#include <hiredis/read.h>

#include <charconv>
#include <cstdint>
#include <new>
#include <system_error>
#include <utility>

namespace keygate::redis {

namespace {

// Of an error, a status or a number. Redis cuts its own far below.
constexpr std::size_t longest_line = 64 * 1024;
// `-9223372036854775808`, and room for what is refused as such.
constexpr std::size_t longest_length = 32;

struct FreeReader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

} // namespace

struct Decoder::State {
    explicit State(Bounds wanted)
        : bounds(wanted)
        , reader(redisReaderCreateWithFunctions(&functions)) {
        if (!reader) throw std::bad_alloc{};
        reader->privdata = this; // hiredis' macro for it casts a pointer to int
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    static State& of(const redisReadTask* task) { return *static_cast<State*>(task->privdata); }

    // What hiredis calls. None may throw through C; without memory the process ends, as it does
    // elsewhere. A null pointer makes hiredis stop with an error.

    static void* make_text(const redisReadTask* task, char* text, std::size_t size) noexcept {
        State& state = of(task);
        if (task->type == REDIS_REPLY_STRING) {
            if (size > state.bounds.bytes) return state.refuse(Error::too_large);
            // hiredis steps over the end of a bulk string without a look at it.
            if (text[size] != '\r' || text[size + 1] != '\n') return state.refuse(Error::protocol);
        } else if (size > longest_line) {
            return state.refuse(Error::too_large);
        }
        Reply& reply = state.place(task);
        reply.kind = task->type == REDIS_REPLY_STRING   ? Reply::Kind::text
                     : task->type == REDIS_REPLY_STATUS ? Reply::Kind::status
                                                        : Reply::Kind::error;
        reply.text.assign(text, size);
        return &reply;
    }

    static void* make_list(const redisReadTask* task, int size) noexcept {
        State& state = of(task);
        const auto elements = static_cast<std::size_t>(size);
        if (elements > state.bounds.elements - state.elements)
            return state.refuse(Error::too_large);
        state.elements += elements;
        Reply& reply = state.place(task);
        reply.kind = Reply::Kind::list;
        return &reply;
    }

    static void* make_number(const redisReadTask* task, long long number) noexcept {
        Reply& reply = of(task).place(task);
        reply.kind = Reply::Kind::number;
        reply.number = number;
        return &reply;
    }

    static void* make_nil(const redisReadTask* task) noexcept { return &of(task).place(task); }

    static void free_object(void* object) noexcept { static_cast<void>(object); }

    inline static redisReplyObjectFunctions functions{make_text, make_list, make_number, make_nil,
                                                      free_object};

    /// Where the reply of this task lies: it is the root, or the next element of its parent.
    Reply& place(const redisReadTask* task) {
        if (task->parent == nullptr) return root = Reply{};
        return static_cast<Reply*>(task->parent->obj)->list.emplace_back();
    }

    void* refuse(Error error) {
        refused = error;
        return nullptr;
    }

    /// Bytes of the reply under way that have come so far, and with it all that follows it.
    [[nodiscard]] std::size_t pending() const { return fed - begin; }

    [[nodiscard]] std::size_t unread() const { return reader->len - reader->pos; }

    /// Why it is no use to wait for the rest: the announced length of a bulk string is beyond the
    /// bound, or a line does not end.
    [[nodiscard]] std::optional<Error> in_vain() const {
        if (pending() > bounds.bytes) return Error::too_large;
        const std::size_t have = unread();
        if (reader->ridx < 0 || have == 0) return std::nullopt;
        const int type = reader->rstack[reader->ridx].type;
        const std::string_view rest{reader->buf + reader->pos, have};
        const bool is_line = type == REDIS_REPLY_STATUS || type == REDIS_REPLY_ERROR;
        if (is_line && have > longest_line + 1) return Error::too_large;
        if (is_line) return std::nullopt;
        const std::size_t end = rest.find("\r\n");
        if (end == std::string_view::npos && have > longest_length) return Error::protocol;
        if (end == std::string_view::npos || type != REDIS_REPLY_STRING) return std::nullopt;
        std::uint64_t length = 0;
        const auto [stop, error] = std::from_chars(rest.data(), rest.data() + end, length);
        static_cast<void>(stop);
        if (error == std::errc{} && length > bounds.bytes) return Error::too_large;
        return std::nullopt;
    }

    Fault fail(Error error) {
        failed = error;
        return fault();
    }

    [[nodiscard]] Fault fault() const { return {*failed, "read Redis' reply"}; }

    Bounds bounds;
    Reply root;
    std::size_t elements = 0; // announced in the reply under way, at all depths
    std::size_t fed = 0;      // all bytes so far
    std::size_t begin = 0;    // where in them the reply under way begins
    std::optional<Error> refused;
    std::optional<Error> failed;
    std::unique_ptr<redisReader, FreeReader> reader;
};

Decoder::Decoder()
    : Decoder(Bounds{}) {}

Decoder::Decoder(Bounds bounds)
    : state_(std::make_unique<State>(bounds)) {}

Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

void Decoder::feed(std::span<const char> bytes) {
    if (state_->failed || bytes.empty()) return;
    if (redisReaderFeed(state_->reader.get(), bytes.data(), bytes.size()) != REDIS_OK)
        throw std::bad_alloc{};
    state_->fed += bytes.size();
}

Result<std::optional<Reply>> Decoder::next() {
    State& state = *state_;
    if (state.failed) return state.fault();
    void* object = nullptr;
    if (redisReaderGetReply(state.reader.get(), &object) != REDIS_OK)
        return state.fail(state.refused.value_or(Error::protocol));
    if (object == nullptr) {
        if (const auto error = state.in_vain()) return state.fail(*error);
        return std::optional<Reply>{};
    }
    const std::size_t end = state.fed - state.unread();
    // Judged here as well, so that it does not depend on the pieces in which a reply came.
    if (end - state.begin > state.bounds.bytes) return state.fail(Error::too_large);
    state.begin = end;
    state.elements = 0;
    return std::optional<Reply>{std::move(state.root)};
}

namespace {

void append_header(std::string& out, char type, std::size_t count) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, count);
    static_cast<void>(error);
    out.push_back(type);
    out.append(digits, end).append("\r\n");
}

void append_word(std::string& out, std::string_view word) {
    append_header(out, '$', word.size());
    out.append(word).append("\r\n");
}

} // namespace

void append(std::string& out, std::initializer_list<std::string_view> words) {
    append_header(out, '*', words.size());
    for (const std::string_view word : words)
        append_word(out, word);
}

void append(std::string& out, const Command& command) {
    append_header(out, '*', command.size());
    for (const std::string& word : command)
        append_word(out, word);
}

} // namespace keygate::redis
