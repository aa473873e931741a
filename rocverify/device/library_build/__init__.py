"""Builds libamdhip64.so and its companions from rocverify/device/library, and finds them again."""

from rocverify.device.library_build.build import build_libraries, hip_library_folder, write_prebuilt

__all__ = ["build_libraries", "hip_library_folder", "write_prebuilt"]
