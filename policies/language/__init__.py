"""Rego v1, compiled to Python: parse, compile, evaluate; whatever is not offered is refused at load."""

from policies.language.parser import parse_module
from policies.language.program import Program, RuleName, compile_modules
from policies.language.runtime import Budget
from policies.language.values import UNDEFINED

__all__ = ["UNDEFINED", "Budget", "Program", "RuleName", "compile_modules", "parse_module"]
