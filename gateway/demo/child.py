"""Run a module as a child that ends when its parent does, however that ends.

The parent holds the other end of our standard input. A parent that is killed cannot
tell its children, but the system closes its files, and reading then ends.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def end_with_parent() -> None:
    """Wait until the parent is gone, then ask this process to stop."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the module named first, with the arguments that follow."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
