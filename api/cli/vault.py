"""`dango vault`: how secrets and personal data are sealed, and new keys for them."""

import argparse
from typing import Final

from api.cli.client import Api
from api.cli.command import Command, arg
from api.cli.output import Output, moment, number
from api.cli.world import Refusal

PATH: Final = "/api/vault"
COLUMNS: Final = ("status", "requested_at", "requested_by", "master", "rows", "error")


async def rotate(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Ask for new keys, and wait until all is sealed with them."""
    job = (await api.post(f"{PATH}/rotate", {"master": given.master}))["job_id"]
    found = await api.ended(PATH, "rotations", job)
    if given.json:
        out.json(found)
    if found["status"] == "failed":
        raise Refusal(found["error"])
    if not given.json:
        out.line(f"{number(found['rows'])} values were sealed anew with key {found['key_id']}.")
        if given.master:
            out.note("The master key is another one. Keep a copy of its file apart from backups.")
            out.note("Backups that were made before open with the old one alone.")
    return 0


async def status(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Tell which key seals the vault, and what older ones still seal."""
    found = await api.get(PATH)
    if given.json:
        out.json(found)
        return 0
    since = "" if found["since"] is None else f", since {moment(found['since'])}"
    out.line(f"{number(found['rows'])} values, key {found['key_id']}{since}")
    if found["older_rows"]:
        going = " (a rotation goes on)" if found["running"] else ""
        out.line(f"{number(found['older_rows'])} of them are sealed with an older key{going}")
    out.line(f"master key: from the {found['master_key']}")
    listed = found["rotations"]
    if listed:
        out.table(COLUMNS, [[each[name] for name in COLUMNS] for each in listed])
    return 0


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "vault rotate",
        "seal all secrets and personal data with a new key, while everything runs",
        "dango vault rotate",
        rotate,
        (arg("--master", action="store_true", help="change the master key too"),),
        policies=True,
    ),
    Command(
        "vault status",
        "tell which key seals them, since when, and what older keys still seal",
        "dango vault status",
        status,
    ),
)
