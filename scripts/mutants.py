"""Tries mutants of the verifier against its tests, one at a time: the work of scripts/mutants.sh, which says how.

cargo-mutants makes the changes. They are tried here, because its own runner knows one command for all tests, and those of
all variants take minutes to build: most mutants are caught in seconds by the tests of the core.
"""

import argparse
import hashlib
import json
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# Changed, the sample is another one and the order too.
SEED = "1"
SAMPLED = 400
WHOLE = ["verifier/core/src/engine/**", "verifier/core/src/semantics/**"]
REST = ["verifier/core/src/**", "variants/src/decode/**", "variants/src/mac/**", "verifier/src/**"]

# What is built and run quickly comes first. Backends are changed in many of the mutants and tested little by the first two
# steps, so there they are built without optimisation; the tests of all variants would take an hour that way.
QUICKLY = ["--config", "profile.dev.package.ron-auth-variants.opt-level=0"]
STEPS = [
    ("core", [*QUICKLY, "-p", "ron-auth-core", "--features", "serde"]),
    ("face", [*QUICKLY, "-p", "ron-auth", "--features", "full,serde"]),
    ("variants", ["-p", "ron-auth-variants"]),
]
# A mutant that loops for ever is caught by time: so many times the CPU time that the tests take without a change, and this at
# least, for each of their processes. By the wall clock, another program that wants the cores would catch mutants as well;
# it has the last word over what waits for ever only.
TIMES, LEAST_SECONDS, WALL_TIMES = 5, 60, 40

KEPT = Path("baselines/mutants/outcomes.tsv")
MAY_LIVE = Path("baselines/mutants/may-live.tsv")


class CouldNot(Exception):
    """Ends the run with exit code 3."""


def say(text):
    print(f"mutants.sh: {text}", file=sys.stderr, flush=True)


def list_mutants(files, left_out):
    """The mutants of these files, each with a key that stays when lines above it move."""
    command = ["cargo", "mutants", "--no-config", "--list", "--json", "--diff"]
    for option, globs in (("-f", files), ("-e", left_out)):
        for glob in globs:
            command += [option, glob]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode != 0:
        raise CouldNot(f"cargo-mutants could not list: {listed.stderr.strip().splitlines()[-1:]}")
    mutants = []
    for mutant in json.loads(listed.stdout):
        lines = mutant["diff"].splitlines()[2:]
        # Several changes of one line differ in their name alone, less the place.
        what = re.sub(r"^(\S+?):\d+:\d+: ", r"\1: ", mutant["name"])
        column = str(mutant["span"]["start"]["column"])
        text = "\n".join([what, column] + [line for line in lines if not line.startswith("@@")])
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        mutants.append({"key": key, "name": mutant["name"], "file": mutant["file"], "diff": mutant["diff"]})
    return mutants


def drawn(mutants):
    return sorted(mutants, key=lambda mutant: hashlib.sha256((SEED + mutant["key"]).encode()).hexdigest())


def chosen():
    """All of the engine and of the semantics and a sample of the rest, in an order that is drawn: what has been tried when a
    run is stopped is a sample of all."""
    rest = drawn(list_mutants(REST, WHOLE))
    return drawn(list_mutants(WHOLE, []) + rest[:SAMPLED])


def read_table(path):
    if not path.is_file():
        return []
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [line.split("\t") for line in lines]


def outcomes():
    """The last outcome of each: those that were missed may have been tried again."""
    return {row[0]: row for row in read_table(KEPT)}


def interval(caught, viable):
    """Wilson's, 95 %, in per cent."""
    share, z = caught / viable, 1.959964
    centre = (share + z * z / (2 * viable)) / (1 + z * z / viable)
    half = z * math.sqrt(share * (1 - share) / viable + z * z / (4 * viable * viable)) / (1 + z * z / viable)
    return 100 * (centre - half), 100 * min(1, centre + half)


class Tree:
    """A copy of the tree at hand in which changes are made, with a target directory of its own."""

    def __init__(self, home):
        self.path = home / "tree"
        # What is built once and run once need not be fast, only built quickly.
        self.environment = dict(
            os.environ,
            CARGO_TARGET_DIR=str(home / "build"),
            CARGO_TERM_COLOR="never",
            CARGO_INCREMENTAL="1",
            CARGO_PROFILE_DEV_DEBUG="0",
        )
        for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"):
            self.environment.pop(name, None)
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        files = subprocess.run(listing, capture_output=True, check=True).stdout
        names = {name for name in files.decode().split("\0") if name and Path(name).is_file()}
        # What is gone is gone here too: Cargo builds every test that it finds.
        for target in [path for path in self.path.rglob("*") if path.is_file()]:
            if target.relative_to(self.path).as_posix() not in names:
                target.unlink()
        for name in names:
            source, target = Path(name), self.path / name
            # What is equal keeps its time stamp, and so is not built again.
            if not target.is_file() or source.read_bytes() != target.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def run(self, command, seconds):
        """Its exit code, `None` if it took longer, where `seconds` of CPU time are what each of its processes may take; with
        what it printed."""

        def limit():
            if seconds is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

        with open(self.path.parent / "log", "w+b") as log:
            process = subprocess.Popen(
                command, cwd=self.path, env=self.environment, stdout=log, stderr=log, start_new_session=True, preexec_fn=limit
            )
            try:
                code = process.wait(timeout=None if seconds is None else WALL_TIMES * seconds)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                # The tests too, if they outlive who started them.
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
            log.seek(0)
            said = log.read().decode(errors="replace")
            # What used up its CPU time was killed: by the first signal at the soft limit, by the other at the hard one.
            spent = code not in (0, None) and ("SIGXCPU" in said or "SIGKILL" in said)
            return None if spent else code, said

    def build(self, options):
        return self.run(["cargo", "test", "--no-run", "--tests", *options], None)

    def test(self, options, seconds):
        return self.run(["cargo", "test", "--quiet", "--tests", *options], seconds)


