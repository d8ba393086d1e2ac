#!/usr/bin/env python3
"""Reads the tracked files and tells what breaks the rules of the house; CONTRIBUTING.md says why they are rules."""

import sys
from pathlib import Path

import arrows
import coroutines
import shape
from source import tracked


def findings(sources):
    for source in sources:
        for rules in (arrows, shape, coroutines):
            yield from rules.check(source)
    yield from arrows.cycles(sources)


def main():
    sources = list(tracked(Path(__file__).resolve().parents[2]))
    found = sorted(findings(sources), key=lambda finding: (finding.path, finding.line))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(sources)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
