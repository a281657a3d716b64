"""Decisions about the project itself."""

from commands.projects import DECIDERS, CreateProject
from domain.projects import ProjectCreated
from tests.decisions import Scenario

CREATE = CreateProject(project_id="p1", name="shop")
CREATED = ProjectCreated(project_id="p1", name="shop")


def given(*events):
    return Scenario(DECIDERS, events)


def test_a_project_begins():
    given().when(CREATE).then(CREATED)


def test_a_project_begins_once_whatever_it_is_called():
    again = CreateProject(project_id="p2", name="other")

    given(CREATED).when(again).then()
