"""`python -m rocverify`."""

import sys

from rocverify.cli.main import main

sys.exit(main())
