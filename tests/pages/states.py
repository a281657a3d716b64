"""States of a site that its pages are looked at in; each answers what there is by name."""

from urllib.parse import quote

from tests.modelled import model
from tests.pages.site import HOSTILE

NAMED = HOSTILE.replace("/", "")  # which can stand in a path


async def empty(site):
    del site
    return {}


async def populated(site):
    await site.configure("orders", "customers", "items")
    await site.succeed("orders", rows=1_234_567)
    await site.begin("customers")
    await site.define(model("daily", depends_on=("source.shop.raw_orders.orders",)), model("top"))
    run = await site.build(daily=("success", "pass"))
    await site.schedule("nightly", sources=("orders", "none"))
    things = {"source": "orders", "table": "orders", "model": "daily", "schedule": "nightly"}
    return {**things, "run": run.event.job}


async def failing(site):
    await site.configure("orders")
    await site.succeed("orders")
    await site.fail("orders", "Line 7 has 3 values where the header has 2 columns.")
    await site.define(model("daily"))
    run = await site.build(daily=("error", "fail"))
    await site.schedule("nightly", sources=("orders", "none"))
    things = {"source": "orders", "table": "orders", "model": "daily", "schedule": "nightly"}
    return {**things, "run": run.event.job}


async def hostile(site):
    options = {"directory": "data/orders", "notes": HOSTILE}
    await site.configure(HOSTILE, NAMED, description=HOSTILE, options=options)
    await site.succeed(HOSTILE)
    await site.fail(HOSTILE, HOSTILE, file=HOSTILE)
    user = await site.add(f"{HOSTILE.replace(' ', '')}@example.org", "some other secret")
    await site.succeed(NAMED)
    await site.fail(NAMED, HOSTILE, file=HOSTILE)
    described = {"description": HOSTILE, "path": HOSTILE, "layer": HOSTILE, "sources": (NAMED,)}
    await site.define(model(NAMED, **described))
    run = await site.build(**{NAMED: ("error", "fail")})
    await site.schedule(NAMED, sources=(HOSTILE,))
    named = dict.fromkeys(("source", "table", "model", "schedule"), quote(NAMED, safe=""))
    return {**named, "user": user, "run": run.event.job}
