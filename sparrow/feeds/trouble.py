"""Why a route server cannot be followed, in words for its operator.

Law: what is known to mean something is said so, with what would be right; all else stays
in the words of the library. Start from `explain_loss`.
"""

from __future__ import annotations

# What the library says -> what that means. The first that is found counts: a certificate
# that has expired may lack its issuer too, but is to be replaced first.
_MEANINGS = (
    ("certificate has expired", "its certificate has expired: give it a new one"),
    ("certificate is not yet valid", "its certificate is not valid yet: look at both clocks"),
    ("unable to get local issuer", "its certificate is of an issuer that tls.ca does not trust"),
    ("self signed certificate", "its certificate is signed by itself: give that as tls.ca"),
    ("self-signed certificate", "its certificate is signed by itself: give that as tls.ca"),
    (
        "Hostname Verification Check failed",
        "its certificate is for another name than gobgp has: use one that it is for",
    ),
    ("WRONG_VERSION_NUMBER", "there is no TLS there: start gobgpd with --tls, or leave tls out"),
    ("CERTIFICATE_REQUIRED", "it asks for our certificate: configure tls.cert and tls.key"),
    (
        "Failed to create security handshaker",
        "the files of tls cannot be used: each is PEM, and the key is that of the certificate",
    ),
    ("Connection refused", "nothing listens there: is gobgpd running, with that --api-hosts?"),
)
_CLOSED = ("Socket closed", "Connection reset by peer", "Stream removed")
"""What a server does with one that does not speak TLS, or shows no certificate."""


def explain_loss(words: str, *, is_encrypted: bool) -> str:
    """Say what the words of the library mean, for a connection with TLS or without."""
    for needle, meaning in _MEANINGS:
        if needle in words:
            return meaning
    if "failed to connect" not in words or not any(each in words for each in _CLOSED):
        return words
    missing = (
        "our certificate, configure tls.cert and tls.key" if is_encrypted else "TLS, configure tls"
    )
    return f"it closes new connections ({words}): where it wants {missing}"
