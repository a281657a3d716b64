"""A double of Metabase: what its published interface says that these calls do, and no more.

https://www.metabase.com/docs/latest/api/session, …/user, …/database, …/setting, …/setup and
…/permissions. A new database is open to the group of all users, the graph of permissions leaves out
what means the least, and is not taken with a revision that is not the last one.
"""

import itertools
import json

from tests.api.upstream import Upstream

ADMIN = ("boss@example.org", "secret of the boss")
NOBODY = (401, {}, b"Unauthenticated")


class Metabase(Upstream):
    def __init__(self):
        super().__init__()
        self.numbers = itertools.count(2)
        boss = {"id": 1, "email": ADMIN[0], "is_active": True, "is_superuser": True}
        self.users = {1: {**boss, "password": ADMIN[1]}}
        self.sessions, self.databases, self.site_url = {}, [], None
        self.groups = {1: "All Users", 2: "Administrators"}
        self.members = {}  # by membership: group and user
        self.rights, self.revision = {}, 7  # by group and database: what it says
        self.setup_token = None  # while nobody has set it up
        self.broken = set()  # paths that are answered with 500
        self.at_graph = []  # what happens when the graph is asked for, one after the other

    def fresh(self):
        """Nobody has set it up yet."""
        self.users.clear()
        self.setup_token = "token-of-the-setup"

    def may(self, group, database):
        """What a group may make of queries over a database."""
        return self.rights.get((group, database), {}).get("create-queries", "no")

    def within(self, group):
        """The users of a group."""
        number = next(key for key, name in self.groups.items() if name == group)
        return {user for of, user in self.members.values() if of == number}

    def respond(self, method, target, headers, body):
        path, _, query = target.partition("?")
        data = json.loads(body) if body and path.startswith("/api/") else {}
        if path in self.broken:
            return 500, {}, b"Internal error."
        if path == "/api/health":
            return 200, {}, {"status": "ok"}
        if path == "/api/session":
            return self._session(method, data, headers)
        if path in ("/api/session/properties", "/api/setup"):
            return self._setup(path, data)
        if not path.startswith("/api/"):
            return 200, {"set-cookie": "metabase.DEVICE=1; Path=/"}, b"<p>a page</p>"
        return self._signed_in(method, path, query, data, headers)

    def _signed_in(self, method, path, query, data, headers):
        user = self.sessions.get(headers.get("x-metabase-session"))
        who = self.users.get(user)
        if who is None or not who["is_active"]:
            return NOBODY
        if path == "/api/user/current":
            return 200, {}, {"id": user, "email": who["email"]}
        if path == "/api/card":
            return 200, {}, {"by": user, "named": data["name"]}
        if not who["is_superuser"]:
            return 403, {}, b"You don't have permissions to do that."
        return self._of_admin(method, path.removeprefix("/api/"), query, data)

    def _session(self, method, data, headers):
        if method == "DELETE":
            self.sessions.pop(headers.get("x-metabase-session"), None)
            return 204, {}, b""
        for user in self.users.values():
            given = (data["username"], data["password"])
            if user["is_active"] and given == (user["email"], user.get("password")):
                session = f"session-{next(self.numbers)}"
                self.sessions[session] = user["id"]
                cookie = {"set-cookie": f"metabase.SESSION={session}; HttpOnly; Path=/"}
                return 200, cookie, {"id": session}
        return 401, {}, {"errors": {"password": "did not match stored password"}}

    def _setup(self, path, data):
        if path == "/api/session/properties":
            told = {"has-user-setup": self.setup_token is None, "setup-token": self.setup_token}
            return 200, {}, told
        if self.setup_token is None or data["token"] != self.setup_token:
            return 403, {}, b"The /api/setup route can only be used to create the first user."
        self.setup_token = None
        named = {"email": data["user"]["email"], "password": data["user"]["password"]}
        self.users[1] = {"id": 1, "is_active": True, "is_superuser": True, **named}
        self.sessions["session-of-setup"] = 1
        return 200, {}, {"id": "session-of-setup"}

    def _of_admin(self, method, path, query, data):
        parts = path.split("/")
        if parts[0] == "user":
            return self._of_users(method, parts[1:], query, data)
        if parts[0] == "permissions":
            return self._of_permissions(method, parts[1:], data)
        match method, parts:
            case "GET", ["database"]:
                return 200, {}, {"data": self.databases, "total": len(self.databases)}
            case "POST", ["database"]:
                self.databases.append({**data, "id": next(self.numbers)})
                everything = {
                    "view-data": "unrestricted",
                    "create-queries": "query-builder-and-native",
                    "download": {"schemas": "full"},
                }
                self.rights[1, self.databases[-1]["id"]] = everything
                return 200, {}, self.databases[-1]
            case "PUT", ["setting", "site-url"]:
                self.site_url = data["value"]
                return 204, {}, b""
        return 404, {}, b"API endpoint does not exist."

    def _of_permissions(self, method, parts, data):
        match method, parts:
            case "GET", ["group"]:
                every = [{"id": key, "name": name} for key, name in self.groups.items()]
                return 200, {}, every
            case "POST", ["group"]:
                self.groups[number := next(self.numbers)] = data["name"]
                return 200, {}, {"id": number, "name": data["name"]}
            case "GET", ["membership"]:
                every = {}
                for number, (group, user) in self.members.items():
                    row = {"membership_id": number, "group_id": group, "user_id": user}
                    every.setdefault(str(user), []).append(row)
                return 200, {}, every
            case "POST", ["membership"]:
                self.members[next(self.numbers)] = (data["group_id"], data["user_id"])
                return 200, {}, []
            case "DELETE", ["membership", number]:
                gone = self.members.pop(int(number), None)
                return (404, {}, b"Not found.") if gone is None else (204, {}, b"")
            case _, ["graph"]:
                return self._of_graph(method, data)
        return 404, {}, b"API endpoint does not exist."

    def _of_graph(self, method, data):
        if method == "PUT" and data["revision"] != self.revision:
            return 409, {}, b"Looks like someone else edited the permissions."
        if method == "PUT":
            self.revision += 1
            for group, databases in data["groups"].items():
                for database, entry in databases.items():
                    known = self.rights.setdefault((int(group), int(database)), {})
                    known.update(entry)
        groups = {}
        for (group, database), entry in self.rights.items():
            told = {key: value for key, value in entry.items() if value != "no"}
            groups.setdefault(str(group), {})[str(database)] = told
        answer = {"revision": self.revision, "groups": groups}
        if method == "GET" and self.at_graph:
            self.at_graph.pop(0)()
        return 200, {}, answer

    def _of_users(self, method, parts, query, data):
        match method, parts:
            case "POST", []:
                if any(user["email"] == data["email"] for user in self.users.values()):
                    return 400, {}, {"errors": {"email": "Email address already in use."}}
                made = {**data, "id": next(self.numbers), "is_active": True, "is_superuser": False}
                self.users[made["id"]] = made
                return 200, {}, made
            case "GET", []:
                wanted = query.rpartition("query=")[2]
                found = [user for user in self.users.values() if wanted in user["email"]]
                return 200, {}, {"data": found, "total": len(found)}
            case "PUT", [number, "password"]:
                self.users[int(number)]["password"] = data["password"]
                return 204, {}, b""
            case "PUT", [number, "reactivate"]:
                self.users[int(number)]["is_active"] = True
                return 200, {}, self.users[int(number)]
            case "DELETE", [number]:
                self.users[int(number)]["is_active"] = False
                return 200, {}, {"success": True}
        return 404, {}, b"API endpoint does not exist."
