"""``python -m gateway.cli`` is the command too."""

import sys

from gateway.cli import main

sys.exit(main())
