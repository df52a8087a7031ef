"""Every worktree has ports of its own, and nothing listens on them."""

import socket

from hypothesis import given
from hypothesis import strategies as st

from cc4tui.services.pipeline.free_ports import FIRST, LAST, PORTS_PER_SLOT, first_free


@given(st.integers(min_value=0, max_value=2**32))
def test_rows_do_not_overlap_and_lie_in_the_range(offset: int):
    taken: set[int] = set()
    for _ in range(5):
        port = first_free(None, taken, offset)
        assert FIRST <= port <= LAST - PORTS_PER_SLOT
        assert all(abs(port - other) >= PORTS_PER_SLOT for other in taken)
        taken.add(port)


def test_a_row_with_a_listener_is_left_and_a_free_one_stays():
    wanted = first_free(None, (), 7)
    assert first_free(wanted, (), 99) == wanted
    with socket.create_server(("127.0.0.1", wanted + 3)):
        assert first_free(wanted, (), 7) not in (wanted, *range(wanted - 9, wanted + 4))
    assert first_free(wanted, (), 7) == wanted
