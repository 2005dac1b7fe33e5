"""Libraries that only one storage needs are imported when that is used."""

from importlib import import_module
from typing import Any


def import_extra(module: str, extra: str, user: str) -> Any:
    """Import a library of an extra.

    Args:
        module: What to import.
        extra: The extra that brings it.
        user: What needs it, for the message.

    Returns:
        The module.

    Raises:
        ImportError: If it is not installed. The message names the extra.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ImportError(
            f"{user} needs {error.name}: install zustax[{extra}]", name=error.name
        ) from None
