"""Stories over a server without a network: `@story` runs an async test inside the server's life."""

import functools

USERS = "/api/admin/users"


def story(test):
    """Run an async test inside the server's life."""

    @functools.wraps(test)
    def run(server):
        server.run(lambda: test(server))

    return run


async def invited(admin, email="ben@a.io", **more):
    """Invite somebody: the account, and the token of the link."""
    answer = await admin.post(USERS, json={"email": email, **more})
    assert 201 == answer.status_code, answer.text
    return answer.json()["user"], token_of(answer.json()["invite_url"])


def token_of(url):
    """The token in a link."""
    return url.rpartition("/")[2]
