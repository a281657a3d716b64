"""Files that are made to hurt: handed in or dropped, they are refused, and the server goes on."""

import copy
import gzip
import io
import struct
import threading
import time
import zipfile
from pathlib import Path

import pytest

from tests.server.harness import children, tell, until
from tests.server.template import sources_yml, write_sources

MEGABYTE = 1024**2
MEMORY_BYTES_MAX = 2_300 * MEGABYTE  # of a worker: what DuckDB may hold, and the process around it
SOURCE = """\
  - name: bombs
    type: local_files
    local_files: {directory: data/uploads/bombs}
"""


def packed(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return file.getvalue()


def many_sheets():
    """Three thousand names for one sheet of a megabyte: nobody has to pack them all."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet0.xml", b"0" * MEGABYTE)
        sheet = archive.filelist[-1]
        for number in range(1, 3_000):
            archive.filelist.append(again := copy.copy(sheet))
            again.filename = f"xl/worksheets/sheet{number}.xml"
    return file.getvalue()


def lying_footer():
    return b"PAR1" + b"\x15\x04" * 500 + struct.pack("<I", 0x7FFFFFF0) + b"PAR1"


def line_of_a_quarter_gigabyte():
    return gzip.compress(b"a,b\n1," + b"x" * 256 * MEGABYTE + b"\n", 1)


BOMBS = {
    "x.parquet": lying_footer,
    "x.csv": lambda: packed(one=b"a,b\n1,2\n" * 1_000) + b"\na,b\n1,2\n",
    "sheets.xlsx": many_sheets,
    "x.csv.gz": line_of_a_quarter_gigabyte,
}


class Peak:
    """The most memory that one process below the server held while it was watched."""

    def __init__(self, pid):
        self.pid, self.bytes, self._over = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _watch(self):
        while not self._over.wait(0.02):
            for child in children(self.pid):
                try:
                    lines = Path(f"/proc/{child}/status").read_text().splitlines()
                except OSError:
                    continue  # it has ended
                held = [int(line.split()[1]) for line in lines if line.startswith("VmRSS")]
                self.bytes = max(self.bytes, *(each * 1024 for each in held), 0)


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_is_made_to_hurt_is_refused_and_the_server_goes_on(server, admin, name):
    folder = server.root / "data/uploads/bombs"
    folder.mkdir(parents=True, exist_ok=True)
    write_sources(server.root, sources_yml("orders") + SOURCE)
    until(lambda: "bombs" in [source["name"] for source in admin.get("/api/sources").json()])
    content = BOMBS[name]()
    begun = time.monotonic()
    with Peak(server.pid) as peak:
        sent = admin.post(
            "/api/sources/bombs/upload-csv", files={"file": (name, content)}, timeout=60
        )
        (folder / name).write_bytes(content)
        job = server.sync(admin, "bombs")
    (folder / name).unlink()
    took = time.monotonic() - begun
    tell(f"{name}: {sent.status_code} {sent.text[:150]}, {job['status']}: {job['error']}")
    tell(f"  {len(content) >> 20} MB, {took:.1f} s, {peak.bytes >> 20} MB")
    assert 200 == sent.status_code or 400 <= sent.status_code < 500, sent.text
    assert ("failed", True) == (job["status"], name in job["error"]), job
    assert 0 < peak.bytes <= MEMORY_BYTES_MAX
    assert 200 == admin.get("/api/health/live").status_code
