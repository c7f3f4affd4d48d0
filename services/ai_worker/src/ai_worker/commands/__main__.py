"""`python -m ai_worker.commands`."""

import sys

from ai_worker.commands import main

sys.exit(main())
