"""What a default container gives has to do: 64 MB of /dev/shm, no capability, no new privileges."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.mounts import with_tmpfs
from tests.programs.build import HERE, Workshop, read_program
from tests.programs.running import run


@pytest.mark.long
def test_a_program_needs_no_capability_and_little_shared_memory(workshop: Workshop) -> None:
    program = workshop.command(read_program(HERE / "stress/roomy.c"))
    if shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv here")
    bare = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    looked = ["sh", "-c", 'grep CapEff: /proc/self/status; df -k /dev/shm | tail -1; exec "$@"', "sh"]
    command = [*bare, *looked, sys.executable, "-m", "rocverify", "exec", "--", *program]
    outcome = run(with_tmpfs("/dev/shm", "64m", command), {})
    assert outcome.returncode == 0, str(outcome)
    capabilities, size, *_ = outcome.output.splitlines()
    assert int(capabilities.split()[1], 16) == 0
    assert int(size.split()[1]) == 64 * 1024
    assert outcome.output.rstrip().endswith("RIGHT"), str(outcome)
