#!/usr/bin/env python3
"""Compares the catalog's corpus with what a real `consul validate` says of each file.

  consul_conformance.py [--consul BINARY] [FILE-OR-FOLDER ...]

The corpus (tests/unit/conf/catalog/corpus) has four folders: accepted and refused hold what Consul and gatehouse agree
on; stricter what Consul accepts and gatehouse refuses, laxer the other way round. The unit tests hold gatehouse to it;
this holds the corpus to Consul. Skips with a word when no consul is found (--consul, $CONSUL, PATH).
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "unit/conf/catalog/corpus"
CONSUL_ACCEPTS = {"accepted": True, "stricter": True, "refused": False, "laxer": False}


def validate(consul, base, path):
    done = subprocess.run([consul, "validate", "-config-format=json", base, str(path)], capture_output=True, text=True)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consul", default=os.environ.get("CONSUL") or shutil.which("consul"))
    parser.add_argument("paths", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    if not options.consul or not os.access(options.consul, os.X_OK):
        print("skipped: no consul binary (put one on PATH, or name it with --consul)")
        return 0

    failed = checked = 0
    with tempfile.TemporaryDirectory() as folder:
        base = os.path.join(folder, "base.json")
        with open(base, "w") as file:
            file.write('{"data_dir": "%s", "bind_addr": "127.0.0.1"}' % folder)
        for path in options.paths:
            accepted, said = validate(options.consul, base, path)
            print(f"{path}: {'accepted' if accepted else said}")
        if options.paths:
            return 0
        for name, expected in CONSUL_ACCEPTS.items():
            for path in sorted((CORPUS / name).glob("*.json")):
                accepted, said = validate(options.consul, base, path)
                checked += 1
                if accepted != expected:
                    failed += 1
                    print(f"{name}/{path.name}: consul says: {said}")
    print(f"{checked} files, {failed} differ")
    return 1 if failed or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
