"""
Makes a certificate for a server on this machine, which nobody has signed but
itself: C{key.pem} and C{cert.pem} for the server, and C{trusted/cert.pem} for its
clients.

Run it with C{python make_certificate.py [NAME]}.
"""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def main(name="localhost"):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    keyFile = Path("key.pem")
    keyFile.touch(mode=0o600)
    keyFile.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    Path("cert.pem").write_bytes(text)
    Path("trusted").mkdir(exist_ok=True)
    Path("trusted/cert.pem").write_bytes(text)
    print(f"key.pem, cert.pem and trusted/cert.pem are for {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
