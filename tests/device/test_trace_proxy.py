"""The module that stands in for hip-python: everywhere, for as long as a tracer is installed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import rocm.bindings
from rocm.bindings import hip as real_hip

from rocverify.device.trace.proxy import PROXY, active_serial
from rocverify.device.trace.proxy import real_hip as known_real_hip
from rocverify.device.trace.tracer import Tracer


@pytest.fixture
def tracer(listener: Any, tmp_path: Path) -> Tracer:
    return Tracer(listener, root=tmp_path)


def test_every_import_meets_the_proxy(tracer: Tracer) -> None:
    legacy = importlib.import_module("hip")
    with tracer.install() as proxy:
        assert proxy is PROXY
        assert sys.modules["rocm.bindings.hip"] is proxy
        assert rocm.bindings.hip is proxy
        assert legacy.hip is proxy
        assert importlib.import_module("rocm.bindings.hip") is proxy
        from hip import hip as by_legacy_name
        from rocm.bindings import hip as by_name

        assert by_name is by_legacy_name is proxy
    assert sys.modules["rocm.bindings.hip"] is rocm.bindings.hip is legacy.hip is real_hip
    assert known_real_hip() is real_hip


def test_it_looks_like_the_module(tracer: Tracer) -> None:
    with tracer.install() as proxy:
        assert (proxy.__name__, proxy.__file__) == (real_hip.__name__, real_hip.__file__)
        assert proxy.hipError_t is real_hip.hipError_t
        assert proxy.HIP_LAUNCH_PARAM_END == real_hip.HIP_LAUNCH_PARAM_END
        assert proxy._hipMemcpyKind__Base is real_hip._hipMemcpyKind__Base
        assert proxy.hipMalloc.__name__ == "hipMalloc"
        assert dir(proxy) == dir(real_hip)
        with pytest.raises(AttributeError, match="hipNoSuch"):
            _ = proxy.hipNoSuch
        with pytest.raises(ImportError):
            exec("from rocm.bindings.hip import hipNoSuch")


def test_what_was_imported_earlier_follows_the_active_tracer(
    tracer: Tracer, listener: Any, tmp_path: Path
) -> None:
    with tracer.install() as early:
        function = early.hipGetDeviceCount
    other = Tracer(type(listener)(), root=tmp_path)
    with other.install(), other.record() as events:
        function()
        early.hipGetDevice()
    assert [event.function for event in events] == ["hipGetDeviceCount", "hipGetDevice"]
    assert listener.hip.calls == []


def test_without_a_tracer_it_is_hip_python(tracer: Tracer) -> None:
    with tracer.install() as proxy:
        versions = proxy.hipDriverGetVersion
    assert proxy.hipMemcpyKind is real_hip.hipMemcpyKind
    if real_hip.has_symbol("hipDriverGetVersion"):
        assert versions() == real_hip.hipDriverGetVersion()


def test_installations_nest_and_the_inner_one_counts(tracer: Tracer, listener: Any, tmp_path: Path) -> None:
    inner = Tracer(type(listener)(), root=tmp_path)
    assert active_serial() is None
    with tracer.install() as hip:
        assert active_serial() == tracer.serial
        with inner.install(), tracer.record() as outer_events, inner.record() as inner_events:
            assert active_serial() == inner.serial != tracer.serial
            hip.hipGetDevice()
        assert sys.modules["rocm.bindings.hip"] is hip
        assert (len(outer_events), len(inner_events)) == (0, 1)
    assert active_serial() is None
    assert sys.modules["rocm.bindings.hip"] is real_hip


def test_an_exception_uninstalls(tracer: Tracer) -> None:
    with pytest.raises(ZeroDivisionError), tracer.install():
        raise ZeroDivisionError
    assert sys.modules["rocm.bindings.hip"] is real_hip
