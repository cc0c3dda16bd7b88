#!/usr/bin/env python3
"""The rules of the tree that no compiler checks: shelves, pure rooms, the co_await dialect, and a few names.

    scripts/rules.py [--root DIR]     prints `file:line: rule: what is wrong`, exit status 1 if anything is
    scripts/rules.py --self-test      plants each mistake in a temporary tree and looks whether it is found

g++ 12 miscompiles some shapes of co_await (double free, use after free). What is left is one sentence:
co_await stands alone right of `=`, after co_return, or as a statement, and its arguments are names.
The check reads tokens, not grammar; where it is wrong about a line, naming a value first satisfies it.
"""

import argparse
import pathlib
import re
import sys
import tempfile

SHELVES = {
    "base": 0, "config": 1, "http": 2, "observe": 2, "net": 3, "redis": 4, "proxy": 4,
    "keys": 5, "limit": 5, "auth": 6, "policy": 6, "answer": 6, "gate": 7, "admin": 7, "app": 8,
}  # fmt: skip
PURE_ROOMS = {"base", "auth", "policy", "http"}
PURE_FILES = re.compile(r"limit/(rate|quota)\.")
# Only one place each may know these libraries.
OWNED_LIBRARIES = [
    (re.compile(r"yaml-cpp/"), re.compile(r"config/load\.cpp$"), "yaml-cpp belongs to config/load.cpp"),
    (re.compile(r"hiredis/|hiredis\.h"), re.compile(r"redis/"), "hiredis belongs to redis/"),
    (re.compile(r"^ares\.h"), re.compile(r"proxy/resolver\.cpp$"), "c-ares belongs to proxy/resolver.cpp"),
]
WHOLE_LIBRARIES = {"boost/asio.hpp", "boost/beast.hpp", "boost/beast/http.hpp", "boost/beast/core.hpp"}
WAITING_INCLUDE = re.compile(
    r"boost/asio/(?!buffer\.hpp)|boost/beast/core/(tcp|basic)_stream|hiredis|yaml-cpp|sqlite3|"
    r"sys/(socket|epoll|poll)|^(poll|netdb|unistd)\.h$|^(condition_variable|future|thread)$"
)
# Beast's basic_parser takes its bytes as Asio buffers: those are values, and fine.
ASIO_BUFFERS = re.compile(r"\b(boost::)?(asio|net)::(const_buffer|mutable_buffer|buffer)\b|namespace \w+ = boost::asio;")
WAITING_WORD = re.compile(
    r"\b(co_await|co_return|awaitable|asio|socket|basic_stream_socket|io_context|steady_timer|sleep_for|sleep_until)\b"
)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.M)
RAW_STRING = re.compile(r'(?:u8|[uUL])?R"([^ ()\\\t\n]{0,16})\(')


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without(text, strings):
    """The text with comments (and the insides of literals, if `strings`) as blanks; lines and columns stay."""
    out, i, n = [], 0, len(text)
    while i < n:
        two = text[i : i + 2]
        raw = RAW_STRING.match(text, i) if text[i] in "RuUL" and not (i and (text[i - 1].isalnum() or text[i - 1] == "_")) else None
        if two == "//":
            end = text.find("\n", i)
            end = n if end < 0 else end
            out.append(blank(text[i:end]))
        elif two == "/*":
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
            out.append(blank(text[i:end]))
        elif raw:
            closing = ")" + raw.group(1) + '"'
            end = text.find(closing, raw.end())
            end = n if end < 0 else end + len(closing)
            piece = text[i:end]
            out.append('"' + blank(piece[1:-1]) + '"' if strings else piece)
        elif text[i] == '"' or (text[i] == "'" and not re.search(r"(?<![A-Za-z_])[0-9][0-9A-Za-z_.']*$", text[max(0, i - 40) : i])):
            end = i + 1
            while end < n and text[end] not in (text[i], "\n"):
                end += 2 if text[end] == "\\" else 1
            end = min(end + 1, n)
            piece = text[i:end]
            out.append(piece[0] + blank(piece[1:-1]) + piece[-1] if strings and len(piece) > 1 else piece)
        else:
            end = i + 1
            out.append(text[i])
        i = end
    return "".join(out)


class Source:
    def __init__(self, root, path):
        self.name = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.uncommented = without(self.text, strings=False)
        self.code = without(self.text, strings=True)
        self.findings = []

    def find(self, position, rule, message):
        self.findings.append((self.name, self.text.count("\n", 0, position) + 1, rule, message))

    def includes(self):
        for match in INCLUDE.finditer(self.uncommented):
            yield match.start(2), match.group(1) == '"', match.group(2)


