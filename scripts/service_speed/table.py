"""From blocks to rows: ratios within each block, their median with an interval, and how that stands to the target."""

import math
import statistics
from dataclasses import dataclass
from typing import Callable

from world import BATCH

CONFIDENCE = 0.99
# By how much a route measured twice may differ from itself before no verdict counts.
CONTROL = 0.05


@dataclass
class Row:
    """`ratio` takes times of one block, in microseconds, by name."""

    name: str
    ratio: Callable[[dict], float]
    target: float | None = None
    at_least: bool = False
    unit: str = ""
    needs: str = "passport"


ROWS = [
    Row("control: svc-passport's constant route against itself", lambda t: t["constant_get_again"] / t["constant_get"]),
    Row("svc-passport's constant route, GET: rate / bare hyper", lambda t: t["bare_get"] / t["constant_get"], 0.80, True),
    Row("the same, POST of an envelope", lambda t: t["bare_post"] / t["constant_verify"], 0.80, True),
    Row("`verify` / (constant + verification)", lambda t: t["verify"] / (t["constant_verify"] + t["/verify"]), 1.2),
    Row("`verify` / (constant + dalek's strict verification)",
        lambda t: t["verify"] / (t["constant_verify"] + t["/strict"]), 1.2),
    Row("`issue` / (constant + signing)", lambda t: t["issue"] / (t["constant_issue"] + t["/sign"]), 1.2),
    # 25 µs where one strict verification takes 37.
    Row("`verify_batch` of 64, per item / dalek's strict verification",
        lambda t: t["verify_batch"] / BATCH / t["/strict"], 25 / 37),
    Row("`verify_batch` of 64, per item / verification", lambda t: t["verify_batch"] / BATCH / t["/verify"]),
    Row("svc-auth's constant route, GET: rate / bare hyper", lambda t: t["bare_get"] / t["auth_constant_get"], 0.80, True,
        needs="auth"),
    Row("`authorize`, light token / (constant + verify + policy)",
        lambda t: t["authorize"] / (t["constant_authorize"] + t["/token"] + t["/policy"]), 1.2, needs="auth"),
    Row("`authorize_batch` of 64 tokens, per item / (JSON + verify + policy)",
        lambda t: t["authorize_batch"] / BATCH / (t["/json_64"] + t["/token_64"] + t["/policy"]), 1.8, needs="auth"),
    Row("delegated `authorize_batch` of 64 envelopes, both services, per item / dalek's strict verification",
        lambda t: t["delegated_batch"] / BATCH / t["/strict"], 1.4, needs="auth"),
    Row("the same / verification", lambda t: t["delegated_batch"] / BATCH / t["/verify"], needs="auth"),
    Row("`authorize` against Cerbos: rate", lambda t: t["cerbos"] / t["authorize"], 20, True, needs="cerbos"),
    Row("`authorize` against Cerbos, one connection: P50", lambda t: t["P50 authorize"] / t["P50 cerbos"], 0.2,
        needs="cerbos"),
    Row("`authorize` against Cerbos, one connection: P99", lambda t: t["P99 authorize"] / t["P99 cerbos"], 0.2,
        needs="cerbos"),
    Row("svc-passport: memory of an idle connection", lambda t: t["idle passport"], 24, unit=" KiB", needs="idle"),
    Row("svc-auth: memory of an idle connection", lambda t: t["idle auth"], 24, unit=" KiB", needs="idle auth"),
]


def interval(values):
    """Median, and an interval that holds the true one with the confidence that is returned: of the sorted values those
    at equal distance from both ends that are just far enough. It assumes nothing of how the values are distributed."""
    values, count = sorted(values), len(values)
    inner, missed = 0, 2 * 0.5**count
    while inner + 1 < count - inner - 2:
        more = missed + 2 * math.comb(count, inner + 1) * 0.5**count
        if more > 1 - CONFIDENCE:
            break
        inner, missed = inner + 1, more
    return statistics.median(values), values[inner], values[-1 - inner], max(0.0, 1 - missed)


def times(block):
    """What was measured at the same time, in microseconds by name, of each group of a block; and what stands alone."""
    return [{name: it["cpu_us"] for name, it in group.items()} for group in block["groups"]] + [block["more"]]


def ratio(row, block):
    """The row of a block, from the group that has all of it; `None` where none has."""
    for measured in times(block):
        try:
            return row.ratio(measured)
        except KeyError:
            pass
    return None


def results(blocks, kinds):
    """Each row with its ratio, and whether the control holds."""
    made = []
    for row in ROWS:
        if row.needs not in kinds:
            continue
        # What is measured once, such as memory, is measured in one block.
        ratios = [it for it in (ratio(row, block) for block in blocks) if it is not None]
        median, low, high, confidence = interval(ratios)
        made.append({
            "row": row.name, "unit": row.unit.strip(), "target": row.target, "at_least": row.at_least,
            "median": median, "low": low, "high": high, "confidence": confidence, "blocks": len(ratios),
            "ratios": ratios,
        })
    control = made[0]
    is_steady = abs(control["median"] - 1) <= CONTROL
    for result in made:
        # Memory is not a matter of time.
        result["verdict"] = verdict(result) if is_steady or result["unit"] or result["target"] is None else "no verdict"
    return made, is_steady


def verdict(result):
    target = result["target"]
    if target is None:
        return ""
    if result["blocks"] == 1:
        low = high = result["median"]
    else:
        low, high = result["low"], result["high"]
    is_met, is_missed = (low >= target, high < target) if result["at_least"] else (high <= target, low > target)
    return "met" if is_met else "**missed**" if is_missed else "not shown"


def markdown(made, blocks):
    lines = ["| | measured | interval | target | |", "|---|---|---|---|---|"]
    for it in made:
        digits = 1 if it["unit"] or it["median"] >= 10 else 3
        show = lambda value: f"{value:.{digits}f}"
        spread = f"{show(it['low'])}–{show(it['high'])}" if it["blocks"] > 1 else ""
        target = "" if it["target"] is None else f"{'≥' if it['at_least'] else '≤'} {it['target']:.3g}"
        unit = f" {it['unit']}" if it["unit"] else ""
        lines.append(f"| {it['row']} | {show(it['median'])}{unit} | {spread} | {target} | {it['verdict']} |")
    lines += ["", "| measured at the same time | CPU, µs a request or operation |", "|---|---|"]
    for at, group in enumerate(blocks[0]["groups"]):
        middle = {name: statistics.median(block["groups"][at][name]["cpu_us"] for block in blocks) for name in group}
        if middle:
            lines.append(f"| {', '.join(middle)} | {', '.join(f'{it:.2f}' for it in middle.values())} |")
    lines += ["", "| one connection | µs |", "|---|---|"]
    for percentile in [name for name in blocks[0]["more"] if name.startswith("P")]:
        lines.append(f"| {percentile} | {statistics.median(block['more'][percentile] for block in blocks):.0f} |")
    return "\n".join(lines)
