# METADATA
# title: The question is closed
# description: >-
#   Every member of exchange.input/1 is there and of its kind, or nothing is decided: a fact that got
#   lost must never look like a fact that was never needed. Null stands only for no case, no subject
#   and a subject who is not known before it is read.
# scope: package
package exchange.question

complete if {
	input.schema == "exchange.input/1"
	is_string(input.channel)
	caller_complete(input.caller)
	usage_complete(input.usage)
	requests_complete
	catalogue_complete
	matters_complete
	grants_complete
	call_complete
}

# What differs from call to call stands by itself, so that the rest need not be looked at with it.
call_complete if {
	is_number(input.now)
	is_number(input.hour)
	is_string(input.network.zone)
	is_string(input.officer.digest)
	is_number(input.officer.authn_level)
	is_number(input.officer.clearance)
	case_complete(input.case)
	every request in input.requests {
		subject_complete(request.subject)
	}
	every grant in input.grants {
		is_number(grant.used_today)
	}
}

requests_complete if {
	is_array(input.requests)
	every request in input.requests {
		is_string(request.ref)
		is_string(request.resource)
		texts(request.items)
		texts(request.matched)
		compared_complete(request)
		is_number(request.limit)
	}

	# Two requests under one ref, or two grants under one id, would lend each other their facts.
	count({request.ref | some request in input.requests}) == count(input.requests)
}

# What filters or orders is compared, and says so: it needs *match* like any other compared item.
compared_complete(request) if {
	texts(request.filters)
	texts(request.orders)
	every name in request.filters {
		name in request.matched
	}
	every name in request.orders {
		name in request.matched
	}
}

catalogue_complete if {
	is_object(input.catalogue)
	every resource in input.catalogue {
		resource_complete(resource)
	}
}

matters_complete if {
	is_object(input.matters)
	every matter in input.matters {
		is_string(matter.department)
		is_string(matter.status)
		texts(matter.relations)
	}
}

grants_complete if {
	is_array(input.grants)
	grants_named
	grants_scoped
	grants_bounded
	count({grant.id | some grant in input.grants}) == count(input.grants)
}

caller_complete(caller) if {
	is_string(caller.department)
	is_string(caller.system)
	is_string(caller.region)
	is_string(caller.auth)
}

usage_complete(usage) if {
	is_string(usage.matter)
	is_string(usage.purpose)
	is_string(usage.operation)
	texts(usage.legal_basis)
}

case_complete(case) if is_null(case)

case_complete(case) if {
	is_string(case.state)
	is_string(case.matter)
	is_string(case.system)
	is_boolean(case.attested)
	is_number(case.parties)
}

subject_complete(subject) if is_null(subject)

subject_complete(subject) if {
	is_string(subject.type)
	is_string(subject.relation)
	texts(subject.consents)
	text_or_null(subject.digest)
}

resource_complete(resource) if {
	is_string(resource.owner)
	is_string(resource["class"])
	is_string(resource.status)
	is_number(resource.level)
	is_boolean(resource.personal)
	is_string(resource.consent)
	texts(resource.no_share_basis)
	texts(resource.purposes)
	is_object(resource.items)
	every item in resource.items {
		is_string(item["class"])
		is_number(item.level)
		is_string(item.mask)
		is_boolean(item.match)
	}
}

grants_named if {
	every grant in input.grants {
		is_string(grant.id)
		is_string(grant.resource)
		is_string(grant.department)
		is_string(grant.status)
		is_boolean(grant.attested)
	}
}

grants_scoped if {
	every grant in input.grants {
		texts(grant.systems)
		texts(grant.channels)
		texts(grant.matters)
		texts(grant.purposes)
		texts(grant.items)
		texts(grant.match)
		texts(grant.operations)
		masks_complete(grant.items, grant.masks)
	}
}

# A mask that got lost would look like an item without a mask: each granted item names its own.
masks_complete(items, masks) if {
	every item in items {
		is_string(masks[item])
	}
	every mask in masks {
		is_string(mask)
	}
}

grants_bounded if {
	every grant in input.grants {
		is_number(grant.max_rows)
		is_number(grant.not_before)
		is_number(grant.not_after)
		is_number(grant.daily_quota)
		rows_complete(grant.rows)
	}
}

rows_complete(rows) if {
	is_array(rows)
	every condition in rows {
		is_string(condition.item)
		is_string(condition.op)
		value_complete(condition.value)
	}
}

value_complete(value) if scalar(value)

value_complete(value) if {
	is_array(value)
	every element in value {
		scalar(element)
	}
}

scalar(value) if is_string(value)

scalar(value) if is_number(value)

scalar(value) if is_boolean(value)

text_or_null(value) if is_string(value)

text_or_null(value) if is_null(value)

texts(values) if {
	is_array(values)
	every value in values {
		is_string(value)
	}
}
