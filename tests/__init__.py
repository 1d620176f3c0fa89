"""The tests of myspread; the folders mirror the layers of the package."""
