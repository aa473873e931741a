"""Builds libamdhip64.so and its companions from rocverify/device/library, and finds them again."""

from rocverify.device.library_build.folder import hip_library_folder

__all__ = ["hip_library_folder"]
