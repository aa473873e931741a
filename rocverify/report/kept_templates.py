"""What jinja2 makes of templates, kept in the user's cache under the user's seal: it is code that runs."""

from __future__ import annotations

import contextlib

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from rocverify.store.files import replace_file
from rocverify.store.seal import sealed, unsealed
from rocverify.store.user_folders import user_cache


class KeptTemplates(BytecodeCache):
    """Templates' code by name and content. Where nothing can be kept, it is made again."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was kept under the bucket's key, if it is ours; jinja2 looks whether it is of this text."""
        with contextlib.suppress(OSError):
            data = unsealed(bucket.key, (user_cache() / "templates" / bucket.key).read_bytes())
            if data is not None:
                bucket.bytecode_from_string(data)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps it."""
        with contextlib.suppress(OSError):
            path = user_cache() / "templates" / bucket.key
            replace_file(path, sealed(bucket.key, bucket.bytecode_to_string()))
