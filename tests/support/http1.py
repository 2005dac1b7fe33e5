"""Requests and answers as the server of the tests has them."""

from zustax.transport.testing import Answer
from zustax.transport.testing import SeenRequest as Seen

__all__ = ["Answer", "Seen"]
