"""Certificates for a test, made by the openssl command."""

import pathlib
import subprocess

NEW = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr}")


class Authority:
    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.ca = self.folder / f"{name}.pem"
        self.key = self.folder / f"{name}.key"
        self.name = name
        subject = ("-subj", f"/CN={name}", "-days", 2)
        openssl("req", "-x509", *NEW, "-keyout", self.key, "-out", self.ca, *subject)

    def make(self, name, names, days=2, is_self_signed=False):
        """{certificate, private_key} for `names`, as in subjectAltName. days -1: it has ended yesterday."""
        stem = f"{self.name}-{name}"
        made, key = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        request, extensions = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", *NEW, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signer = ("-signkey", key) if is_self_signed else ("-CA", self.ca, "-CAkey", self.key, "-CAcreateserial")
        openssl("x509", "-req", "-in", request, *signer, "-days", days, "-extfile", extensions, "-out", made)
        return {"certificate": str(made), "private_key": str(key)}
