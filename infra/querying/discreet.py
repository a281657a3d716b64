"""The engine's complaints about data, without the data.

What a run of models or a monitor says goes to all who may see the run, and into the log for good;
a value of a personal column is in neither. Only sentences that are known are told, with `…` where
they have a value: the end of another one may be whatever `error()` was given.
"""

import re
from typing import Final

# Of these kinds a complaint is about values; of all others it is about the code.
ABOUT_VALUES: Final = re.compile(
    r"\b(?:Conversion|Invalid Input|Invalid type|Invalid|Out of Range|Constraint"
    r"|Mismatch Type|Not implemented) Error: "
)
# A value reaches from the first quotation mark to the last one, whatever it holds.
_QUOTED: Final = r"['\"].*['\"]"
_REST: Final = r"([^'\"]*)"
_CAST: Final = r"( when casting from source column [^'\"]*)?"
# Each sentence from its beginning to its end, and how it is told.
_KNOWN: Final = tuple(
    (re.compile(sentence, re.DOTALL), told)
    for sentence, told in (
        (
            (
                r"(Could not convert string|Casting value|(?:invalid )?(?:date|time|timestamp)"
                rf" field (?:format|value out of range):) {_QUOTED}{_REST}"
            ),
            r"\1 '…'\2",
        ),
        (
            (
                rf"(Type \w+) with value .* (can't be cast (?:because the value is out of range for"
                rf" |to )the destination type [\w(), \[\]]+?){_CAST}"
            ),
            r"\1 with value … \2\3",
        ),
        (rf"(Could not cast value) .* (to [\w(), ]+?){_CAST}", r"\1 … \2\3"),
        (rf"Could not parse string {_QUOTED}.*", r"Could not parse a string by its format"),
        (
            rf"(Malformed JSON at byte) \d+ (of input: [a-z ]+)\. +Input: {_QUOTED}{_CAST}",
            r"\1 … \2\3",
        ),
        (r"(Overflow in \w+ of \w+) \(.*\)!?", r"\1"),
        (r"((?:PRIMARY KEY or UNIQUE constraint \w+: d|D)uplicate key) .*", r"\1 '…'"),
        (r"(NOT NULL constraint failed: [\w.]+)", r"\1"),
        (r"(cannot take (?:square root|logarithm) of (?:a negative number|zero))", r"\1"),
    )
)
UNTOLD: Final = (
    "its words may hold values, and are not told here; run the compiled code as a query to see them"
)


def told(message: str) -> str:
    """A complaint on one line, without the values in it."""
    found = ABOUT_VALUES.search(message)
    if found is None:
        return message
    rest = message[found.end() :].strip()
    for sentence, pattern in _KNOWN:
        if (known := sentence.fullmatch(rest)) is not None:
            return f"{message[: found.end()]}{known.expand(pattern)}"
    return f"{message[: found.end()]}{UNTOLD}."
