"""How deep JSON is nested, before the engine is given it: its stack does not hold against malice.

The brackets of ordinary files cancel each other out in a few passes. Only when many are left is a
file looked at exactly, where brackets inside of strings do not count.
"""

import re
from pathlib import Path

from commands import ports

DEPTH_MAX = 200
BLOCK_BYTES = 1024 * 1024
PASSES = 32
BRACKETS = b"[]{}"
OTHERS = bytes(set(range(256)) - set(BRACKETS))
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def refuse_deep(staged: str, name: str) -> None:
    """Raises WorkRefused for a file that is nested deeper than DEPTH_MAX."""
    if _suspicious(staged) and _deep(staged):
        reason = f"{name} is nested more than {DEPTH_MAX} levels deep."
        raise ports.WorkRefused(reason, file=name)


def _suspicious(staged: str) -> bool:
    left = b""
    with Path(staged).open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            left += block.translate(None, OTHERS)
            for _ in range(PASSES):
                shorter = left.replace(b"[]", b"").replace(b"{}", b"")
                if len(shorter) == len(left):
                    break
                left = shorter
            if len(left) > DEPTH_MAX:
                return True
    return False


def _deep(staged: str) -> bool:
    depth, rest = 0, b""
    with Path(staged).open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            text = rest + block
            end = 0
            for token in TOKEN.finditer(text):
                end = token.end()
                if token[0] in (b"[", b"{"):
                    depth += 1
                    if depth > DEPTH_MAX:
                        return True
                elif token[0] in (b"]", b"}"):
                    depth = max(depth - 1, 0)
            # A string may go on in the next block; one that never ends is not read for ever.
            rest = text[end:] if len(text) - end < BLOCK_BYTES else b""
    return False
