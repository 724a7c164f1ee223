"""How fast the services are, as ratios in one run: the work of scripts/service_speed.sh, which says how."""

import argparse
import json
import math
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

# What is measured at the same time: loads by name, bare operations behind a slash. How fast a shared core is changes by
# the second; processes that share it for the same seconds, in turns of some milliseconds, have all met the same. A row
# is of one group. In it no process has two loads.
GROUPS = (
    ("bare_get", "constant_get", "constant_get_again", "auth_constant_get"),
    ("bare_post", "constant_verify", "verify", "/verify", "/strict"),
    ("constant_issue", "issue", "/sign"),
    ("verify_batch", "delegated_batch", "/verify", "/strict"),
    ("constant_authorize", "authorize", "/token", "/policy"),
    ("authorize_batch", "/json_64", "/token_64", "/policy"),
    ("authorize", "cerbos"),
)
# Blocks, and seconds of the core for each member of a group.
WHOLE, QUICK = (12, 0.5), (3, 0.25)
IDLE_CONNECTIONS = 10_000
# What services that have their core for themselves use of it at least: wrk keeps them busy.
QUIET = 0.85


def say(text):
    print(f"service_speed.sh: {text}", file=sys.stderr, flush=True)


def groups_of(world):
    """The groups of what there is. A load that nobody measures, or two whose CPU time could not be told apart, is an
    error in GROUPS."""
    groups = [[name for name in group if world.has(name)] for group in GROUPS]
    groups = [group if len(group) > 1 else [] for group in groups]
    if unmeasured := {*world.loads, *world.costs()} - {name for group in groups for name in group}:
        raise CouldNot(f"in no group of what is measured: {', '.join(sorted(unmeasured))}")
    for group in groups:
        busy = [id(process) for name in group if name in world.loads for process in world.processes(name)]
        if len(busy) > len(set(busy)):
            raise CouldNot(f"two loads of one process are measured at the same time: {', '.join(group)}")
    return groups


def block(number, world, peer, script, share):
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
        draw = random.Random(number)
        groups = groups_of(world)
        made = {"groups": [{} for _ in groups], "more": {}}
        for at in draw.sample(range(len(groups)), len(groups)):
            if members := groups[at]:
                # wrk knows whole seconds.
                seconds = math.ceil(share * len(members))
                measured = world.measure(draw.sample(members, len(members)), script, seconds)
                # As they are listed, not as they were drawn.
                made["groups"][at] = {name: measured[name] for name in members}
        for name in draw.sample(("authorize", "cerbos"), 2) if peer else ():
            alone = world.measure([name], script, 1, connections=1)[name]
            made["more"] |= {f"P50 {name}": alone["p50_us"], f"P99 {name}": alone["p99_us"]}
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
    blocks, share = QUICK if options.quick else WHOLE
    blocks = options.blocks or blocks
    script, world = folder / "requests.lua", World(folder, options.target, options.with_auth)
    script.write_text(SCRIPT)
    kinds = {"passport"} | ({"auth"} if options.with_auth else set()) | ({"cerbos"} if options.cerbos else set())
    found, measured = fingerprint(), []
    for number in range(blocks):
        say(f"block {number + 1} of {blocks}")
        measured.append(block(number, world, options.cerbos, script, share))
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
    # The group of the control, which has loads alone.
    busy = statistics.median(sum(load["busy"] for load in it["groups"][0].values()) for it in measured)
    if busy < QUIET:
        print(f"Not quiet: what was measured had {busy:.0%} of its core.")
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
