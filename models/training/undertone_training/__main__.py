"""Lets the recipe be started with `python -m undertone_training`."""

import sys

from .cli import main

sys.exit(main())
