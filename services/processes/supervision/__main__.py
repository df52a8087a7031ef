"""Entry of the zygote: ``python -S -E -s __main__.py CONTROL_FD APP_PID``.

Started as a file, not with ``-m``: that needs no PYTHONPATH and no import of ``runpy``. The folder
above joins the END of sys.path, so that no module beside this package can shadow a standard one.
"""

import sys
from importlib import import_module
from os.path import dirname


if __name__ == "__main__":
    sys.path[:] = [*sys.path[1:], dirname(dirname(__file__))]
    import_module("supervision.zygote").main(int(sys.argv[1]), int(sys.argv[2]))
