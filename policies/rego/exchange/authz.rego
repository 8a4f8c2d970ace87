# METADATA
# title: The exchange's decision
# description: >-
#   Entry point. One question for all requests of one operation, one verdict for each. A request is
#   permitted only where the question is complete, no guard's ground stands, the publishing department
#   does not object, a grant covers it, and something remains to be given.
# scope: package
package exchange.authz

import data.exchange.guards
import data.exchange.items
import data.exchange.obligations
import data.exchange.question
import data.exchange.rows
import data.exchange.sharing

default decision := {
	"schema": "exchange.decision/1",
	"revision": "",
	"expires": 0,
	"allow": false,
	"code": "REFUSED",
	"resources": {},
	"valid_until": 0,
}

# METADATA
# title: Decision for one operation
# entrypoint: true
decision := {
	"schema": "exchange.decision/1",
	"revision": data.exchange.bundle.revision,
	"expires": data.exchange.bundle.expires,
	"allow": allow,
	"code": code,
	"resources": resources,
	"valid_until": valid_until,
}

default allow := false

allow if {
	count(resources) > 0
	every verdict in resources {
		verdict.allow
	}
}

default code := "REFUSED"

code := "PERMITTED" if allow

code := "PARTLY_PERMITTED" if {
	not allow
	some verdict in resources
	verdict.allow
}

resources[ref] := permits[ref] if {
	question.complete
	some req in input.requests
	ref := req.ref
}

resources[ref] := refusals[ref] if {
	question.complete
	some req in input.requests
	ref := req.ref
	not permits[ref]
}

# Without a complete question every request is refused before any other rule reads it.
resources[ref] := verdict if {
	not question.complete
	some ref, verdict in unread
}

unread[ref] := verdict if {
	some req in input.requests
	ref := req.ref
	is_string(ref)
	verdict := {
		"allow": false,
		"code": "QUESTION_INCOMPLETE",
		"resource": named(req),
		"reasons": [reason("QUESTION_INCOMPLETE", null)],
	}
}

named(req) := req.resource if is_named(req)

named(req) := "" if not is_named(req)

is_named(req) if is_string(req.resource)

permits[req.ref] := {
	"allow": true,
	"code": "PERMITTED",
	"resource": req.resource,
	"grant": grant.id,
	"items": split,
	"row_filter": {"all": conditions},
	"max_rows": min([req.limit, grant.max_rows]),
	"obligations": obligations.list(req.ref),
	"reasons": [reason("PERMITTED", {"grant": grant.id})],
} if {
	some req in input.requests
	guards.standing[req.ref] == set()
	object.get(guards.objections, req.ref, set()) == set()
	grant := sharing.covering[req.ref]
	resource := input.catalogue[req.resource]
	split := items.split(req.items, resource, grant)
	remains(req.items, split)
	conditions := rows.conditions(resource, grant.rows)
}

refusals[req.ref] := {
	"allow": false,
	"code": reasons[0].code,
	"resource": req.resource,
	"reasons": reasons,
} if {
	some req in input.requests
	reasons := why_not(req.ref, req.items, req.resource)
}

# A request that reads nothing asks whether; one that reads must be left something to read.
remains(names, _) if count(names) == 0

remains(_, split) if count(split.allowed) + count(split.masked) > 0

# A resource that is not there has nothing else to be said about it.
why_not(ref, names, resource) := [reason("RESOURCE_UNKNOWN", null)] if {
	"RESOURCE_UNKNOWN" in guards.standing[ref]
} else := [entry[2] |
	some entry in sort(({[priority(code), code, reason(code, null)] | some code in guards.standing[ref]} |
		gap_entries(ref, names, resource)) | objection_entries(ref))
]

gap_entries(ref, names, resource) := {[priority(code), code, reason(code, detail)] |
	nearest := sharing.nearest[ref]
	detail := {"grant": nearest.grant}
	some code in nearest.gaps
} if {
	not covered(ref)
	sharing.nearest[ref]
} else := {[priority("GRANT_MISSING"), "GRANT_MISSING", reason("GRANT_MISSING", null)]} if {
	not covered(ref)
} else := {[priority(code), code, reason(code, detail)] |
	grant := sharing.covering[ref]
	split := items.split(names, input.catalogue[resource], grant)
	detail := {"grant": grant.id, "items": split.denied}
	some code in shortfalls(names, resource, grant)
}

covered(ref) if sharing.covering[ref]

# What a covering grant falls short of: nothing to give, or a filter that cannot be computed.
shortfalls(names, resource, grant) := {code |
	some code in {"ITEMS_NONE", "ROW_FILTER_UNBOUND"}
	not fulfilled(code, names, resource, grant)
}

fulfilled("ITEMS_NONE", names, resource, grant) if {
	remains(names, items.split(names, input.catalogue[resource], grant))
}

fulfilled("ROW_FILTER_UNBOUND", _, resource, grant) if {
	rows.conditions(input.catalogue[resource], grant.rows)
}

# A department speaks after the exchange's own grounds.
objection_entries(ref) := {[1000, objection.code, objection] |
	some objection in object.get(guards.objections, ref, set())
}

priority(code) := data.exchange.reasons[code].priority

reason(code, detail) := {
	"rule": row.rule,
	"code": code,
	"legal_basis": row.legal_basis,
	"detail": detail,
} if {
	row := data.exchange.reasons[code]
}

# Until when the decision holds: the first end of a grant it rests on, or of the policy itself.
valid_until := min({data.exchange.bundle.expires} | ends)

ends := {sharing.covering[ref].not_after |
	some ref, verdict in resources
	verdict.allow
}
