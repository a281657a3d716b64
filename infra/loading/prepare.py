"""Read a text file once before the engine does: its hash, its encoding, and whether it is text.

The engine reads plain UTF-8 with one kind of line ending. A file that is that already is read in
place, any other becomes a staged copy: unpacked, transcoded, its line endings made one.
"""

import codecs
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from commands import ports
from domain.source_types.files import Format
from infra.loading.find import Found, identity

BLOCK_BYTES = 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
# A text of mostly ASCII letters in UTF-16 is half NUL bytes, on one side.
UTF16_NUL_SHARE_MIN = 0.4

# The number in a staged name, as `prepare` makes it.
NUMBER_SQL = "{}[:8]::INTEGER"

OnBytes = Callable[[int], None]


class Prepared(msgspec.Struct, kw_only=True):
    """A file that the engine can read under `staged`, a safe name in the staging folder."""

    found: Found
    number: int
    staged: str
    sha256: str
    encoding: str
    longest: tuple[int, int] = (0, 0)  # its longest line in bytes, and which one that is
    format: Format = "csv"
    table: str = ""


class Scan:
    """What one pass over the unpacked bytes finds out."""

    def __init__(self, name: str, encoding: str) -> None:
        self.name = name
        self.encoding = encoding
        self.crlf = self.lf = 0
        self.empty = True
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._multibyte = False
        self._after_cr = False
        self.longest = (0, 0)  # of the lines that go beyond one block: bytes, number
        self._begun = 0  # bytes of the line that is not at its end

    def feed(self, block: bytes, *, final: bool) -> None:
        """Look at the next block; the last one may be empty."""
        if not self.encoding.startswith("utf-16"):
            self._refuse_nul(block)
            self._decode(block, final=final)
        if self.empty and block.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
            self.empty = False
        if b"\r" in block:  # found ten times faster than pairs are counted
            self.crlf += block.count(b"\r\n")
        self._measure(block)
        self.crlf += self._after_cr and block[:1] == b"\n"
        self.lf += block.count(b"\n")
        self._after_cr = block[-1:] == b"\r"

    @property
    def mixed(self) -> bool:
        """True when some lines end in CR LF and some in LF alone."""
        return 0 < self.crlf < self.lf

    def _measure(self, block: bytes) -> None:
        """Follow the line that goes on from block to block."""
        mark = b"\n" if b"\n" in block else b"\r"  # where lines end in CR alone
        first, last = block.find(mark), block.rfind(mark)
        self._begun += len(block) if first < 0 else first
        self.longest = max(self.longest, (self._begun, self.lf + 1))
        if first >= 0:
            self._begun = len(block) - last - 1

    def _refuse_nul(self, block: bytes) -> None:
        at = block.find(b"\0")
        if at < 0:
            return
        line = self.lf + block.count(b"\n", 0, at) + 1
        reason = f"{self.name} is not a text file: there is a NUL byte in line {line}."
        raise ports.WorkRefused(reason, file=self.name, line=line)

    def _decode(self, block: bytes, *, final: bool) -> None:
        pending = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(block, final)
        except UnicodeDecodeError as error:
            good = error.start - pending
            line = self.lf + block.count(b"\n", 0, max(good, 0)) + 1
            before = error.object[: error.start]
            self._fall_back(line, multibyte=self._multibyte or not before.isascii())
            # What came before was ASCII, so only this block needs another look.
            self._decode(block, final=False)
            return
        self._multibyte = self._multibyte or (self.encoding == "utf-8" and len(text) < len(block))

    def _fall_back(self, line: int, *, multibyte: bool) -> None:
        # Letters that were right as UTF-8 before would be turned into others by the fallback.
        if self.encoding != "utf-8" or multibyte:
            names = "UTF-8" if self.encoding == "utf-8" else "UTF-8 or Windows-1252"
            reason = f"{self.name} is not valid {names}: see line {line}."
            raise ports.WorkRefused(reason, file=self.name, line=line)
        self.encoding = "cp1252"
        self._decoder = codecs.getincrementaldecoder("cp1252")("strict")


