"""Codes that change with time, and how an authenticator app is told of their seed."""

import base64
import io
from datetime import datetime
from typing import Final

import pyotp

from domain.totp import SEED_BYTES, steps

ISSUER: Final = "Dango"
DOT: Final = 4  # pixels of one module of the QR code


def secret(seed: bytes) -> str:
    """A seed as authenticator apps take it: 32 characters of Base32."""
    return base64.b32encode(seed[-SEED_BYTES:]).decode()


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The step whose code it is, of those that are taken; all are compared in equal time."""
    totp = pyotp.TOTP(secret)
    found = [step for step in steps(at) if pyotp.utils.strings_equal(totp.generate_otp(step), code)]
    return found[0] if found else None


def uri(secret: str, name: str) -> str:
    """The seed with its name, as a QR code holds it (the Key URI format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def qr_svg(text: str) -> str:
    """A text as a QR code: an SVG element, for showing in a page."""
    import segno  # seldom needed

    image = io.BytesIO()
    segno.make(text, micro=False).save(image, kind="svg", xmldecl=False, scale=DOT, nl=False)
    return image.getvalue().decode()
