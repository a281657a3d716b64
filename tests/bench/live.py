"""/ws: from the commit of an event to the frame at a client, with many clients."""

import asyncio
import json
import subprocess
import sys
import time
from datetime import datetime

from tests.bench.figures import Figure
from tests.bench.http import served
from tests.bench.served import ADMINS


def every(folder, cookies):
    for clients, rate, limit in ((100, 20, 30), (1_000, 2, 300)):
        with served(folder / "project") as (port, _):
            command = [sys.executable, "-m", "tests.bench.live", str(port), str(clients), str(rate)]
            done = subprocess.run(
                command, input=json.dumps(cookies), stdout=subprocess.PIPE, text=True, check=True
            )
        found = json.loads(done.stdout)
        yield Figure(
            name=f"append to /ws client, {clients:,} clients, {rate} events/s, p99",
            value=found["p99_ms"],
            unit="ms",
            limit=limit,
            least=False,
            note=f"p50 {found['p50_ms']:.1f} ms, {found['frames']:,} frames",
        )


async def measure(port, cookies, clients, rate, seconds=6):
    import httpx
    import websockets

    delays = []

    async def listen(number):
        headers = {"Cookie": f"dango_session={cookies[number % ADMINS]}"}
        address = f"ws://127.0.0.1:{port}/ws"
        async with websockets.connect(
            address, additional_headers=headers, compression=None, max_queue=None
        ) as socket:
            await socket.recv()
            ready.release()
            async for text in socket:
                now = time.time()
                frame = json.loads(text)
                if frame["type"] == "api_key_created":
                    delays.append(now - datetime.fromisoformat(frame["timestamp"]).timestamp())

    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(listen(number)) for number in range(clients)]
    for _ in range(clients):
        await ready.acquire()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for number in range(seconds * rate):
            begin = time.perf_counter()
            cookie = {"Cookie": f"dango_session={cookies[number % len(cookies)]}"}
            made = await client.post(
                "/api/auth/api-keys", json={"name": f"key {number}"}, headers=cookie
            )
            made.raise_for_status()
            await asyncio.sleep(max(0, 1 / rate - (time.perf_counter() - begin)))
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    delays.sort()
    return {
        "frames": len(delays),
        "p50_ms": delays[len(delays) // 2] * 1000,
        "p99_ms": delays[int(len(delays) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    answer = asyncio.run(
        measure(int(sys.argv[1]), json.load(sys.stdin), int(sys.argv[2]), int(sys.argv[3]))
    )
    sys.stdout.write(json.dumps(answer) + "\n")