def prepare(found: Found, number: int, unpacked_bytes_max: int, on_bytes: OnBytes) -> Prepared:
    """Check one file and put it into the current folder under a safe name."""
    staged = f"{number:08d}.csv"
    digest = hashlib.sha256()
    with _opened(found) as file:
        packed, encoding = _kind(found.name, file)
        scan = Scan(found.name, encoding)
        unpacked_bytes = 0
        for block in _blocks(found, file, packed=packed, digest=digest):
            unpacked_bytes += len(block)
            if packed and unpacked_bytes > unpacked_bytes_max:
                reason = f"{found.name} unpacks to more than {unpacked_bytes_max} bytes."
                raise ports.WorkRefused(reason, file=found.name)
            scan.feed(block, final=False)
            on_bytes(_position(found, file))
        scan.feed(b"", final=True)
        if scan.empty:
            raise ports.WorkRefused(f"{found.name} is empty.", file=found.name)
        if packed or scan.mixed or scan.encoding != "utf-8":
            file.seek(0)
            blocks = _blocks(found, file, packed=packed, digest=None)
            _copy(found, blocks, scan, staged)
        else:
            os.symlink(found.path, staged)  # noqa: PTH211 - relative to the staging folder
    sha256 = digest.hexdigest()
    return Prepared(
        found=found,
        number=number,
        staged=staged,
        sha256=sha256,
        encoding=scan.encoding,
        longest=scan.longest,
    )


def hashed(found: Found, number: int, on_bytes: OnBytes) -> Prepared:
    """Hash a binary file and put it into the current folder under a safe name."""
    staged = f"{number:08d}.bin"
    digest = hashlib.sha256()
    with _opened(found) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            on_bytes(_position(found, file))
    os.symlink(found.path, staged)  # noqa: PTH211 - relative to the staging folder
    sha256 = digest.hexdigest()
    return Prepared(found=found, number=number, staged=staged, sha256=sha256, encoding="binary")


def unchanged(found: Found) -> bool:
    """Tell whether the file is still the one that was found."""
    try:
        status = Path(found.path).lstat()
    except OSError:
        return False
    return _is(found, status)


def _opened(found: Found) -> IO[bytes]:
    """Open the file that was found, and none that was put in its place since. Raises WorkFailed."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(found.path, flags)
    except OSError:
        raise _changed(found) from None
    if not _is(found, os.fstat(descriptor)):
        os.close(descriptor)
        raise _changed(found)
    return os.fdopen(descriptor, "rb", buffering=0)


def _position(found: Found, file: IO[bytes]) -> int:
    """How far a file is read: one that grows as fast as it is read would have no end."""
    position = file.tell()
    if position > found.size_bytes:
        raise _changed(found)
    return position


def _is(found: Found, status: os.stat_result) -> bool:
    same = (status.st_size, status.st_mtime_ns) == (found.size_bytes, found.mtime_ns)
    return same and found.identity in (None, identity(status))


def _changed(found: Found) -> ports.WorkFailed:
    reason = f"{found.name} changed while it was read."
    return ports.WorkFailed(reason, file=found.name, transient=True)


def _kind(name: str, file: IO[bytes]) -> tuple[bool, str]:
    head = file.read(4096)
    file.seek(0)
    packed = head.startswith(GZIP_MAGIC)
    if packed:
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 4096)
        except zlib.error:
            raise ports.WorkRefused(f"{name} is a broken gzip file.", file=name) from None
    return packed, _first_guess(head)


def _first_guess(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) / half > UTF16_NUL_SHARE_MIN and 0 not in head[::2]:
        return "utf-16-le"
    if head[::2].count(0) / half > UTF16_NUL_SHARE_MIN and 0 not in head[1::2]:
        return "utf-16-be"
    return "utf-8"


class _Hashed(io.RawIOBase):
    """A raw file whose bytes are hashed as they are read."""

    def __init__(self, file: IO[bytes], digest: "hashlib._Hash | None") -> None:
        self._file = file
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        if self._digest is not None:
            self._digest.update(data)
        return len(data)


def _blocks(
    found: Found,
    file: IO[bytes],
    *,
    packed: bool,
    digest: "hashlib._Hash | None",
) -> Iterator[bytes]:
    if not packed:
        while block := file.read(BLOCK_BYTES):
            if digest is not None:
                digest.update(block)
            yield block
        return
    try:
        with gzip.GzipFile(fileobj=_Hashed(file, digest)) as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block
    except (gzip.BadGzipFile, EOFError, zlib.error):
        reason = f"{found.name} is a broken gzip file."
        raise ports.WorkRefused(reason, file=found.name) from None


def _copy(found: Found, blocks: Iterator[bytes], scan: Scan, staged: str) -> None:
    decoder = codecs.getincrementaldecoder(scan.encoding)("strict")
    one_ending = io.IncrementalNewlineDecoder(None, translate=scan.mixed)
    with Path(staged).open("w", encoding="utf-8", newline="") as out:
        try:
            for block in blocks:
                text = decoder.decode(block)
                if "\0" in text:
                    reason = f"{found.name} is not a text file: there are NUL characters in it."
                    raise ports.WorkRefused(reason, file=found.name)
                out.write(one_ending.decode(text))
            out.write(one_ending.decode(decoder.decode(b"", final=True), final=True))
        except UnicodeDecodeError:
            reason = f"{found.name} is not valid {scan.encoding.upper()}."
            raise ports.WorkRefused(reason, file=found.name) from None
