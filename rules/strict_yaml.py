"""
YAML without its traps, for files that people write.

Repeated keys are refused; only true and false are booleans, so that `no` stays a word; a number keeps its digits;
nothing becomes a date.
"""

import re
from decimal import Decimal
from typing import Any

import yaml

__all__ = ["StrictLoader"]


class StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # which one, is found at run time
    """For yaml.load; what it refuses is a YAMLError with the line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, ArithmeticError):
            what = "something is not what its mark (!…) says"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is not a word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} stands twice", key.start_mark)
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


StrictLoader.yaml_implicit_resolvers = {}
for _first in "tf":
    StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), [_first])
StrictLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(null|~|)$"), ["n", "~", ""])
StrictLoader.add_implicit_resolver("!number", re.compile(r"^-?\d+(\.\d+)?$"), list("-0123456789"))


def _number(loader: Any, node: yaml.ScalarNode) -> int | Decimal:
    text: str = loader.construct_scalar(node)
    return Decimal(text) if "." in text else int(text)


StrictLoader.add_constructor("!number", _number)
