"""A tracked file as the rules see it: its text, and for C++ the same text without comments and literals."""

import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

# Comments, raw strings, strings and characters; a digit separator (1'000) is none of these.
_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*'""",
    re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Source:
    path: str  # from the root of the tree
    text: str = field(repr=False)

    @property
    def folder(self):
        return str(PurePosixPath(self.path).parent)

    @property
    def is_cpp(self):
        return self.path.endswith((".h", ".cc"))

    @cached_property
    def lines(self):
        return self.text.split("\n")

    @cached_property
    def code(self):
        """The text with comments and literals blanked; offsets and lines stay."""
        return _LITERAL.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), self.text)

    @cached_property
    def includes(self):
        """(offset, "<" or a quote, name) of every include that isn't commented out."""
        return [
            (match.start(1), match[1], match[2])
            for match in _INCLUDE.finditer(self.text)
            if "#" in self.code[match.start() : match.end()]
        ]

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def find(self, offset, what):
        return Finding(self.path, self.line_of(offset), what)


def tracked(root):
    """The text files of the project: what git tracks or would track; without git (a release's archive), all there is."""
    told = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True
    )
    if told.returncode == 0:
        paths = {name for name in told.stdout.split("\0") if name}
    else:
        found = (path.relative_to(root) for path in Path(root).rglob("*"))
        paths = {path.as_posix() for path in found if path.parts[0] not in ("build", ".git")}
    for path in sorted(paths):
        file = Path(root) / path
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            if b"\0" not in data:
                yield Source(path, data.decode("utf-8", "replace"))
