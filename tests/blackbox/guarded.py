"""A gridd that asks for tokens."""
import json

from gridd import REGIONS, Gridd, run


# Tests ask faster and guess more often than callers may; those of the limits set their own.
LENIENT = [word for name in ("device_requests_burst", "device_reports_burst", "address_requests_burst", "auth_failures_per_min",
                             "ack_requests_burst", "connections_per_principal", "feeds_per_principal")
           for word in ("--limit", f"{name}=100000")]


class Guarded(Gridd):
    """Made by `gridd init`; requests carry the token they are given, the admin's by default."""

    def __init__(self, *flags, regions=REGIONS, lenient=True):
        super().__init__(*(LENIENT if lenient else []), *flags, start=False)
        made = run("init", "--data", self.data)
        assert made.returncode == 0, made.stderr
        self.admin = made.stdout.strip()
        self.start()
        if regions:
            answer = self.put_regions(regions)
            assert answer.status == 200, answer.body

    def command(self):
        return [word for word in super().command() if word != "--no-auth"]

    def request(self, method, path, body=None, headers=None, connection=None, token=...):
        headers = dict(headers or {})
        token = self.admin if token is ... else token
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        return super().request(method, path, body, headers, connection)

    def ask(self, method, path, token, body=None):
        """With a JSON body where there is one."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self.request(method, path, None if body is None else json.dumps(body), headers, token=token)

    def make(self, roles, region=None, kind="human", name=None, token=..., **more):
        """Makes a token; its text."""
        order = {"kind": kind, "name": name or "-".join(roles), "roles": list(roles), **more}
        if region is not None:
            order["region"] = region
        if kind == "device":
            order.setdefault("expires_in_s", 3600)
        answer = self.ask("POST", "/v1/tokens", self.admin if token is ... else token, order)
        assert answer.status == 201, answer.body
        return answer.json()["token"]
