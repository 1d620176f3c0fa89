"""
What C{twistd pbserver} runs.
"""
