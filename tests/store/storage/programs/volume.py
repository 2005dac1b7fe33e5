"""Uses a volume as Kubernetes mounts one for a group: `volume DIRECTORY`, as root.

It belongs to root and a group, which may write there; the program is not root, and of that group.
"""

import os
import sys
from pathlib import Path

from zustax.store import FileStorage

from .common import say

above = Path(sys.argv[1])
above.chmod(0o755)
FileStorage(above / "first").set_item("settings", "{}")  # imports all that is needed
(volume := above / "data").mkdir()
os.chown(volume, 0, 1000)
volume.chmod(0o2775)
os.setgroups([])
os.setgid(1000)
os.setuid(1000)
files = FileStorage(volume)
files.set_item("settings", "{}")
say(files.get_item("settings"))
