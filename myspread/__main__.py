"""
C{python -m myspread COMMAND [ARGS...]}
"""

import sys

from myspread._cli import main

sys.exit(main())
