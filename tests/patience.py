"""Waiting for what happens by itself: asked again and again, but not for ever."""

import asyncio

PATIENCE_S = 20


async def until(condition):
    """Come back as soon as the condition holds; TimeoutError when it does not."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for is seen from outside alone
            await asyncio.sleep(0.002)
