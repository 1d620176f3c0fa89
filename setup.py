"""
The extension module, which C{setup.cfg} can't declare.

C{MYSPREAD_BUILD=no} leaves it out, C{MYSPREAD_BUILD=yes} fails without it; by
default it is built where there is a compiler.
"""

from __future__ import annotations

import os

from setuptools import Extension, setup

wish = os.environ.get("MYSPREAD_BUILD", "")
extension = Extension(
    "myspread._native._accelerator",
    ["myspread/_native/_accelerator.pyx"],
    optional=wish != "yes",
)
setup(ext_modules=[] if wish == "no" else [extension])
