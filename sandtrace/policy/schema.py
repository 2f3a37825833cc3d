# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON Schema of a policy, made from the grammar: for completion and checks in an editor.

``policies/policy.schema.json`` holds it; a test says when it is stale. Made anew by
``python -m sandtrace.policy.schema``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sandtrace.operations import OPERATIONS
from sandtrace.policy.grammar import (
    ACTIONS,
    ARGUMENT_KEYS,
    ENTRY,
    ENV,
    LIMITS,
    SECTION,
    SYSCALL_TABLE,
    TABLE,
    TEST,
    TOP,
    VERSION,
    Key,
)
from sandtrace.policy.reading import ERRNOS
from sandtrace.policy.settings import ABIS, CAPABILITIES

_TARGETS = {
    "read": "A path, absolute or from where the command starts: `/usr`, `~/.ssh`, `**/*.pem`.",
    "connect": "An address: `loopback:8080`, `10.0.0.0/8:443`, `host.example:443`, `unix:/run/x`.",
    "signal": "`sandbox` or `outside`.",
    "syscall": "A name, a group as `@mount`, a glob as `io_uring_*`.",
}
_TARGETS |= dict.fromkeys(("write", "stat", "exec"), _TARGETS["read"])
_TARGETS |= {"bind": _TARGETS["connect"], "inspect": _TARGETS["signal"]}

_STRING = {"type": "string", "minLength": 1}
_KINDS: dict[str, dict[str, Any]] = {
    "version": {"const": VERSION},
    "string": _STRING,
    "strings": {"type": "array", "items": _STRING},
    "targets": {"type": "array", "items": _STRING},
    "action": {"enum": list(ACTIONS)},
    "errno": {"$ref": "#/definitions/errno"},
    "boolean": {"type": "boolean"},
    "vars": {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
        "additionalProperties": {"type": "string"},
    },
    "env-values": {"type": "object", "additionalProperties": {"type": "string"}},
    "test-args": {
        "type": "object",
        "propertyNames": {"pattern": "^arg[0-5]$"},
        "additionalProperties": {"type": ["integer", "string"]},
    },
    "argument": {"type": ["integer", "string"]},
    "duration": {
        "oneOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"},
        ]
    },
    "count": {"type": "integer", "minimum": 1},
    "size": {
        "oneOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": r"^\d+(\.\d+)?\s*([kKMGT]i?B|B)?$"},
        ]
    },
    "abi": {"type": "array", "items": {"enum": list(ABIS)}, "minItems": 1},
    "capabilities": {"type": "array", "items": {"enum": list(CAPABILITIES)}},
}
_REQUIRED = {"policy": ["version"], "entry": ["target"], "section": ["exe"],
             "test": ["op", "target", "want"]}  # fmt: skip


def schema() -> dict[str, Any]:
    """The whole schema, draft 7, which Taplo reads."""
    definitions: dict[str, Any] = {
        "errno": {"enum": list(ERRNOS), "description": "What a denied call returns."}
    }
    for op in OPERATIONS:
        keys = (*ENTRY, *ARGUMENT_KEYS) if op == "syscall" else ENTRY
        entry = _object(keys, "entry", op)
        entry["properties"]["target"] = {**_STRING, "description": _TARGETS[op]}
        definitions[f"{op}-entry"] = {
            "description": _TARGETS[op],
            "anyOf": [{**_STRING, "description": _TARGETS[op]}, entry],
        }
        definitions[op] = _object(SYSCALL_TABLE if op == "syscall" else TABLE, "table", op)
    definitions["env"] = _object(ENV, "env", None)
    definitions["limits"] = _object(LIMITS, "limits", None)
    definitions["for"] = _object(SECTION, "section", None)
    test = _object(TEST, "test", None)
    test["properties"]["op"] = {"enum": list(OPERATIONS), "description": "The operation."}
    definitions["test"] = test
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "sandtrace policy",
        "description": "What a command and all its descendants may do.",
        **_object(TOP, "policy", None),
        "definitions": definitions,
    }


def _object(keys: tuple[Key, ...], what: str, op: str | None) -> dict[str, Any]:
    out: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _value(key, op) for key in keys},
    }
    if what in _REQUIRED:
        out["required"] = _REQUIRED[what]
    return out


def _value(key: Key, op: str | None) -> dict[str, Any]:
    if key.kind == "entries":
        items = {"$ref": f"#/definitions/{op}-entry"}
        return {"type": "array", "items": items, "description": key.doc}
    if key.kind == "table":
        return {"$ref": f"#/definitions/{key.name}"}
    if key.kind == "tables":
        items = {"$ref": f"#/definitions/{key.name}"}
        return {"type": "array", "items": items, "description": key.doc}
    value = _KINDS[key.kind]
    return value if "$ref" in value else {**value, "description": key.doc}


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
