"""From the name of an item to the name of its file."""

import re

#: Bytes that a name may have: with what is added for a temporary file it stays below 255.
_LONGEST = 180

#: What a file name cannot have everywhere, and the character that it is escaped with: control
#: characters, some others, and a dot or a space at the end.
_ESCAPED = re.compile(r'[\x01-\x1f\x7f<>:"|?*%]|(?<!\A)\.\Z| \Z')

#: What Windows takes for a device, whatever follows behind a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\.|\Z)", re.IGNORECASE)


def file_name(name: str) -> str:
    """Make the name of a file in the directory of a storage.

    It is the name itself, but for what some system does not take: control characters, `<>:"|?*`, a
    dot or a space at the end, the first letter of a device of Windows (`con`, `nul.txt`). That, and
    `%`, is percent-encoded.

    Args:
        name: The name of the item.

    Returns:
        The name of its file, which does not begin with a dot.

    Raises:
        TypeError: If the name is no str.
        ValueError: If the name is empty or too long, begins with a dot, or contains a slash, a
            backslash, or what a file name cannot hold. So none leaves the directory.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of an item must be a str, not {type(name).__name__}")
    escaped = _ESCAPED.sub(lambda match: _encoded(match[0]), name)
    if _DEVICE.match(escaped):
        escaped = _encoded(escaped[0]) + escaped[1:]
    problem = _problem(escaped)
    if problem:
        shown = repr(name) if len(name) <= 40 else f"{name[:40]!r}... ({len(name)} characters)"
        raise ValueError(f"{shown} cannot be the name of a stored item: it {problem}")
    return escaped


def _encoded(character: str) -> str:
    return f"%{ord(character):02X}"


def _problem(name: str) -> str | None:
    if not name:
        return "is empty"
    if "\0" in name:
        return "contains NUL"
    if "/" in name or "\\" in name:
        return "contains a slash or a backslash, which could lead out of the directory"
    if name.startswith("."):
        return "begins with a dot"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "contains half of a surrogate pair"
    return f"has {size} bytes, and at most {_LONGEST} fit" if size > _LONGEST else None
