"""
A program for C{twisted.spread} that runs on myspread, with all that it starts.

Run it with C{python unchanged.py}.
"""

import os
import subprocess
import sys

from myspread import substitution

try:
    substitution.substitute()
except substitution.SubstitutionRefused as error:
    sys.exit(str(error))

from twisted.spread import pb  # noqa: E402

print(pb.Broker.__module__, substitution.isSubstituted())
sys.stdout.flush()

# Whatever is started with these variables runs on myspread, too.
variables = substitution.environment()
print(*sorted(variables), variables[substitution.SWITCH])
sys.stdout.flush()
child = "from twisted.spread import pb; print(pb.Broker.__module__)"
subprocess.run([sys.executable, "-c", child], env={**os.environ, **variables}, check=True)
