# METADATA
# title: Row filters
# description: >-
#   Conditions are {item, op, value} and all must hold. A value that starts with `$` is bound from the
#   call, so that one grant serves every district; one that cannot be bound makes the filter undefined.
# scope: package
package exchange.rows

operators := {"eq", "ne", "in", "prefix", "lt", "le", "gt", "ge", "between"}

# Undefined unless every condition can be computed: a condition is never dropped.
conditions(resource, wanted) := bound if {
	bound := [{"item": row.item, "op": row.op, "value": value} |
		some row in wanted
		row.op in operators
		is_object(resource.items[row.item])
		value := bind(row.value)
	]
	count(bound) == count(wanted)
}

bind("$caller.region") := input.caller.region if input.caller.region != ""

bind("$caller.department") := input.caller.department if input.caller.department != ""

bind(value) := value if not refers(value)

refers(value) if {
	is_string(value)
	startswith(value, "$")
}

# Inside a list nothing is bound, so a reference there cannot be computed.
refers(value) if {
	is_array(value)
	some element in value
	is_string(element)
	startswith(element, "$")
}
