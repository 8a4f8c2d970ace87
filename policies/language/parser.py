"""Reads a Rego v1 module or query into its syntax tree."""

from functools import lru_cache

from policies.language.ast import (
    Assign,
    Body,
    Branch,
    Call,
    Comprehension,
    Declare,
    Each,
    Every,
    Expression,
    Import,
    Literal,
    Module,
    Place,
    Ref,
    Rule,
    Scalar,
    Term,
    Unify,
    Var,
    With,
)
from policies.language.errors import SyntaxLoadError, UnsupportedError, at
from policies.language.lexer import Lexer, Token
from policies.language.terms import TermParser


@lru_cache(maxsize=64)
def parse_module(name: str, source: str) -> Module:
    """Return the module's tree, or raise LoadError with file, line and column.

    Linter, compiler and explanation read the same modules: a tree cannot be changed, and is read once.
    """
    parser = Parser(Lexer(name, source).tokens())
    try:
        return parser.module(name)
    except RecursionError as error:
        raise SyntaxLoadError(at(Place(name, 1, 1), "nested too deeply")) from error


def parse_query(text: str) -> Body:
    """Return the literals of a query, as they would stand in a rule's body."""
    return Parser(Lexer("query", text).tokens()).query()


# No author can write this name.
_INTERPOLATED = "%interpolated"


