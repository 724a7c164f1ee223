"""What is measured: the services with keys, policy and requests of their own, in a folder that goes with the run."""

import base64
import json
import os
import time

from processes import Cost, Process
from traffic import Client, Load, compact, until_ready

BATCH = 64
# Bodies of batches: more than connections, so that no two calls at a time are about the same.
BATCHES = 12
BATCH_CONNECTIONS = 4
LIFE_S = 3_600

POLICY = """schema = "ron-policy/2"
version = 1

[[rules]]
id = "readers-read"
effect = "permit"
when = { roles_any = ["reader"], actions = ["read"], resources = ["docs/**"] }

[[rules]]
id = "acme-in-eu"
effect = "permit"
when = { tenants = ["acme"], actions = ["GET"], resources = ["/index/**"], regions = ["eu"] }
"""

SECRET = "a-secret-of-this-run-alone"


def question(token, number, tenant="acme", action="GET", region="eu"):
    """May the bearer of the token do this? Permitted to one tenant (a role to others), in one region (an attribute)."""
    context = {"tenant": tenant, "region": region}
    return {"token": token, "action": action, "resource": f"/index/{number}/document", "context": context}


def batches(items):
    return [items[at:at + BATCH] for at in range(0, len(items), BATCH)]


class World:
    """Everything of one run. `started` holds the processes of the block that is under way."""

    def __init__(self, folder, target, with_auth):
        self.folder, self.target, self.with_auth = folder, target, with_auth
        self.started, self.loads = {}, {}
        (folder / "policy.toml").write_text(POLICY)
        with open(os.open(folder / "account", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(SECRET + "\n")

    def start(self):
        """Fresh processes: where code and data lie in memory is drawn anew."""
        self.run("bare", "bare-responder")
        common = f"server = {{ bind = '127.0.0.1:0', admin_bind = '127.0.0.1:0', workers = 1 }}\nlog.level = 'warn'\n" \
            f"keys.store = {{ sqlite = {{ path = '{self.folder}/keys.db' }} }}\n" \
            f"keys.master_key = {{ file_or_new = '{self.folder}/master.key' }}\nextensions.constant_route = true\n"
        account = f"[[capability.accounts]]\nname = 'speed'\ntoken_file = '{self.folder}/account'\ntenants = ['acme']\n"
        # Two of each service, on the same keys: what is measured at the same time is told apart by its process.
        passport, again = (self.run(name, "svc-passport", {"PASSPORT_CONFIG": common + account})
                           for name in ("passport", "passport again"))
        until_ready(passport.base)
        until_ready(again.base)
        if self.with_auth:
            # What was verified a moment ago is not believed: each envelope costs its signature.
            own = f"policy.path = '{self.folder}/policy.toml'\nverify.passport_base = '{passport.base}'\n" \
                "caching = { verify_positive_ttl_ms = 0, verify_negative_ttl_ms = 0 }\n"
            for name in ("auth", "auth again"):
                until_ready(self.run(name, "svc-auth", {"RON_AUTH_CONFIG": common + own}).base)

    def run(self, name, program, environment=None):
        """Starts one. It is ended with the others, even if it does not listen."""
        self.started[name] = Process([self.target / program], self.folder, environment)
        return self.started[name].listening()

    def start_costs(self):
        for name, program in self.costs().items():
            self.started[name] = Cost(self.target / "examples" / program, name[1:], self.folder)
        for name in self.costs():
            self.started[name].wait()

    def end(self):
        for process in self.started.values():
            process.end()
        self.started.clear()

    def make_requests(self):
        """Envelopes and tokens that are good for an hour, and the requests with them."""
        client, now = Client(self.started["passport"].base), int(time.time())
        claims = [
            {"sub": f"reader-{number}", "aud": ["ron-auth"], "roles": ["reader"], "iat": now, "exp": now + LIFE_S}
            for number in range(BATCHES * BATCH)
        ]
        envelopes = [client.post("/v1/passport/issue", message) for message in claims]
        (self.folder / "envelopes.json").write_bytes(compact(envelopes[:BATCH]))
        self.add("bare", "bare_get", "/")
        self.add("passport", "constant_get", "/v1/constant")
        self.add("passport again", "constant_get_again", "/v1/constant")

        to_sign, alone = [compact(message) for message in claims[:BATCH]], [compact(it) for it in envelopes[:BATCH]]
        self.add("bare", "bare_post", "/", alone)
        for name, path, bodies, expected in (
            ("verify", "verify", alone, lambda answer, _: answer == b"true"),
            ("issue", "issue", to_sign, lambda answer, number: is_envelope(answer, claims[number])),
        ):
            self.add("passport again", f"constant_{name}", "/v1/constant", bodies)
            self.add("passport", name, f"/v1/passport/{path}", bodies, expected)
        self.add_batch("passport again", "verify_batch", "/v1/passport/verify_batch", envelopes, [True] * BATCH)
        if self.with_auth:
            self.make_questions(client, envelopes)
        client.close()
        for load in self.loads:
            self.check(load)

    def make_questions(self, client, envelopes):
        tokens = [self.mint(client, number) for number in range(BATCHES * BATCH)]
        questions = [question(token, number) for number, token in enumerate(tokens)]
        (self.folder / "questions.json").write_bytes(compact(questions[:BATCH]))
        self.add("auth", "auth_constant_get", "/v1/constant")
        alone = [compact(it) for it in questions[:BATCH]]
        by_token = {"decision": "Permit", "reason": "acme-in-eu"}
        self.add("auth again", "constant_authorize", "/v1/constant", alone)
        self.add("auth", "authorize", "/v1/auth/authorize", alone, lambda answer, _: json.loads(answer) == by_token)
        self.add_batch("auth", "authorize_batch", "/v1/auth/authorize_batch", questions, [by_token] * BATCH)
        questions = [{"envelope": it, "action": "read", "resource": "docs/a"} for it in envelopes]
        by_envelope = {"decision": "Permit", "reason": "readers-read"}
        self.add_batch("auth", "delegated_batch", "/v1/auth/authorize_batch", questions, [by_envelope] * BATCH)

    def mint(self, client, number):
        """A light token: five caveats. Each has a path and an end of its own."""
        prefix = f"/index/{number}/"
        order = {
            "tenant": "acme", "ttl_s": LIFE_S - number % 60,
            "scope": {"prefix": "/index/", "methods": ["GET"], "max_bytes": None},
            "caveats": [{"aud": "ron-auth"}, {"path_prefix": prefix}, {"method": ["GET"]}, {"tenant": "acme"}],
        }
        return client.post("/v1/passport/capability", order, {"Authorization": f"Bearer {SECRET}"})["token"]

    def add(self, process, name, path, bodies=None, expected=None, **more):
        self.loads[name] = (process, Load(name, self.folder, path, bodies, expected, **more))

    def add_batch(self, process, name, path, items, answers):
        bodies = [compact(batch) for batch in batches(items)]
        self.add(process, name, path, bodies, lambda answer, _: json.loads(answer) == answers,
                 connections=BATCH_CONNECTIONS, items=BATCH)

    def check(self, name):
        process, load = self.loads[name]
        load.check(self.started[process].base)

    def has(self, name):
        return name in self.loads or name in self.costs()

    def processes(self, name):
        """Whose CPU time the requests of a load take."""
        return [self.started[it] for it in (self.loads[name][0], *(("passport",) if name == "delegated_batch" else ()))]

    def measure(self, names, script, seconds, connections=None):
        """All of these at the same time, by name: of a bare operation its CPU time in microseconds, of a load that of a
        request, which part of the core it had, and latencies."""
        loads = {name: self.loads[name][1] for name in names if name in self.loads}
        costs = [name for name in names if name not in loads]
        spent = lambda name: sum(process.cpu_ns() for process in self.processes(name))
        before, running = {name: spent(name) for name in loads}, {}
        try:
            for name in costs:
                # Of the core's time a share like those of the others, and not beyond their end.
                self.started[name].begin(int(700 * seconds / len(names)))
            for name, load in loads.items():
                running[name] = load.send(self.processes(name)[0].base, script, seconds, connections)
            made = {name: load.sent(running[name]) for name, load in loads.items()}
        finally:
            for wrk in running.values():
                wrk.kill()
                wrk.wait()
        for name, load in made.items():
            cpu_us = (spent(name) - before[name]) / 1e3
            load |= {"cpu_us": cpu_us / load["requests"], "busy": cpu_us / load["duration_us"]}
        return made | {name: {"cpu_us": self.started[name].finish()} for name in costs}

    def costs(self):
        """Which bare operations there are, each with the program that times it."""
        programs = {f"/{it}": "passport_costs" for it in ("sign", "verify", "strict")}
        if self.with_auth:
            programs |= {f"/{it}": "auth_costs" for it in ("token", "token_64", "policy", "json_64")}
        return programs


def is_envelope(answer, message):
    """Whether it is an envelope of the message in its canonical form."""
    envelope = json.loads(answer)
    canonical = json.dumps(message, separators=(",", ":"), sort_keys=True).encode()
    return envelope["alg"] == "Ed25519" and base64.b64decode(envelope["msg_b64"]) == canonical
