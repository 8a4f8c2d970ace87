package exchange.rows_test

import data.exchange.rows

resource := {"items": {"region": {}, "status": {}}}

caller(members) := {"caller": object.union({"region": "330106", "department": "housing"}, members)}

filter(conditions) := {"rows": conditions, "max_rows": 5}

test_a_value_is_bound_from_the_caller if {
	bound := rows.conditions(resource, filter([{"item": "region", "op": "prefix", "value": "$caller.region"}])) with input as caller({})
	bound == [{"item": "region", "op": "prefix", "value": "330106"}]
}

test_a_value_without_variable_stands if {
	row := {"item": "status", "op": "in", "value": ["valid", "expired"]}
	rows.conditions(resource, filter([row])) == [row] with input as caller({})
}

test_no_condition_is_ever_dropped if {
	good := {"item": "status", "op": "eq", "value": "valid"}
	every bad in [
		{"item": "region", "op": "prefix", "value": "$caller.shoe_size"},
		{"item": "colour", "op": "eq", "value": "red"},
		{"item": "status", "op": "like", "value": "v%"},
	] {
		grant := filter([good, bad])
		not computed(grant) with input as caller({})
	}
}

test_an_empty_region_binds_nothing if {
	grant := filter([{"item": "region", "op": "prefix", "value": "$caller.region"}])
	not computed(grant) with input as caller({"region": ""})
}

test_no_more_rows_than_asked_or_granted if {
	rows.limit({"limit": 3}, filter([])) == 3
	rows.limit({"limit": 30}, filter([])) == 5
}

computed(grant) if rows.conditions(resource, grant)
