"""How events are stored: the chain's input, old shapes, records that nobody knows."""

from typing import ClassVar

import msgspec
import pytest

from domain.kernel import Event
from domain.queries import QueryExecuted
from infra.log.envelope import GENESIS, Codec, Envelope, Record, UnknownEvent, chain, seal
from tests.decisions import recorded

FIRST = Record("user_created", b'["user:1"]', b'{"id":"e1"}')


def test_the_chain_is_computed_as_the_documents_say():
    one = chain(GENESIS, FIRST)
    two = chain(one, Record("a", b"[]", b"{}"))

    # Made with sha256sum from the bytes in the module's docstring.
    assert "55e12d047256e0078f403bfc146a709ccbcb5071e233d494f44998f4cecc1a90" == one.hex()
    assert "036206351de54e31c8b6f0da9ed2bd6c266104ce29bb6e1d2644b6de22d579de" == two.hex()


def test_no_two_records_share_an_input():
    shifted = Record("user_created[", b'"user:1"]', b'{"id":"e1"}')

    assert chain(GENESIS, FIRST) != chain(GENESIS, shifted)


class Moved(Event, frozen=True, kw_only=True, tag="moved"):
    """The newest of three shapes: once `x`, then `left`, now `left` and `top`."""

    version: ClassVar[int] = 3
    left: int
    top: int

    def stream(self):
        return "moved:1"


UPCASTERS = {
    ("moved", 1): lambda fields: {"left": fields["x"]},
    ("moved", 2): lambda fields: {**fields, "top": 0},
}


def stored(version, **fields):
    record = seal(recorded(1, Moved(left=1, top=1)))
    envelope = msgspec.json.decode(record.data, type=Envelope)
    raw = msgspec.Raw(msgspec.json.encode({"type": "moved", **fields}))
    return msgspec.json.encode(msgspec.structs.replace(envelope, v=version, data=raw))


@pytest.mark.parametrize(
    ("version", "fields"), [(1, {"x": 5}), (2, {"left": 5}), (3, {"left": 5, "top": 0})]
)
def test_old_shapes_are_led_to_the_newest_step_by_step(version, fields):
    codec = Codec([Moved], UPCASTERS)

    assert Moved(left=5, top=0) == codec.open(1, "moved", stored(version, **fields)).event


def test_a_field_that_a_newer_version_added_is_passed_over():
    data = stored(3, left=5, top=0, depth=7)

    assert Moved(left=5, top=0) == Codec([Moved], {}).open(1, "moved", data).event


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("unheard_of", stored(3, left=5, top=0)),
        ("moved", stored(3, left=5)),
        ("moved", stored(3, left="five", top=0)),
        ("moved", stored(1, y=5)),
        ("moved", stored(4, left=5)),
        ("moved", stored(3, left=5, top=0)[:-9]),
        ("moved", b""),
        ("moved", b"\xff"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_position(kind, data):
    with pytest.raises(UnknownEvent) as caught:
        Codec([Moved], UPCASTERS).open(42, kind, data)

    assert 42 == caught.value.position
    assert "42" in str(caught.value)


def test_the_key_of_a_request_is_a_tag_and_its_digest_is_in_the_envelope():
    event = recorded(1, QueryExecuted(query_id="q1", outcome="answered"))
    record = seal(event, marks=("key:1",), request="digest")

    assert ["query:q1", "key:1"] == msgspec.json.decode(record.tags)
    assert "digest" == Codec([QueryExecuted], {}).envelope(record.data).request


@pytest.mark.parametrize("data", [b"{", b"{}", b""])
def test_an_envelope_that_says_nothing_is_told_with_its_position(data):
    with pytest.raises(UnknownEvent, match="event 7"):
        Codec([], {}).told(7, "query_executed", data)


@pytest.mark.parametrize(
    ("labels", "behind"),
    [
        (["query:q1", "user:u1", "user:u2"], "u1"),
        (["query:q1"], None),
        ([], None),
        (['query:"user:u1', "user:ü1"], "ü1"),
        (['query:"user:u1'], None),
    ],
)
def test_a_tag_is_found_by_how_it_begins(labels, behind):
    stored = msgspec.json.encode(labels)
    assert behind == Codec([], {}).behind("user:", 7, "query_executed", stored)


def test_tags_that_cannot_be_read_are_told_with_their_position():
    with pytest.raises(UnknownEvent, match="event 7"):
        Codec([], {}).behind("user:", 7, "query_executed", b'["user:u1')
