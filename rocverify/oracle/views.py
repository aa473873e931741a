"""Arrays in device memory, as contracts are given them and may hand on."""

from rocverify.subject.host.views import DeviceView

__all__ = ["DeviceView"]
