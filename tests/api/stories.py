"""Stories over a server without a network: `@story` runs an async test inside the server's life."""

import functools


def story(test):
    """Run an async test inside the server's life."""

    @functools.wraps(test)
    def run(server):
        server.run(lambda: test(server))

    return run
