"""Processes that are measured: started on one core, asked for their CPU time and their memory, ended."""

import os
import re
import resource
import select
import socket
import subprocess
import time

SERVICES_CORE, GENERATOR_CORE = "0", "1"


class CouldNot(Exception):
    """Ends the run with exit code 3."""


class Process:
    """A program on the services' core. `base` is where it listens, if it says so."""

    def __init__(self, command, folder, environment=None, core=SERVICES_CORE, stdin=None):
        self.name = os.path.basename(str(command[0]))
        self.log = folder / f"{self.name}.log"
        # What the caller's shell sets for a service of his own is no part of what is measured.
        inherited = {name: value for name, value in os.environ.items() if not re.match("PASSPORT_|RON_AUTH_", name)}
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                # As batch jobs: who gets a request waits for the end of another's turn. Else each arrival ended one,
                # and what is measured at the same time would empty each other's caches at every request.
                ["taskset", "-c", core, "chrt", "--batch", "0", *map(str, command)],
                stdin=stdin, stdout=subprocess.PIPE, stderr=log, text=True, env={**inherited, **(environment or {})},
            )

    def line(self, seconds=60):
        """The next line of its standard output."""
        ready, _, _ = select.select([self.child.stdout], [], [], seconds)
        line = self.child.stdout.readline() if ready else ""
        if not line:
            said = self.log.read_text(errors="replace").strip().splitlines()[-1:]
            raise CouldNot(f"{self.name} says nothing: {' '.join(said) or 'and its log is empty'}")
        return line

    def listening(self):
        """Waits for the address it listens at."""
        found = re.search(r"http://[0-9.]+:[0-9]+", self.line())
        if not found:
            raise CouldNot(f"{self.name} did not say where it listens")
        self.base = found.group()
        return self

    def cpu_ns(self):
        """CPU time of all its threads, as the scheduler counts it."""
        spent = 0
        tasks = f"/proc/{self.child.pid}/task"
        try:
            for task in os.listdir(tasks):
                with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
                    spent += int(file.read().split()[0])
        except OSError as error:
            raise CouldNot(f"{self.name}: no CPU time: {error}") from error
        return spent

    def rss_kib(self):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def end(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()
        if self.child.stdin:
            self.child.stdin.close()


class Cost:
    """A program that times a bare operation."""

    def __init__(self, program, operation, folder):
        self.operation = operation
        self.process = Process([program, folder], folder, stdin=subprocess.PIPE)

    def wait(self):
        """Until its own answers are checked."""
        self.process.line()

    def begin(self, milliseconds):
        """Goes to work for about so much CPU time."""
        self.process.child.stdin.write(f"{self.operation} {milliseconds}\n")
        self.process.child.stdin.flush()

    def finish(self):
        """Microseconds of CPU time of one operation."""
        return float(self.process.line()) / 1e3

    def end(self):
        self.process.end()


def raise_limit_of_files(most=65_536):
    """As many as may be, for this process and those that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = most if hard == resource.RLIM_INFINITY else min(hard, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def idle_kib(process, connections):
    """Resident memory of the process for each of so many kept connections that have been used once and are idle.
    Memory of the kernel is not counted."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < connections + 256:
        raise CouldNot(f"{connections} connections need ulimit -Hn {connections + 256}, and it is {files}")
    host, port = process.base.removeprefix("http://").split(":")
    kept = []

    def connect():
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(b"GET /v1/constant HTTP/1.1\r\nHost: idle\r\n\r\n")
        if not connection.recv(4096).startswith(b"HTTP/1.1 200 "):
            raise CouldNot(f"{process.name}: a connection was not answered")
        kept.append(connection)

    try:
        # What grows once, however many there are.
        for _ in range(64):
            connect()
        before = process.rss_kib()
        for _ in range(connections):
            connect()
        time.sleep(0.5)
        return (process.rss_kib() - before) / connections
    finally:
        for connection in kept:
            connection.close()