# --- shelves and rooms ------------------------------------------------------------------------------


def check_place(source, inside):
    if "/" not in inside:
        if inside != "main.cpp":
            source.find(0, "shelf", "only main.cpp stands outside the rooms")
        return
    room = inside.split("/")[0]
    if room not in SHELVES:
        source.find(0, "shelf", f"no room `{room}`; there are: {' '.join(SHELVES)}")


def check_includes(source, inside):
    room = inside.split("/")[0] if "/" in inside else None
    own = SHELVES.get(room, 99)
    for position, quoted, target in source.includes():
        first = target.split("/")[0] if "/" in target else ""
        if quoted and first not in SHELVES:
            source.find(position, "include", f'"{target}" does not begin with a room')
        elif not quoted and first in SHELVES:
            source.find(position, "include", f"<{target}> is ours: write quotes")
        elif quoted and first != room and SHELVES[first] >= own:
            source.find(position, "shelf", f"{room} (shelf {own}) includes {target} (shelf {SHELVES[first]})")
        for library, place, message in OWNED_LIBRARIES:
            if not quoted and library.match(target) and not place.match(inside):
                source.find(position, "library", message)
        if target in WHOLE_LIBRARIES:
            source.find(position, "include", f"<{target}> is everything at once: include the piece")


def check_pure(source, inside):
    if inside.split("/")[0] not in PURE_ROOMS and not PURE_FILES.match(inside):
        return
    for position, _, target in source.includes():
        if WAITING_INCLUDE.search(target):
            source.find(position, "pure", f"a pure room includes {target}")
    code = INCLUDE.sub(lambda match: blank(match.group()), source.code)
    code = ASIO_BUFFERS.sub(lambda match: blank(match.group()), code)
    for match in WAITING_WORD.finditer(code):
        source.find(match.start(), "pure", f"`{match.group()}` in a pure room: it never waits")


def check_names(source):
    for match in re.finditer(r"\bdetached\b", source.code):
        source.find(match.start(), "detached", "a task without an owner: spawn it in a net::TaskGroup")


def check_header(source):
    if not re.match(r"\s*#pragma once\b", source.uncommented):
        source.find(0, "header", "does not begin with #pragma once")


def check_marks(source):
    for match in re.finditer(r"\b(TODO(?!\((perf|security|test)\))|FIXME)\b", source.text):
        source.find(match.start(), "mark", "say its kind: TODO(perf), TODO(security) or TODO(test)")


# --- the co_await dialect ---------------------------------------------------------------------------

TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|\"[^\"]*\"|'[^']*'|::|->|<<=?|>>=?|<=>|[-+*/%&|^!=<>]=|&&|\|\||\+\+|--|\S")
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
BEFORE_BLOCK = {")", ";", "{", "}", "else", "do", "try", "noexcept", "mutable", "const", "override", "final", ":"}
# What may not follow the awaited call on its own level: it would be part of a larger expression.
OPERATORS = {"?", ":", "+", "-", "*", "/", "%", "&", "|", "^", "&&", "||", "==", "!=", "<=", ">=", "<=>", "<<", ">>", "=", ","}


def opens_block(tokens, i, start):
    """Is the `{` at i a block? Otherwise it initialises something."""
    previous = tokens[i - 1][0] if i else ";"
    statement = [token for token, _ in tokens[start:i]]
    if previous in BEFORE_BLOCK or (statement and statement[0] in ("namespace", "struct", "class", "enum", "union", "extern")):
        return True
    # `-> asio::awaitable<void> {`
    return "->" in statement and (previous in (">", ">>") or previous.isidentifier()) and ")" in statement


def check_operand(source, tokens, i):
    """Reads on from the co_await at i to the end of its statement."""
    depth, angles, j = 0, 0, i + 1
    while j < len(tokens):
        token, position = tokens[j]
        if depth == 0 and token in CLOSE:
            return
        if depth == 0 and token == ";":
            return
        if token in ("(", "["):
            depth += 1
        elif token in (")", "]"):
            depth -= 1
        elif token == "<" and depth == 0 and tokens[j - 1][0].isidentifier():
            angles += 1
        elif token in (">", ">>") and depth == 0 and angles:
            angles = max(0, angles - len(token))
        elif token == "{":
            source.find(position, "co_await", "an argument is built inside the expression: give it a name first")
            return
        elif token == "?":
            source.find(position, "co_await", "`?:` in the expression: decide first, then await")
            return
        elif depth == 0 and not angles and token in OPERATORS and tokens[j - 1][0] != "co_await":
            source.find(position, "co_await", f"`{token}` after the awaited call: await into a name first")
            return
        j += 1


