"""Cerbos beside svc-auth: the same permissions, the same questions."""

import json
import time

from processes import CouldNot, Process, free_port
from traffic import Client, Load, compact
from world import question

# One role, one condition on an attribute: what the rule "acme-in-eu" permits.
POLICY = """apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: index
  version: default
  rules:
    - actions: ["GET"]
      effect: EFFECT_ALLOW
      roles: ["acme"]
      condition:
        match:
          expr: R.attr.region == "eu"
"""

# Who asks what, and whether it is permitted.
CASES = [
    ({}, True), ({"tenant": "umbrella"}, False), ({"action": "PUT"}, False), ({"region": "us"}, False),
]


def asked(number, tenant="acme", action="GET", region="eu"):
    resource = {"kind": "index", "id": f"{number}", "attr": {"region": region}}
    return {
        "requestId": f"{number}",
        "principal": {"id": f"p{number}", "roles": [tenant]},
        "resources": [{"resource": resource, "actions": [action]}],
    }


def start(world, program):
    """Starts it and adds its load, once it has answered as svc-auth does."""
    policies = world.folder / "cerbos-policies"
    if not policies.exists():
        policies.mkdir()
        (policies / "index.yaml").write_text(POLICY)
    port, grpc = free_port(), free_port()
    settings = world.folder / "cerbos.yaml"
    settings.write_text(
        f"server: {{httpListenAddr: '127.0.0.1:{port}', grpcListenAddr: '127.0.0.1:{grpc}'}}\n"
        f"storage: {{driver: disk, disk: {{directory: '{policies}', watchForChanges: false}}}}\n"
        "telemetry: {disabled: true}\naudit: {enabled: false}\n"
    )
    environment = {"GOMAXPROCS": "1", "CERBOS_NO_TELEMETRY": "1"}
    cerbos = Process([program, "server", f"--config={settings}", "--log-level=error"], world.folder, environment)
    world.started["cerbos"] = cerbos
    cerbos.base = f"http://127.0.0.1:{port}"
    until_it_answers(cerbos)
    if "cerbos" not in world.loads:
        bodies = [compact(asked(number)) for number in range(64)]
        world.loads["cerbos"] = ("cerbos", Load("cerbos", world.folder, "/api/check/resources", bodies,
                                                lambda answer, _: is_allowed(json.loads(answer), "GET")))
    agree(world, cerbos)
    world.check("cerbos")


def until_it_answers(cerbos):
    end = time.monotonic() + 30
    while True:
        try:
            client = Client(cerbos.base)
            client.ask("GET", "/_cerbos/health")
            return client.close()
        except (CouldNot, OSError) as error:
            if time.monotonic() > end or cerbos.child.poll() is not None:
                raise CouldNot(f"cerbos does not answer: {cerbos.log.read_text()[-200:]}") from error
            time.sleep(0.05)


def is_allowed(answer, action):
    return answer["results"][0]["actions"][action] == "EFFECT_ALLOW"


def agree(world, cerbos):
    """Both must permit and deny the same."""
    theirs, ours = Client(cerbos.base), Client(world.started["auth"].base)
    token = json.loads((world.folder / "questions.json").read_text())[0]["token"]
    for case, permitted in CASES:
        by_them = is_allowed(theirs.post("/api/check/resources", asked(0, **case)), case.get("action", "GET"))
        by_us = ours.post("/v1/auth/authorize", question(token, 0, **case))["decision"] == "Permit"
        if (by_them, by_us) != (permitted, permitted):
            raise CouldNot(f"{case}: cerbos {by_them}, svc-auth {by_us}, expected {permitted}")
    theirs.close()
    ours.close()
