"""What GCC 12 gets wrong in coroutines, and what is wrong in every compiler: docs/architecture.md, the data path.

A capturing lambda's captures die with the lambda while its coroutine lives on; GCC 12 destroys temporaries of
conditionally evaluated awaits twice or never, and aggregate temporaries of an awaited call twice.
"""

import re

from shape import closing

_COROUTINE = re.compile(r"\bco_(await|return|yield)\b")
_LAMBDA = re.compile(r"(?<![\w)\]])\[(?P<capture>[^\[\]]*)\](?=\s*[({]|\s*mutable|\s*->)")
_CONDITION = re.compile(r"\b(if|if constexpr|while|for|switch)\s*$")
_BRANCH = re.compile(r"\?|\s(&&|\|\|)\s")


def check(source):
    if not source.is_cpp or not _COROUTINE.search(source.code):
        return
    yield from _lambdas(source)
    for match in re.finditer(r"\bco_await\b", source.code):
        start, end = _expression(source.code, match.start())
        if _BRANCH.search(_without_bodies(source.code[start:end])):
            yield source.find(match.start(), "co_await beside ?:, && or ||: await into a name first")
        if _brace_in_call(source.code[match.end() : end]):
            yield source.find(match.start(), "a braced temporary in an awaited call: give it a name first")


def _lambdas(source):
    code = source.code
    for match in _LAMBDA.finditer(code):
        opening = _body(code, match.end())
        if opening is None or not match["capture"].strip():
            continue
        body = code[opening : closing(code, opening) + 1]
        if _COROUTINE.search(_without_lambdas(body)):
            yield source.find(match.start(), "a coroutine lambda that captures: make it a function, pass what it needs")


def _body(code, position):
    """The opening brace of a lambda whose introducer ends at `position`."""
    parameters = re.compile(r"\s*\(").match(code, position)
    if parameters:
        position = closing(code, parameters.end() - 1) + 1
    match = re.compile(r"[^;{}()]*\{").match(code, position)
    return match.end() - 1 if match else None


def _without_lambdas(body):
    """A body without the lambdas in it: what they await is their own affair."""
    match = _LAMBDA.search(body, 1)
    while match:
        opening = _body(body, match.end())
        end = closing(body, opening) + 1 if opening is not None else match.end()
        body = body[: match.start()] + " " * (end - match.start()) + body[end:]
        match = _LAMBDA.search(body, end)
    return body


def _expression(code, position):
    """The full expression around an await: to the ; { } or the condition's bracket it stands within, both ways."""
    start, inner = position, []  # inner: the closing brackets that are open on the way back
    while start > 0:
        char = code[start - 1]
        if char in ")]":
            inner.append(start)
        elif char in "([":
            condition = _CONDITION.search(code, max(0, start - 20), start - 1)
            if not inner and condition:
                break  # if (… co_await …)
            closed = inner.pop() if inner else None
            if not inner and closed and condition:
                start = closed
                break  # if (…) co_await …;
        elif char in ";{}" and not inner:
            break
        start -= 1
    end, depth = position, 0
    while end < len(code):
        char = code[end]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif char == ";" and depth == 0:
            break
        end += 1
    return start, end


def _without_bodies(text):
    """An expression without braced parts: neither lambda bodies nor initialisers are conditionally evaluated."""
    while "{" in text:
        opening = text.index("{")
        text = text[:opening] + " " + text[closing(text, opening) + 1 :]
    return text


def _brace_in_call(text):
    """Whether a brace that isn't a lambda's body stands within parentheses."""
    text = _without_lambdas(" " + text)
    depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "{" and depth > 0:
            return True
    return False
