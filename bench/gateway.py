"""`python bench/gateway.py --json [--quick|--full]`: what governing costs. It is `bench/loads/gateway.py`.

Python puts a script's own folder first on its path, where this file would hide the package of its name.
"""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
runpy.run_module("bench.loads.gateway", run_name="__main__", alter_sys=True)
