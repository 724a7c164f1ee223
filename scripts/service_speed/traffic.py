"""Requests: checked one by one first, then sent by wrk over kept connections."""

import http.client
import json
import re
import subprocess
import time

from processes import GENERATOR_CORE, CouldNot

# Sends the lines of a file in turns, so that no two requests that are under way are equal.
SCRIPT = """
local requests, at = {}, 0
function init(args)
   if args[1] then
      for line in io.lines(args[1]) do
         requests[#requests + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, line)
      end
   else
      requests[1] = wrk.format("GET")
   end
end
function request()
   at = at % #requests + 1
   return requests[at]
end
function done(summary, latency)
   local e = summary.errors
   print(string.format("RESULT %d %d %d %.1f %.1f", summary.requests, summary.duration,
      e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


class Load:
    """What is sent to one route: bodies, or GET without any, and what each answer must be."""

    def __init__(self, name, folder, path, bodies=None, expected=None, connections=16, items=1):
        self.name, self.path, self.bodies = name, path, bodies
        self.connections, self.items = connections, items
        # A function of the answer's bytes and of the number of its request.
        self.is_expected = expected or (lambda answer, _: answer in (b"true", b"constant"))
        self.file = None
        if bodies is not None:
            self.file = folder / f"{name}.bodies"
            self.file.write_bytes(b"\n".join(bodies) + b"\n")

    def check(self, base):
        """Sends each request once. All must be answered as they should be before any is timed."""
        client = Client(base)
        for number, body in enumerate([None] if self.bodies is None else self.bodies):
            answer = client.ask("GET" if body is None else "POST", self.path, body)
            if not self.is_expected(answer, number):
                raise CouldNot(f"{self.name}: request {number} was answered {answer[:200]!r}")
        client.close()

    def send(self, base, script, seconds, connections=None):
        """wrk, on its way."""
        arguments = ["--", str(self.file)] if self.file else []
        return subprocess.Popen(
            ["taskset", "-c", GENERATOR_CORE, "wrk", "-t1", f"-c{connections or self.connections}", f"-d{seconds}s",
             "-s", str(script), base + self.path, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def sent(self, wrk):
        """Waits for wrk: how many requests were answered, in how many microseconds; and latencies."""
        output, errors = wrk.communicate()
        result = re.search(r"^RESULT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)$", output, re.MULTILINE)
        if not result:
            raise CouldNot(f"{self.name}: wrk failed: {(errors or output).strip()[-200:]}")
        requests, duration_us, failed = map(int, result.groups()[:3])
        if failed or not requests:
            raise CouldNot(f"{self.name}: of {requests} requests {failed} failed or were not answered 200")
        p50_us, p99_us = map(float, result.groups()[3:])
        return {"requests": requests, "duration_us": duration_us, "p50_us": p50_us, "p99_us": p99_us}


class Client:
    """One kept connection."""

    def __init__(self, base):
        self.connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=30)

    def ask(self, method, path, body=None, headers=None):
        """The body of the answer, which must be 200."""
        headers = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        read = answer.read()
        if answer.status != 200:
            raise CouldNot(f"{method} {path}: {answer.status} {read[:200]!r}")
        return read

    def post(self, path, value, headers=None):
        return json.loads(self.ask("POST", path, compact(value), headers))

    def close(self):
        self.connection.close()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def until_ready(base, seconds=30):
    """Waits for a service that has to find another one first."""
    end = time.monotonic() + seconds
    while True:
        try:
            client = Client(base)
            client.ask("GET", "/readyz")
            return client.close()
        except (CouldNot, OSError, http.client.HTTPException) as error:
            if time.monotonic() > end:
                raise CouldNot(f"{base} is not ready: {error}") from error
            time.sleep(0.05)
