"""`python -m driftflow`."""

from driftflow.cli import main

raise SystemExit(main())
