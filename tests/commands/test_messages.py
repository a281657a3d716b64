"""What events say to those who are told: subjects and names, and never a value of the data."""

import msgspec

from commands.policies.messages import message, told
from domain import drift, freshness, monitor_runs, pii
from domain.notifications import Subject
from tests.decisions import NOW, recorded

PART = monitor_runs.Part(column="region", key="north", now=1.0, before=9.0, share=1.0)
SEEN = monitor_runs.MonitorEvaluated(
    monitor="turnover",
    job=3,
    source_table="raw_orders.orders",
    value=1.0,
    verdict="alert",
    compare="seasonal",
    basis="seasonal",
    expected=9.0,
    drill_down=(PART,),
)
FOUND = pii.Finding(
    schema="raw_orders", table="orders", column="email", kind="EMAIL_ADDRESS", confidence=0.9,
    samples=3,
)  # fmt: skip
SCANNED = pii.PiiScanned(source="orders", job=3, findings=(FOUND,), tables=())


def sent(event):
    return message(recorded(7, event), told(event).subject, "https://dango.example.org")


def test_an_alert_is_told_when_it_is_raised_and_without_parts_of_the_data():
    raised = msgspec.structs.replace(SEEN, raised=True)

    assert told(SEEN) is None
    assert Subject.ANALYSIS is told(raised).subject
    assert ("metric_alert", "turnover") == (
        sent(raised)["event"],
        sent(raised)["metadata"]["metric"],
    )
    assert "north" not in str(sent(raised))


def test_personal_data_is_told_of_when_it_is_found_first():
    fresh = msgspec.structs.replace(SCANNED, fresh=1)

    assert told(SCANNED) is None
    assert Subject.GOVERNANCE is told(fresh).subject
    assert ("pii_detected", ["orders"]) == (sent(fresh)["event"], sent(fresh)["sources"])


def test_drift_is_told_with_its_changes():
    change = drift.Change(schema="raw_orders", table="orders", column="email", before="VARCHAR")
    found = sent(drift.DriftDetected(source="orders", job=3, changes=(change,), pending=(change,)))

    assert "schema_drift_detected" == found["event"]
    assert [{"table": "orders", "column": "email", "kind": "column_removed", "breaking": True}] == (
        found["metadata"]["changes"]
    )


def test_stale_data_is_told_with_how_old_it_may_be():
    turned = freshness.SourceTurnedStale(source="orders", synced_at=NOW, after_hours=24.0)

    assert Subject.STALE is told(turned).subject
    assert ("sync_stale", ["orders"], 24.0) == tuple(
        sent(turned)[key] for key in ("event", "sources", "stale_hours")
    )
