"""`python bench/hotpath.py --json`: what one governed call costs in process. It is `bench/loads/hotpath.py`.

Python puts a script's own folder first on its path, where this file would hide the package of its name.
"""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
runpy.run_module("bench.loads.hotpath", run_name="__main__", alter_sys=True)
