"""libhipblas and librocblas through a program in C: codes, pointer modes, what is not served, the summary."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rocverify.device.library_build import hip_library_folder

# Every line that blas_statuses.c prints: what it asked, and the code that the real library has for it.
EXPECTED = """
hipblasSgemm(NULL, 111, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2) 1
hipblasCreate(&h) 0
hipblasSetVector(4, 4, host, 1, a, 1) 0
hipblasSgemm(h, 111, 112, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2) 0
hipblasGetMatrix(2, 2, 4, c, 2, back, 2) 0
10 14 14 20
hipblasSgemm(h, 111, 111, 2, 2, 2, &one, a, 1, a, 2, &zero, c, 2) 3
hipblasSgemm(h, 111, 111, -1, 2, 2, &one, a, 2, a, 2, &zero, c, 2) 3
hipblasSgemm(h, 5, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2) 10
hipblasSgemm(h, 111, 111, 2, 2, 2, &one, NULL, 2, a, 2, &zero, c, 2) 3
hipblasSgemm(h, 111, 111, 0, 2, 2, NULL, NULL, 2, NULL, 2, NULL, NULL, 2) 0
hipblasSdot(h, 4, a, 1, a, 1, &result) 0
hipblasSetPointerMode(h, 7) 10
hipblasSetPointerMode(h, 1) 0
hipblasGetPointerMode(h, &mode) 0
hipblasSdot(h, 2, a, 2, a, 2, r) 0
1 30 10
hipblasStrsm(h) 7
hipblasDestroy(h) 0
hipblasDestroy(NULL) 1
rocblas_create_handle(&rh) 0
rocblas_sgemm(rh, 111, 111, 2, 2, 2, &one, a, 1, a, 2, &zero, c, 2) 4
rocblas_sgemm(rh, 5, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2) 11
rocblas_sgemm(rh, 111, 111, 2, 2, 2, NULL, a, 2, a, 2, &zero, c, 2) 3
rocblas_sgemm(rh, 111, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2) 0
rocblas_strsm(rh) 2
rocblas_status_invalid_size
rocblas_destroy_handle(rh) 0
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("blas") / "statuses"
    source = Path(__file__).parent / "blas_statuses.c"
    libraries = ["-L", str(hip_library_folder()), "-lhipblas", "-lrocblas", "-lamdhip64"]
    subprocess.run(["cc", "-g", "-w", source, "-o", path, *libraries], check=True)
    return path


@pytest.mark.parametrize("order", ["eager", "lazy"])
def test_codes_and_results_are_those_of_the_libraries(program, order):
    command = [sys.executable, "-m", "rocverify", "exec", "--require-launch", "--order", order, program]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.stdout.split("\n") == [*EXPECTED.strip("\n").split("\n"), ""]
    assert run.returncode == 0, run.stderr
    assert "4 library calls (hipblasSdot x2, hipblasSgemm, rocblas_sgemm)" in run.stderr
    assert "not served: hipblasStrsm, rocblas_strsm" in run.stderr
    assert run.stderr.count("hipblasStrsm is not served: it returns") == 1
