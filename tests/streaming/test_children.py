import asyncio
import socket
import sys
from pathlib import Path

import pytest

from streaming.children import spawn

CHILD = """
import sys
from pathlib import Path
from streaming.children import go_first_without_memory
go_first_without_memory()
open(int(sys.argv[1]), "w").write(Path("/proc/self/oom_score_adj").read_text())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux decides who goes")
async def test_a_child_of_heavy_work_goes_before_its_parent_when_memory_is_full():
    own = int(await asyncio.to_thread(Path("/proc/self/oom_score_adj").read_text))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = await spawn((sys.executable, "-c", CHILD, str(theirs.fileno())), theirs)
        assert await process.wait() == 0
        score = int(await asyncio.to_thread(ours.recv, 99))
    assert score > own
