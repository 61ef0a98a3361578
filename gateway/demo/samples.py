"""Where the sample programs are: beside the package, or shipped inside it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import gateway
from gateway.cli.failure import CommandFailed


def samples_path() -> Path:
    """Return the folder that makes ``examples`` importable.

    Raises CommandFailed where the samples or the SDK are not there.
    """
    package = Path(gateway.__file__).parent
    for folder in (package / "demo" / "shipped", package.parent):
        if (folder / "examples" / "sample_app" / "__main__.py").is_file():
            break
    else:
        raise CommandFailed("the sample programs are missing; install the package anew")
    if find_spec("aseanbiz") is None:
        raise CommandFailed(
            "the samples use the SDK, which is not installed; install aseanbiz-sdk"
        )
    return folder
