"""What a `run` command starts before it has imported itself, on another processor than its own."""

from __future__ import annotations

import contextlib

from rocverify.cli.options import Options, find_root
from rocverify.errors import UsageError
from rocverify.runner.durations import ran_side_by_side


def start_servers(options: Options) -> None:
    """Starts what device processes and the processes of the project's code are forked from, where the last
    run of the project had workers: this one will most likely ask for them."""
    with contextlib.suppress(UsageError):  # the command itself says what is wrong
        if not options.write or not ran_side_by_side(find_root(options.root)):
            return
        from rocverify.device.process import forked

        forked.SERVERS.start(forked.device_environment())
        from rocverify.subject import process

        process.SERVERS.start(process.host_environment())
