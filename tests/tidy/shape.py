"""The size of files and functions, opening comments, and what must not be in any tracked text."""

import re

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
_LONG = re.compile(r"(//|#) long: \S+")
_TRANSPARENT = re.compile(r"(^|[\s;}>])(namespace|class|struct|union|enum|extern)\b[^()=]*$")

_ANYWHERE = (
    (re.compile(r"(?<![\w.~$}/-])/(work|home/\w+|root)/"), "a path of somebody's machine"),
    (re.compile(r"(?<![\w.$}-])/tmp/[\w.]"), "a path of somebody's machine; tests get their folder from the test framework"),
    (re.compile(r"-----BEGIN ([A-Z0-9]+ )*PRIVATE[ ]KEY-----"), "a private key; tests make theirs when they run"),
    (re.compile(r"[ \t]+$", re.MULTILINE), "trailing whitespace"),
)
_TODO = re.compile(r"\b(TO[D]O(?!\((perf|spec|peer)\): )|FIX[M]E|XX[X])\b")
_SLEEP = re.compile(r"\b(time\.sleep|asyncio\.sleep|sleep_for|sleep_until|usleep|nanosleep)\s*\((?!0\))")
_REASON = re.compile(r"(//|#) \S.{7}")


def check(source):
    if source.path.startswith("tests/") and "/corpus/" in source.path:
        return  # strangers' bytes
    for pattern, what in _ANYWHERE:
        for match in pattern.finditer(source.text):
            yield source.find(match.start(), what)
    if source.text and not source.text.endswith("\n"):
        yield source.find(len(source.text), "no newline at the end")
    if source.is_cpp or source.path.endswith((".py", ".sh", ".cmake")):
        for match in _TODO.finditer(source.text):
            yield source.find(match.start(), f"{match[0]}: open ends need a kind, perf, spec or peer, as in (perf): reason")
    if source.path.startswith(("tests/", "bench/")):
        yield from _sleeps(source)
    if source.is_cpp or source.path.endswith(".py"):
        yield from _file_size(source)
    if source.is_cpp:
        yield from _opening(source)
        yield from _function_sizes(source)


def _sleeps(source):
    for match in _SLEEP.finditer(source.code if source.is_cpp else source.text):
        line = source.line_of(match.start())
        above = source.lines[line - 2].strip() if line > 1 else ""
        if not _REASON.search(source.lines[line - 1]) and not _REASON.match(above):
            yield source.find(match.start(), f"{match[0]}: wait for a condition, or say in a comment why not")


def _file_size(source):
    count = source.text.count("\n")
    if count > FILE_LINES_MAX and not any(_LONG.search(line) for line in source.lines[:20]):
        yield source.find(0, f"{count} lines, {FILE_LINES_MAX} at most; split it, or say why not at its top: long: reason")


def _opening(source):
    if source.path.endswith(".h") and not re.match(r"// \S.{20}", source.text):
        yield source.find(0, "a header opens with a comment: what it holds, threads, limits, failure, source")


def functions(code):
    """(start, end) offsets of every outermost function, from its head to its closing brace.

    Braces of namespaces and types are looked through; a brace that ends a head with balanced parentheses and no `=`
    before it opens a function; any other (an initialiser) is jumped over and stays part of the head.
    """
    code = re.sub(r"^[ \t]*#.*?(?<!\\)$", lambda match: re.sub(r"[^\n]", " ", match[0]), code, flags=re.M | re.S)
    head, position = 0, 0
    while (found := re.compile(r"[{};]").search(code, position)) is not None:
        position = found.end()
        if found[0] != "{":
            head = position
            continue
        text = code[head : found.start()]
        if _TRANSPARENT.search(text):
            head = position
            continue
        end = closing(code, found.start())
        is_head = "(" in text and text.count("(") == text.count(")") and not text.rstrip().endswith("=")
        follows = code[end + 1 : end + 200].lstrip()[:1]
        if is_head and follows not in (",", "{", ")"):
            yield head + len(text) - len(text.lstrip()), end
            head = end + 1
        position = end + 1


def closing(code, opening):
    """The offset of the bracket that closes the one at `opening`; the end of the text if there is none."""
    pairs = {"{": "}", "(": ")", "[": "]"}
    mine, other, depth = code[opening], pairs[code[opening]], 0
    for match in re.compile(f"[{re.escape(mine + other)}]").finditer(code, opening):
        depth += 1 if match[0] == mine else -1
        if depth == 0:
            return match.start()
    return len(code) - 1


def _function_sizes(source):
    for start, end in functions(source.code):
        first, last = source.line_of(start), source.line_of(end)
        if last - first + 1 > FUNCTION_LINES_MAX and not any(
            _LONG.search(near) for near in source.lines[max(0, first - 4) : first]
        ):
            yield source.find(
                start, f"a function of {last - first + 1} lines, {FUNCTION_LINES_MAX} at most; split it, or say why not: long: reason"
            )
