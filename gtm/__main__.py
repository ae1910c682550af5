"""`python -m gtm`, the same as the `gtm` command."""

import sys

from gtm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
