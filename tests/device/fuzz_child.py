"""Runs damaged kernels in a process of its own: `python -m tests.device.fuzz_child FOLDER FIRST COUNT`.

FOLDER holds good code objects (*.co), their target (target), the names of the tools (tools.json), and gets
`at`, the seed under way, so that whoever started this knows which input ended it. Prints how many launches
ended how.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path

from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.machine import LoadedModule, Machine
from rocverify.errors import RocverifyError
from tests.device.fuzzing import RUNNING, Target, damaged

ARENA = 1 << 30
BUFFER_BYTES = 4096
LIMIT = 20_000
SECONDS = 5.0


def launch(machine: Machine, module: LoadedModule, name: str, rng: random.Random) -> None:
    """One kernel, with pointers to a buffer for some arguments and nonsense for others."""
    kernel, memory = module.kernel(name), machine.memory
    size = max((arg.offset + arg.size for arg in kernel.metadata.explicit_args), default=0)
    buffer = memory.malloc(BUFFER_BYTES, "fuzz")
    try:
        word = rng.choice((buffer, buffer, 3, rng.getrandbits(64))).to_bytes(8, "little")
        kernarg = (word * (size // 8 + 1))[:size]
        machine.launch(kernel, (2, 1, 1), (rng.choice((1, 33, 64)), 1, 1), 0, kernarg, timeout_s=SECONDS)
    finally:
        memory.free(buffer)


def attempt(machine: Machine, data: bytes, seed: int) -> str:
    """How an input ended: "ran", or the kind of error. Anything but a RocverifyError ends the process."""
    rng = random.Random(seed)
    module, before = None, machine.memory.used
    try:
        module = machine.load(data)
        launch(machine, module, rng.choice(sorted(module.metadata.kernels)), rng)
        outcome = "ran"
    except RocverifyError as error:
        outcome = type(error).__name__
    finally:
        if module is not None:
            machine.unload(module)
    if machine.memory.used != before:
        raise AssertionError(f"{machine.memory.used - before} bytes of device memory are lost")
    return outcome


def main(folder: Path, first: int, count: int) -> None:
    tools = {name: Path(path) for name, path in json.loads((folder / "tools.json").read_text()).items()}
    targets = [Target.of(path.read_bytes()) for path in sorted(folder.glob("*.co"))]
    machine = Machine(
        (folder / "target").read_text(),
        memory=DeviceMemory(ARENA),
        threads=1,
        instruction_limit=LIMIT,
        cache_dir=folder / "cache",
        **tools,
    )
    outcomes: Counter[str] = Counter()
    for seed in range(first, first + count):
        (folder / "at").write_text(str(seed))
        outcomes[attempt(machine, damaged(targets, RUNNING, seed), seed)] += 1
    machine.close()
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
