"""A full list of tasks: rows of those that have ended make room for new ones, and not for each of a flood."""

from __future__ import annotations

import pytest

from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon._core.turnover import LOOK_AGAIN_S, REFILL_S

ROWS_MAX = 100
BATCH = ROWS_MAX // 5


class Session:
    """A ledger, and the time."""

    def __init__(self) -> None:
        self.ledger = Ledger("s", tasks_listed_max=ROWS_MAX)
        self.now = 100.0
        self._count = 0

    def submit(self, count: int = 1, cell: int = 1, state: int = TaskState.DONE) -> list[TaskRow]:
        """Tasks that end at once in a state."""
        rows = []
        for _ in range(count):
            self._count += 1
            row = TaskRow(self._count.to_bytes(16, "big"), self.ledger.group("f"), (), cell, 0, -1)
            self.ledger.task_submitted(row, self.now)
            if state:
                self.ledger.task_changed(row, state)
            rows.append(row)
        return rows

    def is_listed(self, row: TaskRow) -> bool:
        return self.ledger.row_of(row.task) is row


@pytest.fixture
def session():
    session = Session()
    yield session
    rows = session.ledger.tasks
    numbers = [row.index for row in rows]
    assert len(rows) <= ROWS_MAX
    assert numbers == sorted(set(numbers))
    assert all(session.ledger.row(row.index) is row for row in rows)
    assert sum(map(sum, session.ledger.counts)) == session.ledger.tasks_total


def test_while_there_is_room_nothing_goes(session):
    rows = session.submit(ROWS_MAX)
    assert session.ledger.tasks == rows
    assert [row.index for row in rows] == list(range(ROWS_MAX))


def test_the_oldest_that_are_done_go_for_tasks_of_a_new_cell(session):
    old = session.submit(ROWS_MAX, cell=1)
    new = session.submit(BATCH + 1, cell=2)
    assert all(map(session.is_listed, new)), "all of them, though no time has passed"
    assert [row for row in old if session.is_listed(row)] == old[2 * BATCH :]
    assert [row.index for row in new] == list(range(ROWS_MAX, ROWS_MAX + BATCH + 1)), (
        "numbers are never given twice"
    )
    assert session.ledger.row(old[0].index) is None
    assert session.ledger.parent(old[0].task) == -1
    assert session.ledger.counts[0][TaskState.DONE] == ROWS_MAX + BATCH + 1


def test_of_a_flood_most_tasks_are_only_counted(session):
    rows = session.submit(50 * ROWS_MAX)
    assert sum(row.index >= 0 for row in rows) == ROWS_MAX + BATCH
    session.now += REFILL_S / 2
    assert session.submit(10)[0].index == -1
    session.now += REFILL_S / 2
    later = session.submit(10 * BATCH)
    assert sum(row.index >= 0 for row in later) == BATCH, "some now and then"


def test_a_cell_that_is_run_while_the_list_is_full_of_a_flood_has_rows(session):
    for cell in range(1, 6):
        session.submit(20 * ROWS_MAX, cell=2 * cell)
        assert all(map(session.is_listed, session.submit(2 * BATCH, cell=2 * cell + 1)))


def test_cells_that_take_turns_do_not_get_room_each_time(session):
    session.submit(ROWS_MAX, cell=1)
    session.submit(ROWS_MAX, cell=2)
    listed = session.ledger.numbers_given
    for _ in range(20):
        session.submit(cell=1)
        session.submit(cell=2)
    assert session.ledger.numbers_given <= listed + BATCH


def test_what_has_not_ended_stays_and_the_latest_failures(session):
    running = session.submit(30, state=TaskState.RUNNING)
    failed = session.submit(15, state=TaskState.FAILED)
    session.submit(15)
    cancelled = session.submit(20, state=TaskState.CANCELLED)
    done = session.submit(20)
    new = session.submit(2 * BATCH, cell=2)
    assert all(map(session.is_listed, [*running, *done, *new]))
    assert not any(map(session.is_listed, cancelled))
    assert [row for row in failed if session.is_listed(row)] == failed[5:], "a tenth of all rows"
    session.submit(2 * BATCH, cell=3, state=TaskState.FAILED)
    session.submit(2 * BATCH, cell=4)
    assert all(map(session.is_listed, running))
    assert not any(map(session.is_listed, failed)), "there are later ones"
    assert session.ledger.counts[0] == [0, 0, 30, 115, 55, 20]


def test_those_whose_results_are_held_go_last(session):
    rows = session.submit(ROWS_MAX)
    for row in rows[:70]:
        session.ledger.object_changed(f"{row.task.hex()}00000001", 10, "store", "f", 1, 1, "n")
    for cell in range(2, 5):
        assert session.is_listed(*session.submit(1, cell=cell))
        session.submit(2 * BATCH, cell=cell)
    assert all(map(session.is_listed, rows[:70]))
    assert not any(map(session.is_listed, rows[70:]))
    for row in session.ledger.tasks:
        session.ledger.object_changed(f"{row.task.hex()}00000001", 10, "store", "f", 1, 1, "n")
    session.submit(ROWS_MAX, cell=5)
    assert [session.is_listed(row) for row in rows[:70]] == [False] * BATCH + [True] * (70 - BATCH)


def test_a_list_of_tasks_that_all_run_is_looked_at_now_and_then(session):
    rows = session.submit(ROWS_MAX, state=TaskState.RUNNING)
    assert session.submit(1, cell=2)[0].index == -1
    for row in rows[:5]:
        session.ledger.task_changed(row, TaskState.DONE)
    assert session.submit(1, cell=2)[0].index == -1, "not looked at once more in the same moment"
    session.now += LOOK_AGAIN_S
    new = session.submit(8, cell=2)
    assert [row.index >= 0 for row in new] == [True] * 5 + [False] * 3
    session.now += LOOK_AGAIN_S
    assert session.submit(1, cell=2)[0].index >= 0, (
        "the three have ended without a row, and the five with one"
    )


def test_readers_are_told_and_the_recording_gets_the_rows(session):
    session.submit(ROWS_MAX)
    session.ledger.readers = 1
    kept = session.ledger.unlisted = type(session.ledger.changed_tasks)()
    session.submit(1, cell=2)
    assert list(session.ledger.gone_tasks) == list(range(BATCH))
    assert [row.index for row in kept] == list(range(BATCH))
    session.ledger.stop_noting()
    assert not session.ledger.gone_tasks
    session.submit(ROWS_MAX, cell=3)
    assert not session.ledger.changed_tasks


def test_what_depends_on_a_task_without_a_row_has_no_such_dependency(session):
    rows = session.submit(ROWS_MAX)
    session.submit(1, cell=2)
    objects = [row.task + bytes(4) for row in (rows[0], rows[-1])]
    assert session.ledger.producers(objects) == (rows[-1].index,)
