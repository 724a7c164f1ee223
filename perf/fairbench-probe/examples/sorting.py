#!/usr/bin/env python3
"""A probe (perf/PROTOCOL.md) in Python, of its standard library: `sorted` on a thousand numbers."""

import json
import sys
import time

NUMBERS = [number * 7919 % 1009 for number in range(1000)]
CHECKED = set()
CASE = {"name": "sort_1000", "threads": 1, "items_per_iteration": 1000, "item": "number", "clock": "thread-cpu"}


def answer(kind, case="", iterations=0):
    if kind not in ("check", "run") or case != CASE["name"]:
        return {"error": {"message": "expected check, run or quit, and the case sort_1000"}}
    if kind == "check":
        numbers = sorted(NUMBERS)
        if not all(a <= b for a, b in zip(numbers, numbers[1:])):
            return {"wrong": {"case": case, "detail": "not sorted"}}
        CHECKED.add(case)
        return {"checked": {"case": case, "answers": 1}}
    if case not in CHECKED or iterations < 1:
        return {"error": {"message": "check first, run second, at least once"}}
    wall, start = time.monotonic_ns(), time.thread_time_ns()
    for _ in range(iterations):
        sorted(NUMBERS)
    elapsed, wall = time.thread_time_ns() - start, time.monotonic_ns() - wall
    times = {"elapsed_ns": elapsed, "thread_cpu_ns": elapsed, "wall_ns": wall}
    return {"ran": {"case": case, "iterations": iterations, **times}}


print(json.dumps({"hello": {"protocol": 2, "probe": "python", "threads": 1, "cases": [CASE]}}), flush=True)
for line in sys.stdin:
    (kind, request), = json.loads(line).items()
    if kind == "quit":
        break
    print(json.dumps(answer(kind, **request)), flush=True)
