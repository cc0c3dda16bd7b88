"""Authorities and their certificates, made by the openssl program in a folder."""

import base64
import hashlib
import itertools
import pathlib
import ssl
import subprocess

KEYS = {
    "ecdsa": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}
PAST = ("20200101000000Z", "20200201000000Z")
PRESENT = ("20200101000000Z", "20450101000000Z")
# What `openssl ca` wants to be told; the subject and the names come with the request.
AUTHORITY = """\
[ca]
default_ca = this
[this]
database = {folder}/{name}.index
new_certs_dir = {folder}
certificate = {folder}/{name}.crt
private_key = {folder}/{name}.key
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""

numbers = itertools.count(1)


def openssl(*words, stdin=None):
    done = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(map(str, words))}: {done.stderr.decode()}")
    return done.stdout


class Certificate:
    """A certificate and its key, in two PEM files."""

    def __init__(self, folder, name):
        self.file = pathlib.Path(folder) / f"{name}.crt"
        self.key = pathlib.Path(folder) / f"{name}.key"

    @property
    def der(self):
        """Of the first one in the file."""
        text = self.file.read_text()
        return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERT") : text.index("-----END CERT") + 25])

    @property
    def print(self):
        """Its fingerprint."""
        return fingerprint(self.der)

    @property
    def forwarded(self):
        """As `Client-Cert` says it (RFC 9440 2.1)."""
        return f":{base64.b64encode(self.der).decode()}:"

    def files(self):
        """As a configuration says it."""
        return {"certificate": str(self.file), "private_key": str(self.key)}

    def take(self, other):
        """Has the other's files from now on; each of them is there, whole, at any time."""
        for mine, theirs in ((self.file, other.file), (self.key, other.key)):
            mine.with_suffix(".new").write_bytes(theirs.read_bytes())
            mine.with_suffix(".new").chmod(0o600)
            mine.with_suffix(".new").rename(mine)


def fingerprint(der):
    return hashlib.sha256(der).hexdigest() if der else None


class Authority(Certificate):
    def __init__(self, folder, name):
        super().__init__(folder, name)
        self.folder = pathlib.Path(folder)
        self.name = name
        openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", self.key, "-out", self.file, "-days", 30, "-addext", "basicConstraints=critical,CA:TRUE"),
        )
        (self.folder / f"{name}.index").touch()
        self.settings = self.folder / f"{name}.cnf"
        self.settings.write_text(AUTHORITY.format(folder=folder, name=name))

    def sign(self, *names, kind="ecdsa", dates=PRESENT, usage="serverAuth", common=None):
        """
        @param names  DNS names, or addresses
        @param dates  from when until when it is good
        """
        made = Certificate(self.folder, f"{self.name}-{next(numbers)}")
        subject = common or (names[0] if names else "somebody")
        openssl("genpkey", *KEYS[kind], "-out", made.key)
        extensions = [f"extendedKeyUsage={usage}"]
        if names:
            kinds = (f"{'IP' if name.replace('.', '').isdigit() else 'DNS'}:{name}" for name in names)
            extensions.append(f"subjectAltName={','.join(kinds)}")
        request = made.file.with_suffix(".csr")
        added = [word for extension in extensions for word in ("-addext", extension)]
        openssl("req", "-new", "-key", made.key, "-subj", f"/CN={subject}", "-out", request, *added)
        openssl(
            *("ca", "-batch", "-notext", "-config", self.settings, "-startdate", dates[0], "-enddate", dates[1]),
            *("-in", request, "-out", made.file),
        )
        return made


def self_signed(folder, *names):
    made = Certificate(folder, f"self-{next(numbers)}")
    kinds = (f"{'IP' if name.replace('.', '').isdigit() else 'DNS'}:{name}" for name in names)
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={names[0]}"),
        *("-keyout", made.key, "-out", made.file, "-days", 30, "-addext", f"subjectAltName={','.join(kinds)}"),
    )
    return made
