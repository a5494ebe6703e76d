"""A certificate authority and a certificate for loopback, made with openssl."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from .commands import run
from .errors import DevstackError, MissingError

# Key identifiers are what Python 3.13 and later insist on (VERIFY_X509_STRICT).
_CONFIG = """
[req]
prompt = no
distinguished_name = name
[name]
CN = {name}
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = IP:127.0.0.1, IP:::1, DNS:localhost
"""


@dataclass(frozen=True)
class Certificates:
    """The PEM files in one folder."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The authority's certificate, which clients trust."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The server's certificate, for 127.0.0.1, ::1 and localhost."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """The server's private key."""
        return self.folder / "server.key"


def make(folder: Path) -> Certificates:
    """Make the files, or keep those that are there already."""
    made = Certificates(folder)
    if made.certificate.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    _authority(folder)
    _server(folder)
    return made


def private_key(file: Path) -> Path:
    """Make a private key, or keep the one that is there already."""
    if not file.exists():
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(file))
        file.chmod(0o600)
    return file


def _authority(folder: Path) -> None:
    config = folder / "ca.cnf"
    config.write_text(_CONFIG.format(name="mlrollout development CA"))
    key = private_key(folder / "ca.key")
    _openssl(
        *("req", "-x509", "-new", "-days", "3650", "-config", str(config)),
        *("-extensions", "authority", "-key", str(key), "-out", str(folder / "ca.crt")),
    )


def _server(folder: Path) -> None:
    config, request = folder / "server.cnf", folder / "server.csr"
    config.write_text(_CONFIG.format(name="localhost"))
    key = private_key(folder / "server.key")
    _openssl("req", "-new", "-config", str(config), "-key", str(key), "-out", str(request))
    _openssl(
        *("x509", "-req", "-days", "3650", "-in", str(request)),
        *("-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key")),
        *("-set_serial", "1", "-extfile", str(config), "-extensions", "server"),
        *("-out", str(folder / "server.draft")),
    )
    (folder / "server.draft").replace(folder / "server.crt")


def _openssl(*arguments: str) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        raise MissingError(
            "openssl is not installed.",
            meaning="The local stack makes its certificates with it.",
            remedy="Install it with your package manager, then run this again.",
        )
    ran = run([openssl, *arguments])
    if ran.returncode:
        raise DevstackError(f"openssl {arguments[0]} failed: {ran.stderr.strip()}")
