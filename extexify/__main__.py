"""`python -m extexify`: see `extexify.cli`."""

import sys

from extexify.cli import main

sys.exit(main())