def children_cpu_seconds():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


class Limits:
    """How long each step may take. Its tests are run without a change when it is first come to, and must pass."""

    def __init__(self, tree):
        self.tree, self.found = tree, {}

    def of(self, name, options):
        if name not in self.found:
            say(f"the tests of the {name}, without a change")
            code, said = self.tree.build(options)
            begun = children_cpu_seconds()
            if code == 0:
                code, said = self.tree.test(options, None)
            if code != 0:
                ended = "\n".join(said.splitlines()[-15:])
                raise CouldNot(f"the tests of the {name} fail without a change:\n{ended}")
            self.found[name] = max(LEAST_SECONDS, math.ceil(TIMES * (children_cpu_seconds() - begun)))
        return self.found[name]


def try_step(tree, mutant, diff, options, seconds):
    """What became of it in one step: "unviable", "timeout", "caught", or "missed"."""
    path = tree.path / mutant["file"]
    before = path.read_bytes()
    applied = subprocess.run(["git", "apply", "-"], cwd=tree.path, input=diff, text=True, capture_output=True)
    try:
        if applied.returncode != 0 or path.read_bytes() == before:
            raise CouldNot(f"{mutant['name']}: git could not apply it: {applied.stderr.strip()}")
        code, said = tree.build(options)
        if code != 0:
            if "could not compile" not in said:
                raise CouldNot(f"{mutant['name']}: the build failed:\n" + "\n".join(said.splitlines()[-5:]))
            return "unviable"
        code, _ = tree.test(options, seconds)
        return "timeout" if code is None else "caught" if code != 0 else "missed"
    finally:
        path.write_bytes(before)


def try_mutant(tree, mutant, limits):
    """Outcome, and the step that gave it."""
    diff = "\n".join([f"--- a/{mutant['file']}", f"+++ b/{mutant['file']}", *mutant["diff"].splitlines()[2:], ""])
    for name, options in STEPS:
        seconds = limits.of(name, options)
        outcome = try_step(tree, mutant, diff, options, seconds)
        if outcome != "missed":
            break
    return outcome, name


def report(mutants):
    """Prints what has come out; whether the lower end of the interval is at least 95 %, those that may live not left out."""
    kept, may_live = outcomes(), {row[0]: row for row in read_table(MAY_LIVE)}
    tried = [kept[mutant["key"]] for mutant in mutants if mutant["key"] in kept]
    tally = {name: sum(row[1] == name for row in tried) for name in ("caught", "timeout", "missed", "unviable")}
    caught, viable = tally["caught"] + tally["timeout"], len(tried) - tally["unviable"]
    print(
        f"{len(tried)} of {len(mutants)} tried: {tally['caught']} caught, {tally['timeout']} by time, "
        f"{tally['missed']} missed, {tally['unviable']} do not compile"
    )
    missed = [row for row in tried if row[1] == "missed"]
    for key, _, _, name in missed:
        print(f"missed: {name}\n        {may_live[key][2] if key in may_live else 'NO REASON GIVEN'}")
    if viable == 0:
        return False
    first = {}
    for row in read_table(KEPT):
        first.setdefault(row[0], row)
    mended = sum(first[row[0]][1] == "missed" and row[1] in ("caught", "timeout") for row in tried)
    equal = sum(key in may_live for key, *_ in missed)
    share("of the viable ones are caught", caught, viable)
    if equal:
        share(f"without the {equal} that may live", caught, viable - equal)
    if mended:
        share(f"without those, and before tests were written for {mended} that were missed", caught - mended, viable - equal)
    return interval(caught, viable)[0] >= 95


def share(what, caught, viable):
    low, high = interval(caught, viable)
    print(f"{100 * caught / viable:5.1f} % (95 % interval {low:.1f} to {high:.1f}) {what}")


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--most", type=int, default=None)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--home", type=Path, required=True)
    args = parser.parse_args()
    shard = re.fullmatch(r"(\d{1,6})/(\d{1,6})", args.shard)
    index, count = (int(shard[1]), int(shard[2])) if shard else (0, 0)
    if index >= count:
        say(f"--shard {args.shard}: expected I/N, with I from 0 to N-1, such as 0/8 (see --help)")
        return 64
    say("listing mutants")
    mutants = chosen()
    if args.report:
        return 0 if report(mutants) else 1
    mine = mutants[index::count]
    if args.list:
        print("\n".join(f"{mutant['key']}  {mutant['name']}" for mutant in mine))
        return 0
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    kept, may_live = outcomes(), {row[0] for row in read_table(MAY_LIVE)}
    if args.again:
        missed = {key for key, row in kept.items() if row[1] == "missed"} - may_live
        left = [mutant for mutant in mine if mutant["key"] in missed]
    else:
        left = [mutant for mutant in mine if mutant["key"] not in kept]
    tree = Tree(args.home)
    limits = Limits(tree)
    for number, mutant in enumerate(left[: args.most], start=1):
        begun = time.monotonic()
        outcome, step = try_mutant(tree, mutant, limits)
        with open(KEPT, "a") as kept:
            kept.write("\t".join([mutant["key"], outcome, step, mutant["name"]]) + "\n")
        say(f"{number} of {len(left)}: {outcome} ({step}, {time.monotonic() - begun:.0f} s): {mutant['name']}")
    report(mutants)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CouldNot as reason:
        say(reason)
        sys.exit(3)
    except KeyboardInterrupt:
        say("interrupted; what has been tried is kept")
        sys.exit(130)
