"""
Checkers for C{--auth}: C{pbpasswords}, C{pbtokens} and C{pbcertificates}.
"""

from myspread._service.plugins import certificates, passwords, tokens

__all__ = ["certificates", "passwords", "tokens"]
