"""`python bench/gateway_peers.py --json [--quick|--full]`: it is `bench/loads/gateway_peers.py`."""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
runpy.run_module("bench.loads.gateway_peers", run_name="__main__", alter_sys=True)
