"""`python bench/exports.py --json [--quick|--full]`: files of exports. It is `bench/loads/exports.py`.

Python puts a script's own folder first on its path, where this file would hide the package of its name.
"""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
runpy.run_module("bench.loads.exports", run_name="__main__", alter_sys=True)
