"""What is public is listed, is called by its public name, and is documented."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest
import zustax.store
import zustax.transport

PACKAGES = {package.__name__: package for package in (zustax.store, zustax.transport)}


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


MODULES = {
    module.__name__: module for package in PACKAGES.values() for module in modules_of(package)
}

#: The modules from which names are meant to be imported.
PUBLIC_MODULES = {name: module for name, module in MODULES.items() if hasattr(module, "__all__")}

every_package = pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES)
every_module = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
every_public_module = pytest.mark.parametrize("module", PUBLIC_MODULES.values(), ids=PUBLIC_MODULES)


def public_values(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__}


def has_a_name(value: object) -> bool:
    """Whether it is a class or a function, which know what they are called."""
    return isinstance(value, (type, FunctionType))


def public_classes(module: ModuleType) -> Iterator[type]:
    return (value for value in public_values(module).values() if isinstance(value, type))


def own_functions(cls: type) -> dict[str, Any]:
    """The methods and properties of ``cls`` that are written here, under public names."""
    members = {name: value for name, value in inspect.getmembers(cls) if not name.startswith("_")}
    functions = {
        name: value.fget if isinstance(value, property) else inspect.unwrap(value)
        for name, value in members.items()
        if isinstance(value, property) or inspect.isroutine(value)
    }
    return {
        name: members[name]
        for name, function in functions.items()
        if str(getattr(function, "__module__", "")).startswith("zustax.")
    }


# --- the lists of names ---


@every_public_module
def test_a_list_of_names_names_each_once_and_only_what_is_there(module: ModuleType) -> None:
    assert len(module.__all__) == len(set(module.__all__))
    assert all(hasattr(module, name) for name in module.__all__)


@every_package
def test_a_package_has_no_public_name_that_is_not_listed(package: ModuleType) -> None:
    found = {
        name
        for name in dir(package)
        if not name.startswith("_") and not isinstance(getattr(package, name), ModuleType)
    }
    assert found == set(package.__all__)


@every_public_module
def test_every_name_is_importable_from_its_package(module: ModuleType) -> None:
    if module.__name__ == "zustax.transport.testing":
        pytest.skip("it is for tests alone")
    if ".textual" in module.__name__:
        pytest.skip("it needs an extra")
    package = next(value for name, value in PACKAGES.items() if module.__name__.startswith(name))
    assert set(module.__all__) <= set(package.__all__)


@every_public_module
def test_what_is_listed_is_called_by_the_name_under_which_it_is_imported(
    module: ModuleType,
) -> None:
    for name, value in public_values(module).items():
        if has_a_name(value):
            home = PUBLIC_MODULES.get(value.__module__)
            assert getattr(home, name, None) is value, f"{name} says {value.__module__}"


@every_package
def test_what_a_package_lists_says_that_it_comes_from_there(package: ModuleType) -> None:
    strangers = {
        name: value.__module__
        for name, value in public_values(package).items()
        if has_a_name(value) and value.__module__ != package.__name__
    }
    assert strangers == {}


@every_package
def test_a_package_states_the_version_that_is_installed(package: ModuleType) -> None:
    assert package.__version__ == importlib.metadata.version("zustax")


@every_package
def test_a_name_that_is_not_there_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nam'"):
        _ = package.nam


# --- documentation ---


@every_module
def test_a_module_says_what_it_is_for(module: ModuleType) -> None:
    assert module.__doc__


@every_public_module
def test_what_is_listed_is_documented(module: ModuleType) -> None:
    undocumented = [
        name
        for name, value in public_values(module).items()
        if has_a_name(value) and not value.__doc__
    ]
    assert undocumented == []


@every_public_module
def test_methods_and_properties_of_public_classes_are_documented(module: ModuleType) -> None:
    undocumented = [
        f"{cls.__name__}.{name}"
        for cls in public_classes(module)
        for name, member in own_functions(cls).items()
        if not inspect.getdoc(member)
    ]
    assert undocumented == []


def test_methods_and_properties_are_found_in_all_their_forms() -> None:
    found = own_functions(zustax.transport.Instance)
    assert {"get", "aclose", "interceptors", "create"} <= set(found)


# --- what an import brings along ---

#: Nothing of this is needed to import a package, and most of it may not be installed.
NOT_IMPORTED = {
    "zustax.store": {"zustax.transport", "httpx", "blinker", "filelock", "keyring", "redis"},
    "zustax.transport": {"zustax.store", "aiohttp", "httpx2", "zustax.transport.testing"},
}


@pytest.mark.parametrize(("package", "unwanted"), NOT_IMPORTED.items(), ids=NOT_IMPORTED)
def test_a_package_imports_neither_the_other_nor_an_extra(package: str, unwanted: set[str]) -> None:
    program = f"import sys, {package}; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout.split()
    assert package in imported
    assert unwanted & set(imported) == set()
