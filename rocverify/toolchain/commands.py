"""The compiler's commands: which options a kernel source, and a whole program, are compiled with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rocverify.toolchain.discover import Toolchain


def compile_command(
    toolchain: Toolchain, source: str, target: str, flags: Sequence[str], *, libraries: str
) -> tuple[str, ...]:
    """The compiler's command for one plain code object, but for `-o`; `libraries` is the device bitcode."""
    return (
        str(toolchain.clang),
        *("-x", "hip", f"--offload-arch={target}"),
        *("--cuda-device-only", "--no-gpu-bundle-output"),
        f"--rocm-path={toolchain.rocm_path}",
        f"--rocm-device-lib-path={libraries}",
        "-fhip-kernel-arg-name",
        # Nothing of this checkout's place in the bytes: no folder, no hash of a path.
        *("-fdebug-compilation-dir=.", "-fuse-cuid=none"),
        *flags,
        *("-c", source),
    )


def program_command(
    toolchain: Toolchain, source: str, targets: Sequence[str], flags: Sequence[str], *, libraries: str
) -> tuple[str, ...]:
    """The compiler's command for a whole program, host and device, linked with HIP; but for `-o`."""
    return (
        str(toolchain.clang),
        *("-x", "hip", *(f"--offload-arch={target}" for target in targets)),
        f"--rocm-path={toolchain.rocm_path}",
        f"--rocm-device-lib-path={libraries}",
        *flags,
        *(source, "-lamdhip64"),
    )


def asked_version(flags: Sequence[str]) -> int | None:
    """The code object version that the flags ask for; None leaves it to the compiler."""
    versions = [match[1] for flag in flags if (match := re.fullmatch(r"-mcode-object-version=(\d)", flag))]
    return int(versions[-1]) if versions else None