def check_co_await(source):
    tokens = [(match.group(), match.start()) for match in TOKEN.finditer(source.code)]
    stack, starts = [], [0]  # open brackets; where the statement of each level begins
    for i, (token, position) in enumerate(tokens):
        if token in OPEN:
            stack.append("block" if token == "{" and opens_block(tokens, i, starts[-1]) else token)
            starts.append(i + 1)
        elif token in CLOSE:
            if stack:
                kind = stack.pop()
                starts.pop()
                if kind == "block":
                    starts[-1] = i + 1
        elif token == ";":
            starts[-1] = i + 1
        elif token == "co_await":
            previous = tokens[i - 1][0] if i else ";"
            statement = [text for text, _ in tokens[starts[-1] : i]]
            if stack and stack[-1] != "block":
                source.find(position, "co_await", "inside a condition, an argument or an initialiser: await into a name first")
            elif "?" in statement:
                source.find(position, "co_await", "in `?:`: write if and else")
            elif previous == ":" and statement[:1] not in (["case"], ["default"]):
                source.find(position, "co_await", "after `:`: await into a name first")
            elif previous not in {";", "{", "}", ")", "=", "co_return", "else", "do", ":"}:
                source.find(position, "co_await", f"after `{previous}`: it stands alone right of =, after co_return, or as a statement")
            else:
                check_operand(source, tokens, i)
    for match in re.finditer(r"\[[^\[\]]*[^\[\]\s][^\[\]]*\]\s*(\([^()]*(\([^()]*\)[^()]*)*\))?\s*(mutable\s*)?(noexcept\s*)?->\s*[\w:]*awaitable\b", source.code):
        source.find(match.start(), "co_await", "a lambda coroutine captures: its frame outlives the closure; pass parameters")


# --- the whole tree ---------------------------------------------------------------------------------


def sources(root, folder):
    for path in sorted((root / folder).rglob("*")):
        if path.suffix in (".hpp", ".cpp") and path.is_file():
            yield Source(root, path)


def check(root):
    findings = []
    for source in sources(root, "gateway"):
        inside = source.name.removeprefix("gateway/")
        check_place(source, inside)
        check_includes(source, inside)
        check_pure(source, inside)
        check_names(source)
        check_co_await(source)
        check_marks(source)
        if source.name.endswith(".hpp"):
            check_header(source)
        findings += source.findings
    for source in sources(root, "tests"):
        check_co_await(source)
        check_marks(source)
        if source.name.endswith(".hpp"):
            check_header(source)
        findings += source.findings
    return sorted(findings)


# --- self-test: (file, rule that must be found in it, text); the line that is wrong ends in /*!*/ ----

PLANTED = [
    ("gateway/util/strings.cpp", "shelf", "/*!*/int x;\n"),
    ("gateway/stray.cpp", "shelf", "/*!*/int x;\n"),
    ("gateway/keys/up.cpp", "shelf", '#include "base/ascii.hpp"\n#include "auth/key.hpp" /*!*/\n'),
    ("gateway/auth/aside.cpp", "shelf", '#include "policy/plan.hpp" /*!*/\n'),
    ("gateway/auth/relative.cpp", "include", '#include "key.hpp" /*!*/\n'),
    ("gateway/auth/angled.cpp", "include", "#include <base/reason.hpp> /*!*/\n"),
    ("gateway/net/whole.cpp", "include", "#include <boost/asio.hpp> /*!*/\n"),
    ("gateway/config/walk.cpp", "library", "#include <yaml-cpp/yaml.h> /*!*/\n"),
    ("gateway/keys/wire.cpp", "library", "#include <hiredis/hiredis.h> /*!*/\n"),
    ("gateway/policy/wait.cpp", "pure", "asio::awaitable<int> f(); /*!*/\n"),
    ("gateway/http/send.cpp", "pure", "#include <boost/asio/ip/tcp.hpp> /*!*/\n"),
    ("gateway/limit/rate.cpp", "pure", "void f() { std::this_thread::sleep_for(x); } /*!*/\n"),
    ("gateway/net/spawn.cpp", "detached", "void f() { asio::co_spawn(e, g(), asio::detached); /*!*/ }\n"),
    ("gateway/net/guard.hpp", "header", "/*!*/#ifndef GUARD\n#define GUARD\n#endif\n"),
    ("gateway/net/later.cpp", "mark", "// TODO: later /*!*/\n"),
    ("tests/net/a_test.cpp", "co_await", "T f() {\n    if (co_await ready()) g(); /*!*/\n}\n"),
    ("gateway/net/b.cpp", "co_await", "T f() {\n    while (!co_await ready()) g(); /*!*/\n}\n"),
    ("gateway/net/c.cpp", "co_await", "T f() {\n    switch (co_await kind()) { /*!*/\n    }\n}\n"),
    ("gateway/net/d.cpp", "co_await", "T f() {\n    auto x = b ? co_await g() : h; /*!*/\n}\n"),
    ("gateway/net/e.cpp", "co_await", "T f() {\n    co_await g(Options{x, 3}); /*!*/\n}\n"),
    ("gateway/net/f.cpp", "co_await", "T f() {\n    co_await g({x, y}); /*!*/\n}\n"),
    ("gateway/net/g.cpp", "co_await", "T f() {\n    co_await g(b ? s : t); /*!*/\n}\n"),
    ("gateway/net/h.cpp", "co_await", "T f() {\n    co_await g([s] { h(s); }); /*!*/\n}\n"),
    ("gateway/net/i.cpp", "co_await", "T f() {\n    Options o{co_await g(), 2}; /*!*/\n}\n"),
    ("gateway/net/j.cpp", "co_await", "T f() {\n    g(Options{}, co_await h()); /*!*/\n}\n"),
    ("gateway/net/k.cpp", "co_await", "T f() {\n    const auto n = co_await g() + 1; /*!*/\n}\n"),
    ("gateway/net/l.cpp", "co_await", "T f() {\n    const auto ok = !co_await g(); /*!*/\n}\n"),
    ("gateway/net/m.cpp", "co_await", "T f() {\n    for (auto x : co_await g()) h(x); /*!*/\n}\n"),
    ("gateway/net/n.cpp", "co_await", "void f() {\n    g([s]() -> asio::awaitable<void> { co_return; }); /*!*/\n}\n"),
    ("gateway/net/o.cpp", "co_await", "T f() {\n    const auto c = b ? x : co_await g(); /*!*/\n}\n"),
]

