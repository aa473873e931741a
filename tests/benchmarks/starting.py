"""A process of its own that launches one kernel: what a first launch takes. Prints JSON.

    python -m tests.benchmarks.starting CODE_OBJECT KERNEL CACHE

Beside the time until the machine stands (imports, the runtime library), it has the time from the bytes of a
code object to the end of the first launch: load, disassembly and translation or the cached translation,
linking of the native code, and the launch itself, of one wave. All arguments are pointers, to one buffer.
"""

from __future__ import annotations

import json
import struct
import sys
import time

BEGUN = time.perf_counter()

from pathlib import Path  # noqa: E402

from rocverify.device.emulator.machine import Machine  # noqa: E402
from rocverify.settings import load_settings  # noqa: E402
from rocverify.toolchain.discover import Toolchain  # noqa: E402

BUFFER_BYTES = 1 << 16


def peak_bytes() -> int:
    """The most memory that this program has had: ru_maxrss counts what the process was before its exec,
    too."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main(code_object: Path, kernel: str, cache: Path) -> None:
    toolchain = Toolchain.discover(load_settings(Path.cwd()))
    machine = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        threads=1,
        cache_dir=cache,
    )
    standing, cpu = time.perf_counter(), time.process_time()
    loaded = machine.load(code_object.read_bytes()).kernel(kernel)
    pointers = [machine.memory.malloc(BUFFER_BYTES)] * len(loaded.metadata.explicit_args)
    kernarg = struct.pack(f"<{len(pointers)}Q", *pointers)
    stats = machine.launch(loaded, (1, 1, 1), (32, 1, 1), 0, kernarg)
    ended, cpu_ended = time.perf_counter(), time.process_time()
    machine.close()
    times = {"machine_s": standing - BEGUN, "launch_s": ended - standing, "launch_cpu_s": cpu_ended - cpu}
    times["translate_s"] = stats.translate_seconds
    peak = peak_bytes()
    print(json.dumps({**times, "wave_instructions": stats.wave_instructions, "peak_bytes": peak}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
