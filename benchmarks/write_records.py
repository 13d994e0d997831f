"""The least that keeping a record can be: for each `json.dumps`, and one `os.write`.

write_records.py RECORDS [FILE]   without FILE it only reads the records
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

records = [json.loads(line) for line in Path(sys.argv[1]).read_text("ascii").splitlines()]
for path in sys.argv[2:]:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
    for record in records:
        os.write(file, f"{json.dumps(record)}\n".encode("ascii"))
