"""Which functions are written where they are called: small ones that read nothing but their arguments.

A call that is written out costs neither a call of Python nor an entry among what is known; what a
function reads of the input stays a function, so that it can be asked again by itself (`rechecking`).
"""

from policies.language.analysis import Analysed, Group, Part, Scope, constant_prefix
from policies.language.ast import Literal, Ref, Scalar, Var, descend

_MOST_NODES = 120
"""How large a function may be: what it costs is a part of the step that calls it."""


def first_decides(group: Group) -> bool:
    """Whether the first rule that holds decides: there is but one, or all give the same written value."""
    rules = [part.rule for part in group.parts if not part.rule.default]
    values = {
        (type(branch.value.value), branch.value.value)
        if isinstance(branch.value, Scalar)
        else object()
        for rule in rules
        for branch in rule.branches
    }
    return len(rules) <= 1 or len(values) == 1


def may_be_inlined(group: Group, analysed: Analysed) -> bool:
    """Whether the function's rules mean the same wherever they are written."""
    if group.arity is None or not first_decides(group):
        return False
    if sum(1 for part in group.parts for _ in descend(part.rule)) > _MOST_NODES:
        return False
    return all(_is_plain(part, analysed) for part in group.parts)


def _is_plain(part: Part, analysed: Analysed) -> bool:
    """Whether a rule has names for arguments, replaces nothing and reads neither input nor rules."""
    arguments = [one.name for one in part.rule.arguments or () if isinstance(one, Var)]
    if part.rule.default or len(set(arguments)) < len(part.rule.arguments or ()):
        return False
    for node in descend(part.rule):
        if isinstance(node, Literal) and node.withs:
            return False
        if isinstance(node, Ref) and isinstance(node.head, Var):
            if not _is_known(node.head, constant_prefix(node.path), part.scope, analysed):
                return False
        elif isinstance(node, Var) and not _is_known(node, (), part.scope, analysed):
            return False
    return True


def _is_known(head: Var, prefix: tuple[str, ...], scope: Scope, analysed: Analysed) -> bool:
    """Whether a name is a variable, a function, or data where no rule stands."""
    root = scope.path(head.name)
    if root is None:
        return True
    if root[0] == "input":
        return False
    node = analysed.tree
    for name in (*root[1:], *prefix):
        if node.group is not None:
            return node.group.arity is not None
        if name not in node.children:
            return True
        node = node.children[name]
    return node.group is not None and node.group.arity is not None
