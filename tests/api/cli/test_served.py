"""Commands through the control socket of a running server."""

import csv
import io
import os
import signal
import subprocess
import sys

import pytest

from tests.api.cli.conftest import PROGRAM, Terminal, environment, program, run

STATUS_S_MAX = 1.0  # it takes 0.3 on the slowest machine so far
HOSTILE = ["../../etc", "a/b", "%2e%2e", "'; drop table x; --", "\x1b[31m", "団子", " ", "x" * 500]


@pytest.fixture
def dango(served):
    def command(*arguments, **more):
        return run(*arguments, "--project", str(served), **more)

    return command


def test_a_sync_loads_all_enabled_sources(dango):
    ran = dango("sync")

    assert (0, "orders: 2 rows loaded\n") == (ran.code, ran.out)
    assert "orders: queued" in ran.err or "orders: running" in ran.err


def test_a_sync_on_a_terminal_has_a_bar_for_each_source(dango):
    ran = dango("sync", "orders", "--full-refresh", kind=Terminal)

    assert 0 == ran.code
    assert "2 rows" in ran.err


def test_a_sync_as_json_is_the_job(dango):
    ran = dango("sync", "orders", "--json")

    assert ["success"] == [run["status"] for job in ran.json for run in job["runs"]]


def test_a_failed_sync_names_file_and_line_and_ends_with_1(dango):
    ran = dango("sync", "broken")

    assert 1 == ran.code
    problem = ran.err.splitlines()[-1]
    assert problem.startswith("dango: broken: ")
    assert "Line 2 of broken.csv" in problem


def test_dates_go_to_the_source_that_is_named(dango):
    backwards = dango("sync", "orders", "--since", "2026-05-17", "--until", "2026-05-16")
    forwards = dango("sync", "orders", "--since", "2026-05-17")

    assert "dango: end_date: is before start_date" == backwards.err.partition(" (")[0].strip()
    assert "is not taken by sources of files" in forwards.err
    assert (1, 1) == (backwards.code, forwards.code)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_source_that_is_not_there_is_refused_in_one_line(dango, name):
    for more in ((), ("--since", "2026-01-01")):
        ran = dango("sync", name, *more)

        assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines()))
        assert ran.err.isprintable() or ran.err[:-1].isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_there_is_refused_in_one_line(dango, name):
    for command in (("users", "reset-password", name), ("projections", "rebuild", name)):
        ran = dango(*command)

        assert (1, "", 1) == (ran.code, ran.out, len(ran.err.splitlines()))
        assert ran.err.startswith("dango: ")


def test_a_query_is_a_table_for_people_and_lines_for_programs(dango):
    sql = "select id, item from raw_orders.orders order by id"
    dango("sync", "orders")

    assert "id\titem\n1\ttea\n2\trice\n" == dango("query", sql).out
    assert "rice" in dango("query", sql, kind=Terminal).out
    assert [["1", "tea"], ["2", "rice"]] == [
        [str(cell) for cell in row] for row in dango("query", sql, "--json").json["rows"]
    ]


def test_a_query_as_csv_keeps_every_character(dango):
    ran = dango("query", "select 'a,\"b\nc' as v, null as n", "--csv")

    assert [["v", "n"], ['a,"b\nc', ""]] == list(csv.reader(io.StringIO(ran.out)))


def test_a_query_comes_from_standard_input(served):
    ran = program("query", "-", "--project", served, stdin=b"select 42 as answer")
    bad = program("query", "-", "--project", served, stdin=b"select '\xff'")

    assert (0, "answer\n42\n") == (ran.code, ran.out)
    assert (1, "dango: Standard input is not UTF-8.\n") == (bad.code, bad.err)


def test_a_wrong_statement_is_refused_with_the_engines_words(dango):
    ran = dango("query", "select nothing from nowhere")

    assert 1 == ran.code
    assert "nowhere" in ran.err


def test_the_status_says_that_the_server_runs(dango):
    dango("sync", "orders")
    shown, told = dango("status"), dango("status", "--json").json

    assert "server   running on http://" in shown.out
    assert "orders\tcsv\t" in shown.out
    assert told["server"]["running"] is True
    assert {"orders": 2} == {s["name"]: s["row_count"] for s in told["sources"] if s["enabled"]}


def test_the_status_of_a_failed_source_has_its_last_error(dango):
    dango("sync", "broken")

    errors = {s["name"]: s["error"] for s in dango("status", "--json").json["sources"]}

    assert errors["broken"]


def test_the_doctor_finds_nothing_wrong_but_the_source_that_fails(dango):
    dango("sync", "broken")
    ran = dango("doctor", "--json")
    found = {each["name"]: each for each in ran.json}

    assert 0 == ran.code, ran.out
    assert "broken" in found["health"]["detail"]  # which is to fail here
    of_machine = {"disk", "health", "workers"}
    assert {"ok"} == {each["level"] for name, each in found.items() if name not in of_machine}
    assert {"log", "views", "warehouse", "master key"} <= set(found)