CLEAN = {
    "gateway/main.cpp": '#include "app/run.hpp"\n#include <CLI/CLI.hpp>\nint main() { return 0; }\n',
    "gateway/config/load.cpp": "#include <yaml-cpp/yaml.h>\n",
    "gateway/http/parse.cpp": '#include "http/head.hpp"\n#include <boost/asio/buffer.hpp>\n'
    "// an awaitable socket, detached: only words of a comment\n"
    'const char* a = "if (co_await socket)"; const int big = 10\'000; char quote = \'"\'; // asio\n'
    'auto raw = R"x(socket " co_await)x"; bool is_websocket;\nvoid f() { put(boost::asio::const_buffer(p, n)); }\n',
    "gateway/net/group.hpp": '// About this file.\n#pragma once\n#include "base/result.hpp"\n#include "config/settings.hpp"\n',
    "gateway/net/good.cpp": """#include "net/group.hpp"
asio::awaitable<int> f(Options o) {
    const auto ok = co_await ready(o.x, std::move(o));
    if (ok) co_await g();
    else co_return co_await h(x, asio::as_tuple(asio::use_awaitable));
    for (;;) {
        const auto [error, n] = co_await stream.async_read_some(asio::buffer(b), token);
        switch (n) {
        case 1: co_await g<int, 3>(n); break;
        default: co_await std::move(later);
        }
    }
    try {
        x = co_await map[i]->get();
    } catch (...) {
    }
    auto work = [](Options p) -> asio::awaitable<void> {
        co_await g(p);
        (void)co_await h(p);
    };
    group.spawn([](int n) -> asio::awaitable<void> { co_await g(n); }, 3);
    Options named{.a = 1, .b = {2, 3}};
    co_return co_await g(std::move(named));
}
""",
}


def self_test():
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)

        def plant(name, text):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")

        for name, text in CLEAN.items():
            plant(name, text)
        for finding in check(root):
            missed += 1
            print("rules.py: found where nothing is wrong:", *finding)
        for name, rule, text in PLANTED:
            plant(name, text)
            line = text.count("\n", 0, text.index("/*!*/")) + 1
            if (name, line, rule) not in [finding[:3] for finding in check(root)]:
                missed += 1
                print(f"rules.py: not found: {rule} in line {line} of {name}: {text!r}")
            (root / name).unlink()
    print(f"rules.py: {len(PLANTED)} mistakes planted, {missed} wrong")
    return missed


def main():
    parser = argparse.ArgumentParser(description="the rules of the tree that no compiler checks")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        sys.exit(1 if self_test() else 0)
    findings = check(arguments.root)
    for name, line, rule, message in findings:
        print(f"{name}:{line}: {rule}: {message}")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
