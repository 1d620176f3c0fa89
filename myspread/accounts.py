"""
Checkers for C{twisted.cred} that know their users from files: passwords, tokens
and client certificates. The commands C{myspread passwd}, C{myspread token} and
C{myspread cert} keep such files.
"""

from __future__ import annotations

from myspread._login.accountlines import AccountFileError
from myspread._login.certificatechecker import CertificateFile
from myspread._login.clientcertificates import keyPin
from myspread._login.passwordchecker import PasswordFile
from myspread._login.together import portalOf
from myspread._login.tokenchecker import TokenFile

__all__ = ["AccountFileError", "CertificateFile", "PasswordFile", "TokenFile", "keyPin", "portalOf"]
