"""How fast the services are, as ratios in one run: the work of scripts/service_speed.sh, which says how."""

import argparse
import json
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cerbos
from processes import CouldNot, idle_kib, raise_limit_of_files
from table import CONTROL, markdown, results
from traffic import SCRIPT
from world import World

# What a row relates is measured within seconds, since how fast a shared core is changes by the second: loads by name,
# bare operations behind a slash, loads on one connection behind a 1.
GROUPS = (
    ("bare_get", "constant_get", "constant_get_again", "auth_constant_get"),
    ("bare_post", "constant_verify", "verify", "/verify", "/strict", "verify_batch", "delegated_batch"),
    ("constant_issue", "issue", "/sign"),
    ("constant_authorize", "authorize", "cerbos", "/token", "/policy", "/token_64", "/json_64", "authorize_batch"),
    ("1 authorize", "1 cerbos"),
)
# Blocks, seconds of each load (wrk knows whole ones), milliseconds of each bare operation.
WHOLE, QUICK = (12, 1, 200), (3, 1, 50)
IDLE_CONNECTIONS = 10_000
# What a service that has its core for itself uses of it at least: wrk keeps it busy.
QUIET = 0.85


def say(text):
    print(f"service_speed.sh: {text}", file=sys.stderr, flush=True)


def order(draw, wanted):
    """All that is to be measured: groups in a drawn order, and what is in each."""
    groups = [[name for name in group if name in wanted] for group in GROUPS]
    drawn = [name for group in draw.sample(groups, len(groups)) for name in draw.sample(group, len(group))]
    if sorted(drawn) != sorted(wanted):
        raise CouldNot(f"in no group of what is measured: {sorted(set(wanted) - set(drawn))}")
    return drawn


def block(number, world, peer, script, seconds, milliseconds):
    """All of it once, with fresh processes and in an order of its own."""
    try:
        world.start()
        if number == 0:
            world.make_requests()
        world.start_costs()
        if peer:
            cerbos.start(world, peer)
        # Answers of a fresh process are checked too, which also warms it up.
        for load in world.loads:
            world.check(load)
        made = {"loads": {}, "costs": {}, "more": {}}
        programs = {f"/{operation}": program for program, operation in world.costs()}
        for turn in order(random.Random(number), [*world.loads, *programs, *(("1 authorize", "1 cerbos") if peer else ())]):
            if turn in programs:
                made["costs"][turn] = world.started[programs[turn]].measure(turn[1:], milliseconds)
            elif turn in world.loads:
                made["loads"][turn] = world.measure(turn, script, seconds)
            else:
                name = turn[len("1 "):]
                alone = world.measure(name, script, seconds, connections=1)
                made["more"] |= {f"P50 {name}": alone["p50_us"], f"P99 {name}": alone["p99_us"]}
        # As they are listed, not as they were drawn.
        made["loads"] = {name: made["loads"][name] for name in world.loads}
        made["costs"] = {name: made["costs"][name] for name in programs}
        return made
    finally:
        world.end()


def idle(world, connections):
    """Memory of idle connections, each service in a fresh process."""
    made = {}
    for name in ("passport", "auth") if world.with_auth else ("passport",):
        try:
            world.start()
            made[f"idle {name}"] = idle_kib(world.started[name], connections)
        finally:
            world.end()
    return made


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip()


def fingerprint():
    cpu = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return {
        "cpu": cpu[0] if cpu else platform.machine(), "cores": len(cpu), "kernel": platform.release(),
        "rustc": output_of("rustc", "--version"), "wrk": output_of("wrk", "-v").split("Copyright")[0].strip(),
        "revision": output_of("git", "rev-parse", "HEAD"),
        "changed": bool(output_of("git", "status", "--porcelain", "-uno")),
        "load_before": Path("/proc/loadavg").read_text().split()[0], "at_unix_s": int(time.time()),
    }


def run(options, folder):
    raise_limit_of_files()
    blocks, seconds, milliseconds = QUICK if options.quick else WHOLE
    blocks = options.blocks or blocks
    script, world = folder / "requests.lua", World(folder, options.target, options.with_auth)
    script.write_text(SCRIPT)
    kinds = {"passport"} | ({"auth"} if options.with_auth else set()) | ({"cerbos"} if options.cerbos else set())
    found, measured = fingerprint(), []
    for number in range(blocks):
        say(f"block {number + 1} of {blocks}")
        measured.append(block(number, world, options.cerbos, script, seconds, milliseconds))
    connections = IDLE_CONNECTIONS // 10 if options.quick else IDLE_CONNECTIONS
    try:
        say(f"{connections} idle connections")
        measured[0]["more"] |= idle(world, connections)
        kinds |= {"idle"} | ({"idle auth"} if options.with_auth else set())
    except CouldNot as error:
        say(f"memory of idle connections is not measured: {error}")
    made, is_steady = results(measured, kinds)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    whole = {"quick": options.quick, "control_holds": is_steady, "fingerprint": found, "rows": made, "blocks": measured}
    options.json.write_text(json.dumps(whole, indent=1) + "\n")
    spread = min((it["confidence"] for it in made if it["blocks"] > 1), default=0.0)
    changed = " with changes" if found["changed"] else ""
    print(f"{found['cpu']}, {found['rustc']}, revision {found['revision'][:12]}{changed}; "
          f"blocks of fresh processes: {blocks}; intervals hold the true median with {spread:.1%}.")
    if options.quick:
        print("A try-out: it shows that all of it works, and no more.")
    if not is_steady:
        print(f"No verdicts: the constant route differs from itself by more than {CONTROL:.0%}. Is the machine quiet?")
    busy = statistics.median(it["loads"]["constant_get"]["busy"] for it in measured)
    if busy < QUIET:
        print(f"Not quiet: the constant route had {busy:.0%} of its core.")
    print(f"\n{markdown(made, measured)}")
    say(f"all of it, raw: {options.json}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--blocks", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--with-auth", action="store_true")
    parser.add_argument("--cerbos", type=Path)
    # What ends the run ends what it has started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(parser.parse_args(), Path(folder))
    except CouldNot as error:
        say(str(error))
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
