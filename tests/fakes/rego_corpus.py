"""Small policies around what is easy to get wrong, each of them answering under `data.t.p`."""

TRAPS: dict[str, str] = {
    "what follows an every that waits ends its own round": (
        "p contains x if {\n\tsome x in [1]\n\tsome z in [2, 3, 2, 1]\n"
        "\tevery y in [5] { y > w }\n\tz != 2\n\tw = z + 1\n}"
    ),
    "a small function negated in a loop": (
        "p contains x if {\n\tsome x in input.xs\n"
        "\tnot f(x)\n}\nf(x) if x < 2"
    ),
    "a small function of alternatives": "p := [f(x) | some x in input.xs]\nf(x) := 1 if x < 2 else := x",
    "a small function without a value": "p := [f(x) | some x in input.xs]\nf(x) := x if x > 1",
    "a small function of several values": "p := f(input.xs)\nf(xs) := x if some x in xs",
    "sets under keys": "p[k] contains x if {\n\tsome x in input.xs\n\tsome k in [x, `a`, true]\n}",
    "a set that equals a written one": "p if {1, 2} == {x | some x in input.xs}",
    "a set that equals none": "p if {x | some x in input.xs} == set()",
    "a truth is no number beside ==": (
        "p := [input.b == 1, input.zero == false, input.n == 2, input.nil == null]"
    ),
    "the difference and the union of sets": (
        "p := [{x | some x in input.xs} - {1}, {x | some x in input.xs} | {`a`}]"
    ),
    "a missing operand of in is hoisted out of not": 'p if not input.user in {"bob"}',
    "a bare reference stays inside not": "p if not input.user",
    "a reference beside == stays inside not": 'p if not input.user == "bob"',
    "a reference beside != is hoisted out of not": 'p if not input.user != "bob"',
    "a reference beside < is hoisted out of not": "p if not input.n < 3",
    "a nested call is hoisted out of not": "p if not object.get(input.o, `k`, 0) >= 3",
    "an index is hoisted out of not": "p if not data.table[input.user]",
    "a rule's name stays inside not": "p if not h\nh := input.n if input.b",
    "a rule's name beside == stays inside not": "p if not h == 3\nh := input.n if input.b",
    "a rule's name beside < is hoisted out of not": "p if not h < 3\nh := input.n if input.b",
    "a rule's name beside != is hoisted out of not": "p if not h != 3\nh := input.n if input.b",
    "a rule's name before in is hoisted out of not": "p if not h in {1}\nh := input.n if input.b",
    "a rule's name is given to a function in not": "p if not f(h)\nf(x) if x == 1\nh := input.n if input.b",
    "a helper is called inside not": "p if not ok\nok if input.n > 3",
    "a function is called inside not": "p if not ok(input.n)\nok(x) if x > 3",
    "an argument of a function is hoisted out of not": "p if not ok(input.o.k)\nok(x) if x == 3",
    "a composite is hoisted out of not": "p if not [input.user] == [`bob`]",
    "true is not one": "p := [input.b == 1, input.b == true, 1 == input.n, {1, true, 1}]",
    "true is no key of one": "p := {1: `n`, true: `b`}[input.b]",
    "sets keep types apart": "p := count({input.b, 1, `1`, null, 0, false})",
    "a partial set is never undefined": "p := q\nq contains x if some x in input.missing",
    "a partial object is never undefined": "p := q\nq[x] := 1 if some x in input.missing",
    "else goes on when a value is undefined": (
        "p := input.user if {\n\tinput.b\n} else := input.n if {\n\tinput.n\n} else := 7"
    ),
    "two values of a complete rule": "p := x if some x in input.xs",
    "two rules of one value": "p := 1 if input.b\np := 1 if input.n",
    "two rules of two values": "p := 1 if input.b\np := 2 if input.n",
    "two values under one key": "p[k] := v if some k, v in input.xs\np[0] := 9 if input.b",
    "with replaces the input": "p := x if x := q with input as {`n`: 4}\nq := input.n",
    "with replaces a part of the input": "p := x if x := [input.user, input.n] with input.n as 4",
    "with replaces a rule": "p := x if x := r with data.t.q as 5\nq := 1\nr := q + 1",
    "with replaces data": "p := x if x := data.table with data.table.x as 5",
    "with replaces a function": "p := x if x := r with f as 5\nf(x) := x\nr := f(1) + 1",
    "with replaces a built-in": "p := x if x := r with count as 5\nr := count([1])",
    "every over nothing": "p if every x in input.none { x > 3 }",
    "every over an empty list": "p if every x in [] { x > 3 }",
    "every over a list": "p if every x in input.xs { x > 0 }",
    "every with keys": "p if every k, v in input.xs { k <= v }",
    "some with keys": "p := [[k, v] | some k, v in input.o]",
    "some over a set": "p := [[k, v] | some k, v in {3, 1, `a`, null}]",
    "members in the order of Rego": "p := [x | some x in {`b`, 2, [1], {}, null, true, `a`, 10}]",
    "keys in the order of Rego": "p := [k | some k, _ in {`b`: 1, 2: 1, [1]: 1, null: 1, true: 1}]",
    "a join by a variable": "p contains i if input.xs[i] == data.list[_]",
    "a variable bound twice": "p contains x if {\n\tx = input.xs[_]\n\tx = data.list[_]\n}",
    "bodies are reordered": "p := y if {\n\ty = x + 1\n\tx = input.n\n}",
    "arrays unify": "p := [x, y] if [x, 2, y] = [1, input.n, 3]",
    "objects unify": "p := x if {`k`: x} = input.o",
    "nested patterns unify": "p := [x, y] if [x, {`a`: y}] := [input.n, {`a`: 4}]",
    "a rule's head with keys": "p := q\nq.a.b := 1\nq.c[x] := y if some x, y in input.o",
    "sets below keys": "p := q\nq[x] contains y if {\n\tsome x in input.xs\n\tsome y in input.xs\n}",
    "a package as a document": "p := data.t.q\nq := {`a`: input.n}",
    "a computed name in a package": "p := data.other[input.user]",
    "numbers beyond a float": "p := [9007199254740993, 9007199254740993 + input.n]",
    "decimals are exact": "p := [0.1 + 0.2, 0.1 + 0.2 == 0.3, 1 / 3, 10 / 4, 3 * 0.1]",
    "remainders": "p := [7 % 3, -7 % 3, 7 % -3]",
    "a division by zero": "p := 1 / input.zero",
    "an error inside not": "p if not 1 / input.zero == 1",
    "an error inside a helper inside not": "p if not q\nq if 1 / input.zero == 1",
    "a wrong type": "p := count(input.n)",
    "an error inside a comprehension": "p := [y | some x in input.xs; y := 1 / (x - 1)]",
    "rounding": "p := [round(2.5), round(-2.5), ceil(1.2), floor(-1.2), abs(-3)]",
    "formats": "p := sprintf(`%v %d %v %5v`, [input.user, count(`ab`), input.o, {1, 2}])",
    "texts": "p := [upper(input.user), split(`a,b`, `,`), trim_space(` x `), indexof(`abc`, `c`)]",
    "text built-ins": "p := [substring(input.user, 0, 2), replace(input.user, `b`, `x`)]",
    "regular expressions": "p := regex.match(`^[a-z]{2,3}$`, input.user)",
    "replaced matches": "p := regex.replace(`abcabc`, `(b)(c)?`, `<$2$1>`)",
    "split by a pattern": "p := regex.split(`,+`, `,a,,b,`)",
    "objects joined": "p := object.union(input.o, {`k`: {`x`: 1}, `z`: 2})",
    "objects filtered": "p := [object.remove(input.o, {`k`}), object.filter(input.o, [`k`])]",
    "object.get by a path": "p := object.get(input, [`o`, `k`], `none`)",
    "patches": "p := json.patch(input, [{`op`: `add`, `path`: `/o/y`, `value`: [1]}])",
    "a patch that fails": "p := json.patch(input, [{`op`: `remove`, `path`: `/nothing`}])",
    "walks": "p := [path | walk(input.o, [path, 3])]",
    "sets calculate": "p := [({1, 2} | {3}), {1, 2} & {2}, {1, 2} - {2}]",
    "largest and smallest": "p := [max(input.xs), min({`b`, 1}), sort([`b`, 1, null, true])]",
    "sums": "p := [sum(input.xs), product(input.xs), count(input.xs)]",
    "a default": "default p := 3\np := 4 if input.b",
    "a default of a function": "p := f(input.n)\ndefault f(_) := 3\nf(x) := x if x > 3",
    "a function by patterns": "p := f(input.n, `a`)\nf(2, x) := x\nf(y, `b`) := y",
    "a function with two values": "p := f(input.n)\nf(x) := 1 if x > 0\nf(x) := 2 if x > 1",
    "membership of keys": "p := [`k`, 3] in [[k, v] | some k, v in input.o]",
    "key and value in": 'p := ("k", 3 in input.o)',
    "is of a type": "p := [is_number(input.n), is_string(input.n), type_name(input.o)]",
    "null is a value": "p := [input.nil, input.nil == null]",
    "a function of null in not": "p if not input.nil",
    "a false is no truth": "p if input.no",
    "a template": 'p := $"{input.user} has {input.n} of {input.none}"',
    "numbers as texts": "p := [to_number(`1.5`), to_number(`10`), format_int(10, 16)]",
    "ranges": "p := numbers.range(input.n, 5)",
    "JSON": 'p := [json.marshal(input.o), json.unmarshal(`{"a": [1, null]}`)]',
    "subsets": "p := [object.subset(input.o, {`k`: 3}), object.subset([1, 2, 3], [2, 3])]",
    "slices": "p := [array.slice(input.xs, 1, 5), array.concat(input.xs, [1]), array.reverse([1, 2])]",
    "intersections": "p := [intersection({{1, 2}, {2}}), union({{1}, {2}})]",
    "a variable used before it is declared": "p := y if {\n\ty := x + 1\n\tx := input.n\n}",
    "a variable declared twice": "p := x if {\n\tx := 1\n\tx := input.n\n}",
    "a variable of its own value": "p := x if x := x + 1",
    "a number is a key's text in data": "p := data.table[1]",
    "a rule beside a call in the head": (
        "default p := 7\n\np := [h, input.user & {1, true}] if true\n\nh if input.no"
    ),
    "a rule beside a call in the body": (
        "default p := 7\n\np := x if x := {h: sum(input.user)}\n\nh if input.no"
    ),
    "a rule beside a call in a head's call": (
        "default p := 7\n\np := f(h, sum(input.user)) if true\n\nh if input.no\n\nf(x, _) := x"
    ),
    "a rule beside a call in a comprehension": (
        "p := count([[h, sum(input.user)] | some _ in [1]])\n\nh if input.no"
    ),
    "a rule beside a call in a template": 'p := $"{[h, sum(input.user)]}"\n\nh if input.no',
    "a rule beside a call in a replacement": (
        "p if 1 with input.z as [h, sum(input.user)]\n\nh if input.no"
    ),
    "a rule compared with a call": (
        "default p := 7\n\np := 3 if h.x < sum(input.user)\n\nh := {`x`: 1} if input.no"
    ),
    "the input beside a call": (
        "default p := 7\n\np := [input.nothing, sum(input.user)] if true"
    ),
    "the input beside a call in a comprehension": (
        "p := count([x | x := [input.nothing, sum(input.user)]])"
    ),
    "a step by a rule beside a call": (
        "default p := 7\n\np := [input.xs[h], sum(input.user)] if true\n\nh := 0 if input.no"
    ),
    "a key beside a call": "p[h] := sum(input.user) if true\n\nh := `k` if input.no",
    "integers beyond 64 bits": (
        "p := [x * x, x * x + 1, 0 - x * x, floor(x * x), abs(0 - x * x), x * 2] if {\n"
        "\tx := input.n + 9007199254740993\n}"
    ),
    "an unknown document": "p := data.nothing.at.all",
    "a walk over data": "p contains [k, v] if some k, v in data.table",
}  # fmt: skip

OTHER = "package other\n\nbob := 1\n\nann contains input.n\n"
DATA = {"table": {"bob": True, "x": 1, "1": "one"}, "list": [1, 2, 3]}
INPUTS: tuple[object, ...] = (
    {},
    {
        "user": "bob",
        "n": 2,
        "b": True,
        "no": False,
        "nil": None,
        "xs": [1, 2],
        "o": {"k": 3},
        "zero": 0,
    },
    {
        "user": "ann",
        "n": 5,
        "b": 1,
        "no": True,
        "nil": 1,
        "xs": [2, 3, 1],
        "o": {"k": {"x": 3}},
        "zero": 1,
    },
    {"user": "bob", "b": False, "xs": [], "o": {}, "n": "2"},
    {"user": True, "n": None, "xs": {"a": 1}, "o": [1]},
    {"user": 1, "n": 2.5, "xs": "text", "o": None},
)


def module(rules: str) -> str:
    return f"package t\n\n{rules}\n"
