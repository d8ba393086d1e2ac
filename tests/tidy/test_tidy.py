"""Each rule fails on a bad sample and leaves its good twin alone. Run by ./dev test."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import arrows  # noqa: E402
import coroutines  # noqa: E402
import shape  # noqa: E402
from source import Source, tracked  # noqa: E402
from tidy import findings  # noqa: E402

HEADER = "// sample.h: a header that opens as it should.\n"


def told(path, text):
    return [finding.what for finding in findings([Source(path, text)])]


def lines(count, each="  f();\n"):
    return each * count


ARROW_ROWS = [
    ("net/a.h", "net/b.h", True),
    ("net/a.h", "conf/config.h", False),
    ("conf/a.cc", "net/ip.h", True),
    ("conf/a.cc", "conf/catalog/instance.h", False),
    ("conf/catalog/a.cc", "conf/config.h", True),
    ("conf/catalog/a.cc", "proxy/world.h", False),
    ("proxy/world.cc", "proxy/http/fields.h", True),
    ("proxy/route/a.cc", "conf/service.h", True),
    ("proxy/a.cc", "proxy/pool/pool.h", True),
    ("proxy/a.cc", "ratelimit/gate.h", True),
    ("proxy/a.cc", "conf/catalog/snapshot.h", False),
    ("proxy/a.cc", "tunnel/keyring.h", False),
    ("proxy/a.cc", "acme/order.h", False),
    ("proxy/a.cc", "cli/wire.h", False),
    ("proxy/pool/a.cc", "proxy/http/fields.h", False),
    ("proxy/pool/a.cc", "ratelimit/gate.h", False),
    ("tunnel/a.cc", "proxy/pool/pool.h", True),
    ("tunnel/a.cc", "proxy/world.h", False),
    ("ratelimit/a.cc", "proxy/world.h", False),
    ("acme/a.cc", "conf/config.h", True),
    ("acme/a.cc", "tunnel/keyring.h", False),
    ("cli/a.cc", "proxy/world.h", True),
    ("cli/a.cc", "conf/catalog/snapshot.h", True),
    ("cli/a.cc", "tests/fake/clock.h", False),
    ("conf/a.cc", "config.h", False),
    ("tests/unit/a_test.cc", "cli/wire.h", True),
]


@pytest.mark.parametrize("path, included, good", ARROW_ROWS)
def test_includes_follow_the_arrows(path, included, good):
    opening = HEADER if path.endswith(".h") else ""
    assert (told(path, f'{opening}#include "{included}"\n') == []) == good


def test_an_include_in_a_comment_is_none():
    assert told("net/a.cc", '// #include "cli/wire.h"\n/*\n#include "cli/wire.h"\n*/\n') == []


def test_folders_that_include_each_other_are_a_cycle():
    one, two = Source("proxy/http/a.cc", '#include "proxy/route/b.h"\n'), Source("proxy/route/b.cc", '#include "proxy/http/a.h"\n')
    corner = Source("proxy/route/b.cc", '#include "proxy/backend/c.h"\n'), Source("proxy/backend/c.cc", '#include "proxy/http/a.h"\n')
    assert [finding.what for finding in arrows.cycles([one, two])] == [
        "folders include each other: proxy/http -> proxy/route -> proxy/http"
    ]
    assert len(list(arrows.cycles([one, *corner]))) == 1
    assert list(arrows.cycles([one])) == []


WORLD_ROWS = [
    "#include <sys/socket.h>\n",
    "#include <openssl/ssl.h>\n",
    "#include <fstream>\n",
    "#include <unistd.h>\n",
    "auto t = Clock::now();\n",
    "auto t = std::chrono::system_clock::now();\n",
    "std::ifstream in(name);\n",
    "std::random_device dice;\n",
    "int fd = ::open(name, 0);\n",
    "bool b = std::filesystem::exists(name);\n",
    "for (auto& e : std::filesystem::recursive_directory_iterator(p)) use(e);\n",
    'auto v = getenv("X");\n',
]


@pytest.mark.parametrize("text", WORLD_ROWS)
def test_only_the_shell_touches_the_world(text):
    assert told("proxy/world.cc", text) != []
    assert told("conf/catalog/file_source.cc", text) != []
    assert told("proxy/client_io.cc", text) == []
    assert told("net/dial.cc", text) == []
    assert told("cli/reload.cc", text) == []
    assert told("tests/unit/a_test.cc", text) == [] or "sleep" in text


@pytest.mark.parametrize("text", ["// Clock::now() is a parameter\n", 'auto s = "Clock::now()";\n', "bool o = door::open(x);\n"])
def test_words_about_the_world_are_free(text):
    assert told("proxy/world.cc", text) == []


@pytest.mark.parametrize("library", ["asio", "beast"])
def test_asio_and_beast_have_one_gate_each(library):
    text = f"#include <boost/{library}.hpp>\n"
    assert told("cli/admin_io.cc", text) != [] and told("net/loop.cc", text) != []
    assert told(f"net/{library}.h", HEADER + text) == []
    assert told("cli/admin_io.cc", f'#include "net/{library}.h"\n') == []
    assert told("proxy/world.cc", f'#include "net/{library}.h"\n') != []


def test_a_function_has_at_most_seventy_lines():
    good = "int f(int a) {\n" + lines(68) + "}\n"
    bad = "int f(int a) {\n" + lines(69) + "}\n"
    assert told("net/a.cc", good) == []
    assert told("net/a.cc", "namespace x {\n" + bad + "}\n") == ["a function of 71 lines, 70 at most; split it, or say why not: long: reason"]
    assert told("net/a.cc", "// long: one table of cases\n" + bad) == []
    assert told("net/a.cc", "// long:\n" + bad) != []


@pytest.mark.parametrize(
    "head",
    [
        "Task<int> serve(Client client) ",
        "A::A(int x) : x_(x), y_{1}, z_{{2}} ",
        "template <class T>\n  requires std::is_same_v<T, int>\nauto f(T t) -> decltype(t) ",
        "class C : public B {\n  void f() const noexcept override ",
        "struct S {\n  int x = 1;\n  std::map<int, int> m{{1, 2}};\n  void f() ",
        "bool operator()(int a) ",
        "#define X {\nvoid f() ",
        "auto f = [](int a) ",
    ],
)
def test_every_kind_of_function_is_measured(head):
    assert any("a function of 7" in what for what in told("net/a.cc", head + "{\n" + lines(70) + "}\n"))


@pytest.mark.parametrize("head", ["constexpr Key keys[] = ", "enum class E ", "const std::map<int, int> m", "namespace n ", "struct S "])
def test_tables_and_types_are_no_functions(head):
    assert told("net/a.cc", head + "{\n" + lines(80, "  {1, 2},\n") + "};\n") == []


def test_a_file_has_at_most_six_hundred_lines():
    assert told("net/a.cc", lines(600, "int a;\n")) == []
    assert told("net/a.cc", lines(601, "int a;\n")) != []
    assert told("bench/load/a.py", lines(601, "a = 1\n")) != []
    assert told("net/a.cc", "// a.cc\n// long: generated from the RFC's table\n" + lines(601, "int a;\n")) == []


def test_a_header_opens_with_a_comment():
    assert told("net/a.h", HEADER + "#pragma once\n") == []
    assert told("net/a.h", "#pragma once\n") != []
    assert told("net/a.h", "// a.h\n#pragma once\n") != []


@pytest.mark.parametrize(
    "text, good",
    [
        ("// TO" + "DO: later\n", False),
        ("// TO" + "DO(me): later\n", False),
        ("// TO" + "DO(perf): batch these when the profile shows them\n", True),
        ("// FIX" + "ME\n", False),
    ],
)
def test_open_ends_have_a_kind(text, good):
    assert (told("net/a.cc", text) == []) == good


@pytest.mark.parametrize("call", ["time.sleep" + "(1)", "std::this_thread::sleep_for" + "(1s);", "usleep" + "(5);"])
def test_sleeps_in_tests_have_a_reason(call):
    path = "tests/system/test_a.py" if "time." in call else "tests/unit/a_test.cc"
    mark = "#" if "time." in call else "//"
    assert told(path, call + "\n") != []
    assert told(path, f"{call}  {mark} how often the log is looked at\n") == []
    assert told(path, f"{mark} how often the log is looked at\n{call}\n") == []
    assert told(path, f"{mark} so\n{call}\n") != []
    assert told(path, f"x = 1  {mark} about something else\n{call}\n") != []


@pytest.mark.parametrize(
    "text",
    [
        "see /wo" + "rk/shared\n",
        "cp x /ho" + "me/ann/x\n",
        "log: /tm" + "p/door.log\n",
        "-----BEGIN EC PRIVATE" + " KEY-----\n",
        "-----BEGIN PRIVATE" + " KEY-----\n",
        "ends in a blank" + " \n",
        "no newline",
    ],
)
def test_what_no_tracked_text_may_hold(text):
    assert told("docs/a.md", text) != []
    assert told("tests/fuzz/corpus/yaml/a", text) == []


@pytest.mark.parametrize("text", ["/var/lib/gatehouse\n", "$scratch/tmp/x\n", "-----BEGIN CERTIFICATE-----\n", "the /tmp folder\n"])
def test_what_tracked_text_may_hold(text):
    assert told("docs/a.md", text) == []


AWAIT_GOOD = [
    "if (auto ok = co_await client.handshake(world, 10s); ok) go();",
    "while (auto request = co_await client.next(idle)) use(*request);",
    "auto&& bytes = co_await read(std::move(buffer));",
    "const bool ready = co_await f(); if (ready && g()) h();",
    "co_await f([](int a) { return a ? 1 : 2; });",
    "co_await scope([]() -> Task<void> { co_await g(); });",
    "const Deadline d{1, 2}; co_await f(d);",
    "auto n = a[i](x); co_await f(n);",
    "if (a && b) { co_await f(); }",
    "if (a && b) co_await f();",
    "if (x() && b(a[0])) co_return co_await f(g(x));",
    "while (a || b) if (c) co_await f();",
]
AWAIT_BAD = {
    "auto x = ready ? co_await f() : 0;": "?:",
    "if (a && co_await f()) g();": "?:",
    "return co_await f() || b;": "?:",
    "while (more() && co_await f()) {}": "?:",
    "if (a) x = b ? co_await f() : g(c);": "?:",
    "if (a) co_await f(Deadline{1, 2});": "braced",
    "co_await f(Deadline{1, 2});": "braced",
    "co_await f(x, {1, 2});": "braced",
    "auto y = co_await client.read(Limits{.bytes = 1}, z);": "braced",
    "spawn([this] { co_return; });": "captures",
    "spawn([&, x = 1](int a) mutable -> Task<void> { co_await f(); });": "captures",
    "auto l = [=]() { if (a) { co_yield 1; } };": "captures",
}


def in_coroutine(statement):
    return Source("proxy/a_io.cc", f"Task<void> f(A a) {{\n  {statement}\n  co_return;\n}}\n")


@pytest.mark.parametrize("statement", AWAIT_GOOD)
def test_awaits_that_gcc_12_gets_right(statement):
    assert list(coroutines.check(in_coroutine(statement))) == []


@pytest.mark.parametrize("statement, word", AWAIT_BAD.items())
def test_awaits_that_gcc_12_gets_wrong(statement, word):
    found = list(coroutines.check(in_coroutine(statement)))
    assert len(found) == 1 and word in found[0].what and found[0].line == 2


def test_a_plain_lambda_may_capture_beside_coroutines():
    assert list(coroutines.check(in_coroutine("post([this] { go(); });"))) == []
    assert list(coroutines.check(in_coroutine("post([this] { spawn([](A a) -> Task<void> { co_await a; }); });"))) == []


def test_literals_and_comments_are_no_code():
    text = "// }\nauto s = \"{\"; auto c = '{'; auto r = R\"x({{{)x\"; int n = 1'000'000; /* { */\n"
    code = Source("net/a.cc", text).code
    assert "{" not in code and "}" not in code and "1'000'000" in code and len(code) == len(text)


def test_what_git_ignores_is_not_read(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("/build/\n")
    (tmp_path / "build").mkdir()
    for name in ("build/made.cc", "new.cc"):
        (tmp_path / name).write_text("int a;\n")
    (tmp_path / "picture.png").write_bytes(b"\0\1")
    assert [source.path for source in tracked(tmp_path)] == [".gitignore", "new.cc"]


def test_lines_are_counted_from_one():
    assert [(f.path, f.line) for f in shape.check(Source("net/a.cc", "int a;\nint b; \n"))] == [("net/a.cc", 2)]
