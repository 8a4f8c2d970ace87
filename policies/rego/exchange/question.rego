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
	is_number(input.now)
	is_number(input.hour)
	is_string(input.channel)
	is_string(input.network.zone)
	caller_complete(input.caller)
	officer_complete(input.officer)
	usage_complete(input.usage)
	case_complete(input.case)
	requests_complete
	catalogue_complete
	matters_complete
	grants_complete
}

requests_complete if {
	is_array(input.requests)
	every request in input.requests {
		request_complete(request)
	}

	# Two requests under one ref, or two grants under one id, would lend each other their facts.
	count({request.ref | some request in input.requests}) == count(input.requests)
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
	every grant in input.grants {
		grant_named(grant)
		grant_scoped(grant)
		grant_bounded(grant)
		rows_complete(grant.rows)
	}
	count({grant.id | some grant in input.grants}) == count(input.grants)
}

caller_complete(caller) if {
	is_string(caller.department)
	is_string(caller.system)
	is_string(caller.region)
	is_string(caller.auth)
}

officer_complete(officer) if {
	is_string(officer.digest)
	is_number(officer.authn_level)
	is_number(officer.clearance)
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

request_complete(request) if {
	is_string(request.ref)
	is_string(request.resource)
	texts(request.items)
	texts(request.matched)
	is_number(request.limit)
	subject_complete(request.subject)
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

grant_named(grant) if {
	is_string(grant.id)
	is_string(grant.resource)
	is_string(grant.department)
	is_string(grant.status)
	is_boolean(grant.attested)
}

grant_scoped(grant) if {
	texts(grant.systems)
	texts(grant.channels)
	texts(grant.matters)
	texts(grant.purposes)
	texts(grant.items)
	texts(grant.match)
	texts(grant.operations)

	# A mask that got lost would look like an item without a mask: each granted item names its own.
	every item in grant.items {
		is_string(grant.masks[item])
	}
	every mask in grant.masks {
		is_string(mask)
	}
}

grant_bounded(grant) if {
	is_number(grant.max_rows)
	is_number(grant.not_before)
	is_number(grant.not_after)
	is_number(grant.daily_quota)
	is_number(grant.used_today)
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
