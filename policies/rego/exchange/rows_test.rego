package exchange.rows_test

import data.exchange.rows

resource := {"items": {"region": {}, "status": {}}}

caller(members) := {"caller": object.union({"region": "330106", "department": "housing"}, members)}

test_a_value_is_bound_from_the_caller if {
	bound := rows.conditions(resource, [{"item": "region", "op": "prefix", "value": "$caller.region"}]) with input as caller({})
	bound == [{"item": "region", "op": "prefix", "value": "330106"}]
}

test_a_value_without_variable_stands if {
	row := {"item": "status", "op": "in", "value": ["valid", "expired"]}
	rows.conditions(resource, [row]) == [row] with input as caller({})
}

test_no_condition_is_ever_dropped if {
	good := {"item": "status", "op": "eq", "value": "valid"}
	every bad in [
		{"item": "region", "op": "prefix", "value": "$caller.shoe_size"},
		{"item": "colour", "op": "eq", "value": "red"},
		{"item": "status", "op": "like", "value": "v%"},
	] {
		wanted := [good, bad]
		not computed(wanted) with input as caller({})
	}
}

test_an_empty_region_binds_nothing if {
	wanted := [{"item": "region", "op": "prefix", "value": "$caller.region"}]
	not computed(wanted) with input as caller({"region": ""})
}

computed(wanted) if rows.conditions(resource, wanted)
