"""`python -m extexify`: see `extexify.cli.parser`."""

import sys

from extexify.cli.parser import main

sys.exit(main())
