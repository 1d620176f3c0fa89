"""
How fast myspread is, beside C{twisted.spread} and other ways of calling a
Python program from another one. Run C{python -m benchmarks}; see README.rst.
"""
