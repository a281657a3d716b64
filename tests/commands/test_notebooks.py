"""Notebooks: who makes and deletes them, and that one at a time edits."""

from commands.notebooks import (
    DECIDERS,
    AcquireNotebookLock,
    AdoptNotebooks,
    CopyNotebook,
    CreateNotebook,
    DeleteNotebook,
    EndNotebookSession,
    ExpireNotebookLock,
    ForceNotebookLock,
    ReleaseNotebookLock,
    StartNotebookSession,
)
from domain import notebooks
from tests.decisions import Scenario

ANNA, BEN = "user:anna", "user:ben"
MADE = notebooks.NotebookCreated(notebook="a", notebook_id="n1", template="blank", creator=ANNA)
LOCKED = notebooks.NotebookLockAcquired(notebook="a", lock="l1", holder=ANNA)
RELEASED = notebooks.NotebookLockReleased(notebook="a", lock="l1")
STARTED = notebooks.NotebookSessionStarted(notebook="a", lock="l1")
ENDED = notebooks.NotebookSessionEnded(notebook="a", lock="l1", reason="why")
DELETED = notebooks.NotebookDeleted(notebook="a")


def given(*events):
    return Scenario(DECIDERS, events)


def create(id="n1", template="blank"):
    return CreateNotebook(notebook="a", notebook_id=id, template=template, creator=ANNA)


def acquire(lock="l1", holder=ANNA, lapsed=None):
    return AcquireNotebookLock(notebook="a", lock=lock, holder=holder, lapsed=lapsed)


def test_a_name_is_that_of_one_notebook():
    given().when(create()).then(MADE)
    given(MADE).when(create("n2")).refused(notebooks.NotebookThere)
    given(MADE, DELETED).when(create("n2")).then(
        notebooks.NotebookCreated(notebook="a", notebook_id="n2", template="blank", creator=ANNA)
    )


def test_only_known_templates_are_made_of():
    given().when(create(template="../x")).refused(notebooks.TemplateUnknown)


def test_names_are_letters_digits_and_underscores_in_lower_case():
    assert "nb_1" == notebooks.named("NB_1")
    for wrong in ("", "a b", "../a", "a.py", "ä", "a\n", "-a", "x" * 129):
        scenario_refuses(wrong)


def scenario_refuses(name):
    try:
        notebooks.named(name)
    except notebooks.NotebookNameInvalid:
        return
    raise AssertionError(name)


def test_a_copy_is_of_a_notebook_that_is_there():
    command = CopyNotebook(notebook="b", notebook_id="n2", origin="a", creator=BEN)
    copied = notebooks.NotebookCopied(notebook="b", notebook_id="n2", origin="a", creator=BEN)
    given(MADE, LOCKED).when(command).then(copied)
    given().when(command).refused(notebooks.NotebookMissing)


def test_files_that_are_found_are_taken_once_and_by_good_names_alone():
    command = AdoptNotebooks(notebooks=("a", "My-Own", "../c", ".hidden"))
    given(MADE).when(command).then(notebooks.NotebookFound(notebook="My-Own"))


def test_who_holds_the_lock_locks_others_out():
    given(MADE).when(acquire()).then(LOCKED)
    given(MADE, LOCKED).when(acquire("l2")).then()
    given(MADE, LOCKED).when(acquire("l2", BEN)).refused(notebooks.NotebookLocked)
    given().when(acquire()).refused(notebooks.NotebookMissing)


def test_a_lock_that_has_run_out_is_taken_over():
    theirs = notebooks.NotebookLockAcquired(notebook="a", lock="l2", holder=BEN)
    expired = notebooks.NotebookLockExpired(notebook="a", lock="l1")
    given(MADE, LOCKED).when(acquire("l2", BEN, lapsed="l1")).then(expired, theirs)
    # What had run out is not the lock of now any more.
    given(MADE, LOCKED).when(acquire("l2", BEN, lapsed="l0")).refused(notebooks.NotebookLocked)


def test_a_lock_is_released_by_its_holder_alone():
    release = ReleaseNotebookLock(notebook="a", lock="l1", holder=ANNA)
    given(MADE, LOCKED).when(release).then(RELEASED)
    other = ReleaseNotebookLock(notebook="a", lock="l1", holder=BEN)
    given(MADE, LOCKED).when(other).refused(notebooks.LockNotHeld)
    given(MADE).when(release).refused(notebooks.LockNotHeld)


def test_a_lock_is_ended_by_force_or_by_its_time_once():
    forced = notebooks.NotebookLockForced(notebook="a", lock="l1")
    given(MADE, LOCKED).when(ForceNotebookLock(notebook="a", lock="l1")).then(forced)
    given(MADE).when(ForceNotebookLock(notebook="a", lock="l1")).refused(notebooks.NoLock)
    expired = notebooks.NotebookLockExpired(notebook="a", lock="l1")
    given(MADE, LOCKED).when(ExpireNotebookLock(notebook="a", lock="l1")).then(expired)
    given(MADE, LOCKED, RELEASED).when(ExpireNotebookLock(notebook="a", lock="l1")).then()


def test_a_process_that_ends_takes_its_lock_along_and_no_later_one():
    end = EndNotebookSession(notebook="a", lock="l1", reason="why")
    given(MADE, LOCKED, STARTED).when(end).then(ENDED, RELEASED)
    given(MADE, LOCKED).when(end).then(ENDED, RELEASED)
    later = notebooks.NotebookLockAcquired(notebook="a", lock="l2", holder=BEN)
    given(MADE, LOCKED, STARTED, RELEASED, ENDED, later).when(end).then()


def test_a_process_that_is_ready_when_its_lock_is_over_is_not_told_of():
    start = StartNotebookSession(notebook="a", lock="l1")
    given(MADE, LOCKED).when(start).then(STARTED)
    given(MADE, LOCKED, RELEASED).when(start).then()


def test_who_made_a_notebook_deletes_it_with_their_own_lock():
    delete = DeleteNotebook(notebook="a", deleter=ANNA)
    given(MADE, LOCKED).when(delete).then(RELEASED, DELETED)
    given().when(delete).refused(notebooks.NotebookMissing)


def test_others_delete_it_only_when_they_manage_notebooks_and_nobody_edits_it():
    given(MADE).when(DeleteNotebook(notebook="a", deleter=BEN)).refused(notebooks.NotTheirNotebook)
    given(MADE).when(DeleteNotebook(notebook="a", deleter=BEN, manages=True)).then(DELETED)
    managed = DeleteNotebook(notebook="a", deleter=BEN, manages=True)
    given(MADE, LOCKED).when(managed).refused(notebooks.NotebookLocked)
