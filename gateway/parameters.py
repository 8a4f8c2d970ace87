"""The variables of a document as plain parameters: texts of a query string become values of their types.

Reads the declarations of the document alone. What a value has to be besides (an identifier, a member of an
enumeration) is looked at where every call's variables are.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from graphql import (
    DocumentNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeNode,
    VariableDefinitionNode,
)

from gateway.errors import RefusedDocumentError, RefusedRequestError
from gateway.limits import Limits
from gateway.parse import check_document

MOST_PARAMETERS = 64
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,9})")
_BOOLEANS: Mapping[str, bool] = {"true": True, "false": False}


def read_texts(query_string: bytes) -> dict[str, tuple[str, ...]]:
    """Read a query string: each name with all its texts, in order. Raises RefusedRequestError."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query_string),
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        # The cause would carry what was sent into a traceback.
        raise RefusedRequestError("BODY_INVALID", needed="a query of parameters") from None
    texts: dict[str, tuple[str, ...]] = {}
    for name, text in pairs:
        texts[name] = (*texts.get(name, ()), text)
    return texts


def typed(
    document: str, texts: Mapping[str, Sequence[str]], *, limits: Limits
) -> Mapping[str, Any]:
    """Return the variables that texts stand for, by the types that the document declares.

    A name that the document does not declare is refused: it may be a misspelt one that matters. Errors name
    variables, never values. Raises RefusedDocumentError.
    """
    declared = declarations(check_document(document, limits=limits))
    wrong = sorted(set(texts) - set(declared))
    values: dict[str, Any] = {}
    for name, definition in declared.items():
        if name not in texts:
            continue
        try:
            values[name] = _read(definition.type, texts[name])
        except ValueError:
            wrong.append(name)
    if wrong:
        raise RefusedDocumentError("VARIABLES_INVALID", variables=sorted(wrong))
    return values


def declarations(ast: DocumentNode) -> dict[str, VariableDefinitionNode]:
    """Return the variables that the one operation of a document declares, by name.

    Raises RefusedDocumentError where there is not exactly one operation.
    """
    operation = only_operation(ast)
    return {one.variable.name.value: one for one in operation.variable_definitions or ()}


def only_operation(ast: DocumentNode) -> OperationDefinitionNode:
    """Return the operation of a document that has one. Raises RefusedDocumentError."""
    found = [one for one in ast.definitions if isinstance(one, OperationDefinitionNode)]
    if len(found) != 1:
        raise RefusedDocumentError("OPERATION_UNKNOWN", found=len(found), needed=1)
    return found[0]


def _read(type_: TypeNode, texts: Sequence[str]) -> Any:
    if isinstance(type_, NonNullTypeNode):
        return _read(type_.type, texts)
    if isinstance(type_, ListTypeNode):
        return [_read(type_.type, (text,)) for text in texts]
    if len(texts) != 1 or not isinstance(type_, NamedTypeNode):
        raise ValueError("said more than once")
    return _scalar(type_.name.value, texts[0])


def _scalar(type_name: str, text: str) -> Any:
    match type_name:
        case "Int":
            if not _INTEGER.fullmatch(text):
                raise ValueError("no integer")
            return int(text)
        case "Boolean":
            if text not in _BOOLEANS:
                raise ValueError("neither true nor false")
            return _BOOLEANS[text]
        case _:
            return text