def test_an_account_is_made_and_reset_by_email_or_id(dango):
    made = dango(
        "users", "create", "Ada@example.org", "--role", "editor", "--name", "Ada", "--json"
    )
    again = dango("users", "create", "ada@example.org", "--role", "viewer")
    user = made.json["user"]

    assert ("editor", "Ada") == (user["role"], user["display_name"])
    assert 1 == again.code
    for name in (user["email"].upper(), user["id"]):
        reset = dango("users", "reset-password", name, "--temporary")
        assert 1 == reset.out.count("temporary password")
        assert made.json["temp_password"] not in reset.out
    assert user["id"] in dango("users", "list").out
    assert {"admin@localhost", user["email"]} == {
        u["email"] for u in dango("users", "list", "--json").json
    }


def test_an_account_is_invited_and_led_through_its_life(dango):
    eve = "eve@example.org"
    invited = dango("users", "invite", eve, "--role", "viewer", "--name", "Eve")
    assert (0, 1, 1) == (invited.code, invited.out.count("/invite/"), invited.out.count("three"))

    refused = dango("users", "reset-password", eve)
    assert (1, "invitation" in refused.err) == (1, True)
    for words, said in (
        (("set-role", eve, "editor"), "editor now"),
        (("unlock", eve), "unlocked"),
        (("deactivate", eve), "deactivated"),
        (("reactivate", eve), "invited again"),
    ):
        ran = dango("users", *words)
        assert (0, True) == (ran.code, said in ran.out), ran
    assert "invited" in dango("users", "list").out
    reset = dango("users", "reset-password", "admin@localhost", "--json").json
    assert "/reset/" in reset["reset_url"]
    last = dango("users", "deactivate", "admin@localhost")
    assert (1, "only active admin" in last.err) == (1, True)
    user = next(u["id"] for u in dango("users", "list", "--json").json if u["email"] == eve)
    assert "deleted" in dango("users", "delete", eve).out
    assert eve not in dango("users", "list").out
    told = dango("users", "audit", user).out
    for said in ("Was invited as viewer", "The role became editor", "The account was deleted"):
        assert said in told
    assert (1, True) == (dango("users", "audit", eve).code, eve not in told)


def test_events_are_found_shown_and_verified(dango):
    dango("sync", "orders")
    page = dango("events", "list", "--type", "sync_requested", "--limit", "1", "--json").json
    event = page["events"][0]
    shown = dango("events", "show", str(event["position"]))

    assert event["actor"].startswith("cli:")
    assert event["hash"] in shown.out
    assert event == dango("events", "show", str(event["position"]), "--json").json
    assert 0 == dango("events", "verify").code
    assert True is dango("events", "verify", "--json").json["ok"]


def test_events_are_filtered_by_time_and_position(dango):
    after = dango("events", "list", "--after", "1", "--limit", "2", "--json").json["events"]

    assert [2, 3] == [event["position"] for event in after]
    assert (
        "position\ttime\ttype\tstream\tactor\n"
        == dango("events", "list", "--until", "2000-01-01").out
    )
    assert [] != dango("events", "list", "--since", "2000-01-01").out.splitlines()[1:]


def test_an_event_that_is_not_there_is_refused(dango):
    ran = dango("events", "show", "999999")

    assert (1, "Event 999999 not found.") == (ran.code, ran.err[7:].partition(" (")[0].strip())


def test_projections_are_listed_rebuilt_and_checked(dango):
    names = [row["name"] for row in dango("projections", "list", "--json").json]
    rebuilt = dango("projections", "rebuild", names[0], names[1])

    assert "name\tstate" in dango("projections", "list").out
    assert (0, 1) == (rebuilt.code, len(rebuilt.out.splitlines()))
    assert (0, "The read models are what the log says.\n") == dango("projections", "check")[:2]
    assert True is dango("projections", "check", "--json").json["equal"]


def test_a_second_server_is_refused(dango):
    ran = dango("serve", "--port", "0")

    assert (1, 1) == (ran.code, len(ran.err.splitlines()))
    assert "is in use by another Dango server" in ran.err


def test_a_reader_that_has_seen_enough_is_no_failure(served):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "events", "list", "--json", "--project", str(served)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()

    assert (b"", 0) == (process.stderr.read(), process.wait(30))
    process.stderr.close()


def test_ctrl_c_cancels_the_sync(served):
    big = served / "data" / "uploads" / "orders" / "big.csv"
    big.write_text("id,item\n" + "".join(f"{n},tea\n" for n in range(3_000_000)))
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "sync", "orders", "--project", str(served)],
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr.readline().startswith("orders: ")
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
    finally:
        big.unlink()

    assert 1 == process.returncode
    assert "dango: The sync was cancelled" in err


def test_the_status_of_a_running_server_is_quick(served):
    before = os.times()
    ran = program("status", "--project", served)
    after = os.times()

    # Time of the processor, not of the clock: a busy machine says nothing about the command.
    spent = after.children_user - before.children_user
    assert 0 == ran.code
    assert spent < STATUS_S_MAX