class Parser(TermParser):
    """Modules, rules and literals; terms are read by TermParser."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        super().__init__(tokens)

    def module(self, name: str) -> Module:
        place = self.here.place
        self.need("package")
        package = self._name_path()
        imports: list[Import] = []
        rules: list[Rule] = []
        while self.here.kind != "end":
            if self.sees("import") and not self.next_is_reference():
                imports.append(self._import())
            else:
                rules.append(self._rule())
            self._end_of_line()
        return Module(name, package, tuple(imports), tuple(rules), place)

    def query(self) -> Body:
        found: list[Literal] = []
        while self.here.kind != "end":
            found.append(self._literal())
            while self.take(";"):
                pass
        return tuple(found)

    def _end_of_line(self) -> None:
        self.take(";")
        if not self.here.after_newline:
            self.refuse("a new line")

    def _import(self) -> Import:
        place = self.here.place
        self.need("import")
        path = self._name_path()
        alias = self.name() if self.take("as") else path[-1]
        if path[0] == "rego" and path != ("rego", "v1"):
            raise UnsupportedError(at(place, f"import of {'.'.join(path)} is not offered"))
        if path[0] not in {"data", "input", "rego", "future"}:
            raise SyntaxLoadError(at(place, "an import begins with data, input, rego or future"))
        return Import(path, alias, place)

    def _name_path(self) -> tuple[str, ...]:
        found = [self.name()]
        while not self.here.after_space and self.sees(".", "["):
            if self.take("."):
                found.append(self.name())
                continue
            self.need("[")
            if self.here.kind != "string":
                self.refuse("a string")
            found.append(self.next().text)
            self.need("]")
        return tuple(found)

    def _rule(self) -> Rule:
        place = self.here.place
        default = not self.next_is_reference() and self.take("default")
        head = self.reference()
        arguments: tuple[Term, ...] | None = None
        if isinstance(head, Call):
            arguments, head = head.arguments, head.operator
        element, value, body = self._head_and_body(place)
        path = self._rule_path(head)
        if value is None:
            if element is None and not body:
                self.refuse("`:=`, `contains` or `if`")
            value = Scalar(value=True, place=place)
        if default and (body or element is not None):
            raise SyntaxLoadError(at(place, "a default rule is a name and a value, without a body"))
        if element is not None and arguments is not None:
            raise SyntaxLoadError(at(place, "a function cannot contain elements"))
        branches = [Branch(value, body, place)]
        while self.sees("else") and not self.next_is_reference():
            if element is not None or default:
                self.refuse("no `else` after this rule")
            branches.append(self._else())
        return Rule(path, arguments, element, tuple(branches), default, place)

    def _head_and_body(self, place: Place) -> tuple[Term | None, Term | None, Body]:
        element = value = None
        if self.take("contains"):
            element = self.term()
        elif self.take(":=") or self.take("="):
            value = self.term()
        body: Body = ()
        if not self.begins_reference() and self.take("if"):
            body = self._braced_or_single()
        elif self.sees("{") and not self.here.after_newline:
            raise SyntaxLoadError(at(place, "a body follows `if` in Rego v1"))
        return element, value, body

    def _rule_path(self, head: Term) -> tuple[Term, ...]:
        if isinstance(head, Var):
            return (Scalar(head.name, head.place),)
        if isinstance(head, Ref) and isinstance(head.head, Var):
            return (Scalar(head.head.name, head.place), *head.path)
        raise SyntaxLoadError(at(head.place, "a rule begins with a name"))

    def _else(self) -> Branch:
        place = self.here.place
        self.need("else")
        value: Term = Scalar(value=True, place=place)
        valued = self.take(":=") or self.take("=")
        if valued:
            value = self.term()
        body: Body = ()
        if not self.begins_reference() and self.take("if"):
            body = self._braced_or_single()
        elif not valued:
            self.refuse("`:=` or `if`")
        return Branch(value, body, place)

    def _braced_or_single(self) -> Body:
        if self.sees("{"):
            start = self.position
            self.position += 1
            if self.sees("}"):
                self.refuse("an expression")
            self.position = start
            try:
                return self._braced()
            except SyntaxLoadError:
                # A brace after `if` may also open an object, a set or a comprehension.
                refused = self.position
                self.position = start
                try:
                    return (self._literal(),)
                except SyntaxLoadError:
                    if self.position > refused:
                        raise
                    self.position = start
                    return self._braced()
        return (self._literal(),)

    def _braced(self) -> Body:
        self.need("{")
        body = self.body("}")
        self.need("}")
        return body

    def body(self, closing: str) -> Body:
        found: list[Literal] = []
        while not self.sees(closing):
            if self.take(";"):
                continue
            found.append(self._literal())
            if not (self.sees(closing, ";") or self.here.after_newline):
                self.refuse(f"`;`, a new line or `{closing}`")
        if not found:
            self.refuse("an expression")
        return tuple(found)

    def _literal(self) -> Literal:
        place = self.here.place
        negated = False
        expression: Expression
        reference = self.here.kind == "keyword" and self.next_is_reference()
        if not reference and self.take("some"):
            expression = self._some(place)
        elif not reference and self.sees("every"):
            expression = self._every()
        else:
            negated = not reference and self.take("not")
            expression = self._expression()
        return Literal(expression, negated, self._withs(), place)

    def _some(self, place: Place) -> Expression:
        terms = [self.relation()]
        while self.take(","):
            terms.append(self.relation())
        if self.take("in"):
            if len(terms) > 2:
                self.refuse("at most a key and a value before `in`")
            return Each(terms[0] if len(terms) == 2 else None, terms[-1], self.term(), place)
        names: list[str] = []
        for term in terms:
            if not isinstance(term, Var):
                raise SyntaxLoadError(at(term.place, "`some` declares names"))
            names.append(term.name)
        return Declare(tuple(names), place)

    def _every(self) -> Every:
        place = self.here.place
        self.need("every")
        first = self.variable().name
        second = self.variable().name if self.take(",") else None
        self.need("in")
        domain = self.term()
        body = self._braced()
        if second is None:
            return Every(None, first, domain, body, place)
        return Every(first, second, domain, body, place)

    def _expression(self) -> Expression:
        place = self.here.place
        left = self.pair_term()
        if self.take(":="):
            return Assign(left, self.pair_term(), place)
        if self.take("="):
            return Unify(left, self.pair_term(), place)
        return left

    def _withs(self) -> tuple[With, ...]:
        withs: list[With] = []
        while self.sees("with") and not self.begins_reference():
            withs.append(self._with())
        return tuple(withs)

    def interpolated(self) -> Term:
        place = self.here.place
        term = self.term()
        withs = self._withs()
        if not withs:
            return term
        # `{a with input as b}` is the first of all values that `a` has under the replacement.
        value = Var(_INTERPOLATED, place)
        body = (Literal(Assign(value, term, place), negated=False, withs=withs, place=place),)
        return Ref(Comprehension("array", None, value, body, place), (Scalar(0, place),), place)

    def _with(self) -> With:
        place = self.here.place
        self.need("with")
        target = self.reference()
        if not isinstance(target, Var | Ref):
            raise SyntaxLoadError(at(place, "`with` replaces a document or a function by its name"))
        self.need("as")
        return With(target, self.term(), place)
