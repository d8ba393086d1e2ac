"""Writes gatehouse.yaml from plain values, one key a line, so that error positions mean something."""
import json
import re

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
WORDS = {"true", "false", "null", "yes", "no", "on", "off"}


def scalar(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    return text if PLAIN.fullmatch(text) and text.lower() not in WORDS else json.dumps(text)


def dump(value, indent=0):
    pad = "  " * indent
    lines = []
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                lines.append(f"{pad}{scalar(key)}:")
                lines.append(dump(item, indent + 1))
            else:
                lines.append(f"{pad}{scalar(key)}: {flow(item)}")
    else:
        for item in value:
            if isinstance(item, dict) and item:
                first, *others = dump(item, indent + 1).split("\n")
                lines.append(f"{pad}- {first.lstrip()}")
                lines.extend(others)
            else:
                lines.append(f"{pad}- {flow(item)}")
    return "\n".join(lines)


def flow(value):
    if value == {}:
        return "{}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)
