"""The server of the tests: that of the public test kit, under the paths that it has by default."""

from zustax.transport.testing import USERS, Endpoints
from zustax.transport.testing import MisbehavingServer as AuthServer

__all__ = ["LOGIN", "REFRESH", "USERS", "AuthServer"]

LOGIN = Endpoints().login
REFRESH = Endpoints().refresh
