"""Sabotages of the Python engine's backend and tests: calls, their order, round trips at three depths."""

from __future__ import annotations

from tests.hosts.host import Sabotage
from tests.sabotage.sabotage import At, Edit

BACKEND = "src/strata/backend.py"
TEST_OPS = "tests/test_ops.py"
_SWIGLU = "    swiglu(gate, up, gate, sizes.rows * sizes.hidden)\n"
_EMBED = "        embed(ids, weights, x, sizes)\n"
_FORWARD = "        feed_forward(x, weights, y, sizes)\n"
_DOWNLOAD = "download({}, (sizes.rows, sizes.{}))\n"
# What reads the sources, without driving the whole path each time.
_ON_SOURCES = "not no_host_roundtrip"

SABOTAGES = (
    Sabotage(
        "download in the function that is named",
        "03-01",
        (Edit(BACKEND, _FORWARD, _FORWARD + "        " + _DOWNLOAD.format("y", "width")),),
        {"T1": "no_host_roundtrip"},
        ("predict_device", "download", At(BACKEND, "        download(y")),
    ),
    Sabotage(
        "download one call deeper",
        "03-01",
        (
            Edit(
                BACKEND,
                "        gated(normed",
                "        " + _DOWNLOAD.format("normed", "width") + "        gated(normed",
            ),
        ),
        {"T1": "no_host_roundtrip"},
        ("predict_device", "feed_forward", At(BACKEND, "        download(normed")),
    ),
    Sabotage(
        "download two calls deeper",
        "03-01",
        (Edit(BACKEND, _SWIGLU, "    " + _DOWNLOAD.format("up", "hidden") + _SWIGLU),),
        {"T1": "no_host_roundtrip"},
        ("predict_device", "feed_forward", "gated", At(BACKEND, "    download(up")),
    ),
    Sabotage(
        "download under another name",
        "03-01",
        (
            Edit(BACKEND, _SWIGLU, _SWIGLU + "    fetch(gate, (sizes.rows, sizes.hidden))\n"),
            Edit(
                BACKEND, "import FLOAT_BYTES, download,", "import FLOAT_BYTES, download as fetch, download,"
            ),
        ),
        {"T1": "no_host_roundtrip"},
        ("predict_device", "feed_forward", "gated", At(BACKEND, "    fetch(gate")),
    ),
    Sabotage(
        "softmax on the host",
        "03-01",
        (
            Edit(BACKEND, "        row_softmax(out, out, sizes.rows, sizes.classes)\n", ""),
            Edit(
                BACKEND,
                "= download(out, (sizes.rows, sizes.classes))",
                "= softmax_cpu(download(out, (sizes.rows, sizes.classes)))",
            ),
            Edit(
                BACKEND,
                "from strata.ops.elementwise",
                "from strata.cpu import softmax_cpu\nfrom strata.ops.elementwise",
            ),
        ),
        {"T4": "key_link"},
        ("classify", "row_softmax", BACKEND),
        only=_ON_SOURCES,
    ),
    Sabotage(
        "call commented out",
        "03-01",
        (Edit(BACKEND, _SWIGLU, "    # swiglu(gate, up, gate, sizes.rows * sizes.hidden)\n"),),
        {"L1": "key_link"},
        ("swiglu", At(BACKEND, "# swiglu")),
        only=_ON_SOURCES,
    ),
    Sabotage(
        "call that the docstring alone has",
        "03-01",
        (
            Edit(BACKEND, _SWIGLU, ""),
            Edit(BACKEND, "`up` is overwritten.", "by swiglu(gate, up, gate, count)."),
        ),
        {"L1": "key_link"},
        ("swiglu", BACKEND),
        only=_ON_SOURCES,
    ),
    Sabotage(
        "call behind a return",
        "03-01",
        (Edit(BACKEND, "    bias_add(out", "    return\n    bias_add(out"),),
        {"L2": "key_link"},
        ("bias_add", At(BACKEND, "    bias_add(out")),
        only=_ON_SOURCES,
    ),
    Sabotage(
        "call behind a condition that never holds",
        "03-01",
        (Edit(BACKEND, "        rms_norm(x,", "        if False:\n            rms_norm(x,"),),
        {"L3": "key_link"},
        ("rms_norm", At(BACKEND, "            rms_norm(x")),
        only=_ON_SOURCES,
    ),
    Sabotage(
        "two steps exchanged",
        "03-01",
        (Edit(BACKEND, _EMBED + _FORWARD, _FORWARD + _EMBED),),
        {"T3": "call_order", "T5": "documented"},
        ("embed", "feed_forward", At(BACKEND, _FORWARD.rstrip())),
        only=_ON_SOURCES,
    ),
    Sabotage(
        "export that is only imported",
        "03-01",
        (
            Edit(BACKEND, "def classify(", "def classify_tokens("),
            Edit(
                BACKEND,
                "from strata.ops.elementwise",
                "from strata.cpu import softmax_cpu as classify\nfrom strata.ops.elementwise",
            ),
        ),
        {"A1": "artifact"},
        ("does not define classify; it only uses the name", BACKEND),
        only=_ON_SOURCES,
    ),
    Sabotage(
        "host in place of a kernel, where HIP fails",
        "03-01",
        (
            Edit(
                BACKEND,
                _FORWARD,
                "        try:\n    " + _FORWARD + "        except HipError:\n"
                "            hidden = rms_norm_cpu(download(x, (sizes.rows, sizes.width)), 1.0)\n"
                "            y = upload(hidden)\n",
            ),
            Edit(
                BACKEND,
                "from strata.ops.elementwise",
                "from strata.cpu import rms_norm_cpu\nfrom strata.errors import HipError\n"
                "from strata.ops.elementwise",
            ),
        ),
        {"T1": "no_host_roundtrip"},
        ("download", At(BACKEND, "hidden = rms_norm_cpu")),
    ),
    Sabotage(
        "test that is skipped",
        "03-02",
        (
            Edit(
                TEST_OPS, "def test_sums_of_rows", '@pytest.mark.skip(reason="flaky")\ndef test_sums_of_rows'
            ),
        ),
        {"T1": "tests_pass"},
        ("test_sums_of_rows", "skipped"),
        only="not backend_selected",
    ),
    Sabotage(
        "test that asserts nothing",
        "03-02",
        (
            Edit(
                TEST_OPS,
                "    assert np.allclose(download(out, (4,)), x.sum(axis=1), atol=1e-5)\n",
                "    download(out, (4,))\n",
            ),
        ),
        {},
        ("test_sums_of_rows passed, but asserts nothing",),
        error={"T1": "tests_pass"},
        only="not backend_selected",
    ),
    Sabotage(
        "step of the path that another kernel does",
        "03-02",
        (
            Edit(BACKEND, _SWIGLU, "    silu(gate, gate, sizes.rows * sizes.hidden)\n"),
            Edit(BACKEND, "import bias_add, swiglu", "import bias_add, silu"),
        ),
        {"T2": "backend_selected", "T1": "tests_pass"},
        ("swiglu_kernel",),
    ),
    Sabotage(
        "call gone that a sentence of the body asks for",
        "03-03",
        (Edit(BACKEND, "        rms_norm(x,", "        # rms_norm(x,"),),
        {"V2": "key_link"},
        ("rms_norm", At(BACKEND, "# rms_norm")),
    ),
)
